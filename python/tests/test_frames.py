import subprocess

import pytest

POSTS = {
    "user": [7, 9, 7, 5, 9],
    "text": ["my essay is due", "rain", "off to the game", None, "tea"],
}
USERS = {7: ["my essay is due", "off to the game"], 9: ["rain", "tea"], 5: [""]}


@pytest.fixture(scope="module")
def wanted(model):
    return dict(zip(USERS, model.predict(USERS.values())))


def check(rows, wanted):
    """Checks rows with structs."""
    assert [row["id"] for row in rows] == list(wanted)
    for row, prediction in zip(rows, wanted.values()):
        assert (row["words"], row["error"]) == (prediction.words, None)
        for name, attribute in prediction.attributes.items():
            assert row[name]["label"] == attribute.label
            assert row[name]["confident"] == attribute.confident
            assert row[name]["status"] == attribute.status
            assert row[name]["probabilities"] == attribute.probabilities
            if attribute.coarse is not None:
                assert row[name]["coarse"]["probabilities"] == attribute.coarse.probabilities


def test_polars(model, wanted):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(POSTS)
    found = model.predict_frame(frame)
    assert isinstance(found, polars.DataFrame) and found["id"].dtype == frame["user"].dtype
    check(found.to_dicts(), wanted)
    lists = frame.group_by("user", maintain_order=True).agg("text")
    check(model.predict_frame(lists, user="user", text="text").to_dicts(), wanted)
    texts = frame.with_columns(polars.col("user").cast(polars.String).cast(polars.Categorical))
    found = model.predict_frame(texts)
    assert [str(name) for name in found["id"]] == ["7", "9", "5"]


def test_pyarrow(model, wanted):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(POSTS)
    found = model.predict_frame(table)
    assert isinstance(found, pyarrow.Table)
    check(found.to_pylist(), wanted)
    metadata = {key.decode(): value.decode() for key, value in found.schema.metadata.items()}
    assert metadata["auxlstm.schema_version"] == "1"
    assert metadata["auxlstm.model"] == model.card.name
    assert metadata["auxlstm.checksum"] == model.checksum


def test_a_sorted_stream_is_predicted_as_it_is_read(model, wanted):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(POSTS).sort_by("user")
    read = 0

    def batches():
        nonlocal read
        for _ in range(4000):
            for batch in table.to_batches(max_chunksize=2):
                read += 1
                yield batch

    reader = pyarrow.RecordBatchReader.from_batches(table.schema, batches())
    found = model.predict_frame(reader, sorted=True)
    assert isinstance(found, pyarrow.RecordBatchReader)
    first = found.read_next_batch()
    assert 0 < read < 12_000
    check(first.to_pylist()[:3], dict(sorted(wanted.items())))
    # The same users again: they were not consecutive.
    assert "not consecutive" in first.to_pylist()[3]["error"]


