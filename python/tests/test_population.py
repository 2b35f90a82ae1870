import json
import random
import subprocess

import pytest

from auxlstm import Model

from tests.populations import METHODS, check_equal, estimates_of_command, make_users, shuffled_posts

USERS = make_users()


def table(users):
    pyarrow = pytest.importorskip("pyarrow")
    user, time, _, text = zip(*shuffled_posts(users))
    return pyarrow.table({"user": user, "time": time, "text": text}).sort_by("time")


def test_sums_of_parts_give_the_shares_of_the_command_line(model, bundle, command, tmp_path):
    wanted = estimates_of_command(command, bundle, USERS, tmp_path)
    parts = [model.count_frame(table(USERS[start::3])) for start in range(3)]
    assert [part.left_out for part in parts] == [0, 0, 0]
    for method in METHODS:
        found = model.estimate((part.sums for part in parts), method)
        assert found["users"] == 234 and found["without_known_words"] == 6
        check_equal(found, wanted[method][0])

    # The command line adds the sums of the package.
    for number, part in enumerate(parts):
        (tmp_path / f"part-{number}").write_bytes(part.sums)
    add = ["--add", "part-0", "part-1", "part-2", "--sums", "added"]
    subprocess.run(
        [command, "population", bundle, "none.jsonl", *add], check=True, capture_output=True, cwd=tmp_path
    )
    added = model.estimate([(tmp_path / "added").read_bytes()])
    check_equal(added, wanted["bayes"][0])


def test_a_sorted_stream_is_counted_as_it_is_read(model):
    pyarrow = pytest.importorskip("pyarrow")
    by_user = table(USERS).sort_by([("user", "ascending"), ("time", "ascending")])
    reader = pyarrow.RecordBatchReader.from_batches(by_user.schema, by_user.to_batches(max_chunksize=7))
    counted = model.count_frame(reader, sorted=True)
    wanted = model.estimate([model.count_frame(table(USERS)).sums])
    check_equal(model.estimate([counted.sums]), wanted)


def test_pandas_frames_are_counted(model):
    pytest.importorskip("pandas")
    users = table(USERS)
    counted, wanted = model.count_frame(users.to_pandas()), model.count_frame(users)
    assert counted.left_out == 0
    check_equal(model.estimate(counted), model.estimate(wanted))
    by_pandas = model.count_corpus(users.to_pandas(), {"time": "time"})
    assert by_pandas.to_dict("list")["users"] == model.count_corpus(users, {"time": "time"})["users"].to_pylist()


def test_frames_of_pandas_that_were_predicted_could_not_be_counted(model):
    pandas = pytest.importorskip("pandas")
    text = pandas.Series(["rain", "half \ud83d tea", "tea", 5.5, "tea"], dtype="object")
    other = pandas.Series([object(), {}, 3, "a", None], dtype="object")
    for frame, users, left_out, parted in [
        (pandas.DataFrame({"user": [7, None, 7, 7, 9], "text": text, "other": other}), 2, 2, 1),
        (pandas.DataFrame({"user": ["a", "a", 7, 9, [9]], "text": text}), 2, 2, 0),
        (pandas.DataFrame({"text": text}), 4, 1, 0),
        (pandas.DataFrame({"user": [7, 7, 9], "posts": [["rain", "half \ud83d tea"], None, ["tea", 5]]}), 1, 1, 0),
    ]:
        for sorted_ in (False, True):
            predicted = model.predict_frame(frame, sorted=sorted_)
            counted = model.count_frame(frame, sorted=sorted_)
            assert counted.left_out == predicted["error"].notna().sum() == left_out + (sorted_ and parted)
            assert model.estimate(counted)["users"] == users == (predicted["words"] > 0).sum()
            corpus = model.count_corpus(frame, sorted=sorted_)
            assert corpus["bad_records"].tolist() == [counted.left_out] and corpus["words"].sum() == predicted["words"].sum()
    # Labels of several types.
    frame = pandas.DataFrame({"text": ["rain"] * 4, "town": ["a", 5, None, "a"]})
    counts = model.count_corpus(frame, ["town"])
    assert counts["class"].fillna("").tolist() == ["", "", "5", "a"]
    assert counts["users"].tolist() == [4, 1, 1, 2]


def test_groups_were_added_up_in_silence(model, bundle, command, tmp_path):
    estimates_of_command(command, bundle, USERS[:30], tmp_path, by=["--by", "forum"])
    with pytest.raises(ValueError, match="sums number 1: its users are grouped by \"forum\""):
        model.estimate([(tmp_path / "sums").read_bytes()])