def test_pandas(model, wanted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(POSTS)
    found = model.predict_frame(frame)
    assert found["id"].dtype == frame["user"].dtype
    assert found["id"].tolist() == list(wanted)
    for row, prediction in zip(found.to_dict("records"), wanted.values()):
        assert row["words"] == prediction.words
        for name, attribute in prediction.attributes.items():
            label = row[name] if attribute.label else None
            assert label == attribute.label
            for label, probability in attribute.probabilities.items():
                assert row[f"{name}_{label}"] == probability
    lists = pandas.DataFrame({"id": list(USERS), "posts": list(USERS.values())})
    assert model.predict_frame(lists)["words"].tolist() == found["words"].tolist()
    texts = model.predict_frame(frame[["text"]])
    assert texts["id"].tolist() == [1, 2, 3, 4, 5]


def test_pandas_and_arrow_agree_on_bad_rows(model):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    posts = {"user": ["a", None, "b", "a"], "text": ["rain", "tea", "essay", "tea"]}
    for sorted_ in (False, True):
        by_pandas = model.predict_frame(pandas.DataFrame(posts), sorted=sorted_)
        by_arrow = model.predict_frame(pyarrow.table(posts), sorted=sorted_).to_pylist()
        errors = [row["error"] for row in by_arrow]
        assert by_pandas["error"].tolist() == errors
        assert errors[1] == "the id of the user is null"
        assert len(errors) == (4 if sorted_ else 3)
        assert by_pandas["gender_female"].isna().tolist() == [error is not None for error in errors]
    mixed = pandas.DataFrame({"text": ["rain", 5.5]})
    assert model.predict_frame(mixed)["error"].tolist() == [None, "the text is of type float, not a string"]


def test_evidence_is_that_of_the_command_line(model, bundle, command, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    parquet = pytest.importorskip("pyarrow.parquet")
    lists = {"id": ["a", "b", "c"], "posts": [["my husband made tea", "TEA"], ["🎉"], ["the server crashed"]]}
    parquet.write_table(pyarrow.table(lists), tmp_path / "users.parquet")
    for out in ("users.out.parquet", "users.csv"):
        options = [tmp_path / "users.parquet", "--evidence", "3", "-o", tmp_path / out]
        subprocess.run([command, "predict", bundle, *options], check=True, capture_output=True)
    found = model.predict_frame(pyarrow.table(lists), evidence=3)
    wanted = parquet.read_table(tmp_path / "users.out.parquet")
    assert found.schema.names == wanted.schema.names
    assert found.to_pylist() == wanted.to_pylist()
    assert found["gender_evidence"].to_pylist()[1] == []

    table = pandas.read_csv(tmp_path / "users.csv", keep_default_na=False)
    flat = model.predict_frame(pandas.DataFrame(lists), evidence=3)
    for name in ("profession_evidence", "age_evidence", "age_coarse_evidence", "gender_evidence"):
        assert flat[name].tolist() == table[name].tolist()
    with pytest.raises(ValueError, match="evidence=0"):
        model.predict_frame(pyarrow.table(lists), evidence=0)


def test_columns_that_are_missing_are_named(model):
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"likes": [1], "words": ["rain"]})
    with pytest.raises(ValueError, match="its columns are: likes, words"):
        model.predict_frame(table)
    with pytest.raises(ValueError, match="column \"likes\" is of type Int64"):
        model.predict_frame(table, text="likes")
    with pytest.raises(ValueError, match="no column \"name\""):
        model.predict_frame(table, text="words", user="name")


def test_other_packages_get_a_stream(model, wanted):
    pyarrow = pytest.importorskip("pyarrow")

    class Frame:
        def __arrow_c_stream__(self, requested_schema=None):
            return pyarrow.table(POSTS).__arrow_c_stream__(requested_schema)

    stream = model.predict_frame(Frame())
    check(pyarrow.table(stream).to_pylist(), wanted)
    # DuckDB asks for the schema first, and found the stream read.
    check(pyarrow.table(stream).to_pylist(), wanted)
    lazy = model.predict_frame(model.predict_frame(Frame()), user="id", text="language", sorted=True)
    assert pyarrow.table(lazy).num_rows == len(wanted)
    with pytest.raises(ValueError, match="predict again"):
        pyarrow.table(lazy)


def test_a_failing_source_fails_the_prediction(model):
    pyarrow = pytest.importorskip("pyarrow")
    schema = pyarrow.schema([("text", pyarrow.string())])

    def batches():
        yield pyarrow.record_batch([["rain"]], schema=schema)
        raise OSError("the disk is gone")

    reader = pyarrow.RecordBatchReader.from_batches(schema, batches())
    with pytest.raises(ValueError, match="the disk is gone"):
        model.predict_frame(reader)


def test_other_columns_made_a_frame_unreadable(model, wanted):
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    others = {"place": [None] * 5, "tags": [[]] * 5, "count": [1] * 5}
    frame = polars.DataFrame({**POSTS, **others}).with_columns(polars.col("count").cast(polars.Int128))
    check(model.predict_frame(frame).to_dicts(), wanted)
    check(model.predict_frame(pyarrow.table({**POSTS, "bytes": not_utf8()})).to_pylist(), wanted)
    assert model.count_frame(frame).left_out == 0
    assert model.count_corpus(frame, ["place"])["users"].to_list() == [3, 3]
    with pytest.raises(ValueError, match="column \"count\""):
        model.predict_frame(frame, user="count")
    # Columns of nulls that are read.
    for nulls in (frame.select("user", text="place"), frame.select("user", text="tags")):
        assert model.predict_frame(nulls)["words"].to_list()[:3] == [0, 0, 0]
    errors = model.predict_frame(frame.select("text", user="place"))["error"].to_list()
    assert errors == ["the id of the user is null"] * 5


def not_utf8():
    """Texts, one of which is of bytes that are not UTF-8."""
    import pyarrow

    values = pyarrow.array([b"rain \xff tea", None, b"b", b"c", b"d"])
    return pyarrow.Array.from_buffers(pyarrow.string(), len(values), values.buffers())