def test_texts_unlike_those_of_the_training_users_are_warned_of(model):
    pyarrow = pytest.importorskip("pyarrow")
    counted = model.count_frame(pyarrow.table({"text": ["rain tea " * 9] * 300}))
    with pytest.warns(UserWarning, match="unlike the training corpus .* not to be trusted") as warned:
        estimate = model.estimate(counted)
    assert estimate["texts"][0]["unlike"] and warned[0].filename == __file__


def test_sums_are_those_of_count_frame_or_bytes(model):
    counted = model.count_frame(table(USERS[:9]))
    wanted = model.estimate([counted.sums])
    for sums in (counted, [counted], counted.sums, [bytearray(counted.sums)], iter([memoryview(counted.sums)])):
        assert model.estimate(sums) == wanted
    with pytest.raises(TypeError, match="sums number 2: expected what count_frame returns, or bytes, not str"):
        model.estimate([counted, "sums"])


def test_rows_that_cannot_be_read_are_left_out(model):
    pyarrow = pytest.importorskip("pyarrow")
    rows = pyarrow.table({"user": [1, None, 2, 1], "text": ["tea", "tea", "rain", "tea"]})
    reader = pyarrow.RecordBatchReader.from_batches(rows.schema, rows.to_batches())
    counted = model.count_frame(reader, sorted=True)
    assert counted.left_out == 2 and model.estimate([counted.sums])["users"] == 2
    assert model.estimate([])["users"] == 0


def test_counts_of_parts_give_those_of_the_command_line(model, command, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    labelled = [{**user, "sex": ["f", "m", None][user["id"] % 3]} for user in USERS]
    (tmp_path / "users.jsonl").write_text("".join(json.dumps(user) + "\n" for user in labelled))
    stats = ["corpus", "stats", "users.jsonl", "--attribute", "gender", "--attribute", "forum", "--json"]
    printed = subprocess.run([command, *stats], check=True, capture_output=True, cwd=tmp_path).stdout
    wanted = json.loads(printed)

    sums = {}
    for part in (labelled[0::2], labelled[1::2]):
        posts = [{**user, "text": post} for user in part for post in user["posts"]]
        random.Random(2).shuffle(posts)
        frame = pyarrow.Table.from_pylist(posts).drop(["posts"])
        for row in model.count_corpus(frame, {"gender": "sex", "forum": "forum"}, user="id").to_pylist():
            key = (row.pop("attribute"), row.pop("class"))
            before = sums.get(key, dict.fromkeys(row, 0))
            sums[key] = {name: before[name] + number for name, number in row.items()}
    assert sums.pop((None, None)) == {name: wanted[name] for name in ("users", "posts", "words", "bad_records")}
    for attribute, counts in wanted["attributes"].items():
        assert sums.pop((attribute, None))["users"] == counts["unknown"]
        for label, users in counts["classes"].items():
            assert sums.pop((attribute, label))["users"] == users
    assert not sums


def test_counts_are_a_frame_of_the_same_kind(model):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    posts = {"text": ["rain", "tea"], "town": [1.0, None]}
    for kind in (pandas.DataFrame, polars.DataFrame):
        found = model.count_corpus(kind(posts), ["town"])
        assert isinstance(found, kind) and found["users"].to_list() == [2, 1, 1]
        assert found["class"].to_list()[2] == "1"
    with pytest.raises(ValueError, match="no column of labels \"gender\"; its columns are: text, town"):
        model.count_corpus(polars.DataFrame(posts), ["gender"])
    # The letters of a single name used to be taken for names.
    with pytest.raises(TypeError, match="a list of names"):
        model.count_corpus(polars.DataFrame(posts), "town")


def test_sums_that_cannot_be_added_are_named(model, bundle):
    dictionary = bundle.parents[1] / "dictionary" / "zh.txt.gz"
    other = Model.load("zh-en.safetensors", dictionary=dictionary)
    sums = model.count_frame(table(USERS[:9])).sums
    damaged = sums.replace(b'"users":8', b'"users":7', 1)
    assert damaged != sums
    for call, what in [
        (lambda: other.estimate([sums]), "sums number 1: its users were predicted with another model"),
        (lambda: model.estimate([sums, b"{}"]), "sums number 2: not sums over users"),
        (lambda: model.estimate([damaged]), "sums number 1: its sums are damaged"),
        (lambda: model.estimate([sums], "median"), "median"),
    ]:
        with pytest.raises(ValueError, match=what) as raised:
            call()
        assert "\n" not in str(raised.value)
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        model.count_frame([1])