def test_bytes_that_are_not_utf8_ended_the_run(model):
    pyarrow = pytest.importorskip("pyarrow")
    texts = not_utf8()
    lists = pyarrow.ListArray.from_arrays([0, 3, 5], texts)
    for kind in (texts, texts.cast(pyarrow.large_string(), safe=False), texts.slice(0, 3), lists):
        found = model.predict_frame(pyarrow.table({"text": kind})).to_pylist()
        assert found[0]["error"] is None and found[0]["known_words"] >= 2
    found = model.predict_frame(pyarrow.table({"user": texts, "text": ["rain"] * 5})).to_pylist()
    assert found[0]["id"] == "rain \ufffd tea"


def test_a_column_is_no_frame(model):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    for column in (pandas.Series(["rain"]), polars.Series(["rain"]), pyarrow.chunked_array([["rain"]])):
        with pytest.raises(TypeError, match=f"expected a data frame; this {type(column).__name__} is a column"):
            model.predict_frame(column)
    frame = polars.DataFrame(POSTS)
    for options, what in [({"text": 1}, "text=1"), ({"user": 1}, "user=1"), ({"sorted": "no"}, "sorted='no'")]:
        for call in (model.predict_frame, model.count_frame, model.count_corpus):
            with pytest.raises(TypeError, match=what):
                call(frame, **options)


def test_frames_of_subclasses_became_streams(model):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    for base in (pandas.DataFrame, polars.DataFrame):
        kind = type("Frame", (base,), {"__module__": "geography"})
        assert isinstance(model.predict_frame(kind({"text": ["rain"]})), base)


def test_old_versions_are_named(model):
    old = type("Table", (), {"__module__": "pyarrow.lib"})
    with pytest.raises(TypeError, match="not Table; pyarrow 14 or later is needed"):
        model.predict_frame(old())


def test_the_index_of_pandas_was_ignored(model, wanted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(POSTS).set_index("user")
    found = model.predict_frame(frame)
    assert found["id"].tolist() == list(wanted) and found["id"].dtype == frame.index.dtype
    lists = pandas.DataFrame(POSTS).groupby("user")["text"].agg(list).to_frame()
    assert model.predict_frame(lists)["id"].tolist() == sorted(wanted)
    levels = pandas.DataFrame({**POSTS, "day": range(5)}).set_index(["day", "user"])
    assert model.predict_frame(levels)["id"].tolist() == list(wanted)
    for indexed in (frame, lists, levels):
        assert model.count_corpus(indexed)["users"].tolist() == [3]


def test_rows_after_a_refused_row_went_to_an_earlier_user(model):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    posts = {"user": ["a", "b", "a", "a", "c", "a"], "text": ["rain", "tea", "essay", "tea", "rain", "tea"]}
    by_pandas = model.predict_frame(pandas.DataFrame(posts), sorted=True)
    by_arrow = model.predict_frame(pyarrow.table(posts), sorted=True).to_pylist()
    assert by_pandas["error"].tolist() == [row["error"] for row in by_arrow]
    assert by_pandas["id"].tolist() == [row["id"] for row in by_arrow] == ["a", "b", "a", "c", "a"]
    assert by_pandas["words"].fillna(0).tolist() == [row["words"] or 0 for row in by_arrow]


def test_a_null_list_disappeared(model):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    lists = {"user": [7, 7, 9], "posts": [["rain"], None, ["tea", None]]}
    found = model.predict_frame(pandas.DataFrame(lists))
    assert found["words"].tolist() == model.predict_frame(pyarrow.table(lists))["words"].to_pylist() == [1, 0, 1]


def test_ids_that_cannot_be_compared_ended_the_run(model):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"user": [[7], {"id": 7}, 7], "text": ["rain"] * 3})
    errors = model.predict_frame(frame)["error"].tolist()
    assert ["list" in errors[0], "dict" in errors[1], errors[2]] == [True, True, None]
    assert model.count_frame(frame).left_out == 2


def test_many_users_in_pandas(model):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    posts = {"user": pandas.Categorical([f"u{number % 2100}" for number in range(2500)]), "text": ["rain", "tea tea"] * 1250}
    frame = pandas.DataFrame(posts)
    found = model.predict_frame(frame, evidence=1)
    by_arrow = model.predict_frame(pyarrow.Table.from_pandas(frame))
    assert len(found) == 2100 and found["id"].dtype == frame["user"].dtype
    assert found["words"].tolist() == by_arrow["words"].to_pylist()
    assert found["gender_female"].dtype == "float32"
    assert found["gender_evidence"].tolist()[2099].startswith("tea")
