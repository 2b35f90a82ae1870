import gzip
import json
import lzma
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest

from auxlstm import Model, UserPrediction

USERS = [
    ["my essay is due tomorrow", "off to the football game"],
    ["the office was quiet today"],
    [],
    ["今天 rain", ""],
    "one string is one post",
]


def test_results_are_typed(model):
    predictions = model.predict(USERS)
    assert len(predictions) == len(USERS)
    first = predictions[0]
    assert isinstance(first, UserPrediction)
    for attribute in model.attributes:
        prediction = first[attribute.name]
        assert prediction.label in attribute.classes
        assert tuple(prediction.probabilities) == attribute.classes
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.status == "measured"
        assert (prediction.coarse is None) == (not attribute.coarse_classes)
    without_words = predictions[2]
    assert without_words.words == 0 and without_words["gender"].label is None
    assert pickle.loads(pickle.dumps(first)) == first


def test_batches_and_threads_do_not_change_the_numbers(bundle, model):
    users = [[f"post {number} of the day", "rain and tea"] * (number % 7) for number in range(300)]
    wanted = model.predict(users)
    assert list(model.pipe(iter(users), batch_size=7)) == wanted
    assert Model.load(bundle, threads=1).predict(users) == wanted
    assert [model.predict([user])[0] for user in users[:9]] == wanted[:9]


def test_the_same_numbers_as_the_command_line(model, bundle, command, tmp_path):
    lists = [[user] if isinstance(user, str) else user for user in USERS]
    file = tmp_path / "users.jsonl"
    file.write_text("".join(json.dumps({"id": n, "posts": posts}) + "\n" for n, posts in enumerate(lists)))
    printed = subprocess.run([command, "predict", bundle, file], check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in printed.stdout.splitlines()]
    assert len(lines) == len(lists)
    for line, prediction in zip(lines, model.predict(lists)):
        assert line["words"] == prediction.words
        for name, attribute in line["predictions"].items():
            assert attribute["label"] == prediction[name].label
            assert attribute["confident"] == prediction[name].confident
            for label, probability in attribute["probabilities"].items():
                assert single(probability) == single(prediction[name].probabilities[label])

    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    subprocess.run([command, "predict", bundle, file, "-o", out], check=True, capture_output=True)
    by_command = parquet.read_table(out)
    table = pyarrow.table({"id": [str(n) for n in range(len(lists))], "posts": lists})
    by_package = model.predict_frame(table)
    assert by_package.to_pylist() == by_command.to_pylist()
    assert by_package.schema.metadata == by_command.schema.remove_metadata().with_metadata(
        {key: value for key, value in by_command.schema.metadata.items() if key.startswith(b"auxlstm.")}
    ).metadata


def single(number):
    """The bits of the nearest number of 32 bits."""
    import struct

    return struct.pack("<f", number)


def test_words_have_their_evidence(model):
    posts = ["é my husband 😋 and I", "essay"]
    explained = model.explain(posts)
    assert explained.prediction == model.predict([posts])[0]
    for word in explained.words:
        assert posts[word.post][word.start : word.end] == word.text
    # A coarse class used to be unknown.
    assert all(evidence > 0 for _, evidence in explained.strongest("age", "13-17", 3))
    assert model.explain([""]).strongest("gender", "female") == []
    evidence = explained.attributes["gender"].classes["female"]
    assert len(evidence) == len(explained.words)
    assert explained.attributes["age"].coarse is not None


def test_the_card_and_the_attributes(model):
    assert model.card.name and model.card.licence
    assert {figures["attribute"] for figures in model.card.figures} >= {"gender"}
    age = next(attribute for attribute in model.attributes if attribute.name == "age")
    assert {label for labels in age.coarse_classes.values() for label in labels} == set(age.classes)
    assert "gender" in repr(model)


def test_bytes_are_a_bundle_too(bundle, model):
    content = bundle.read_bytes()
    for kind in (bytes, bytearray, memoryview):
        assert Model.load(kind(content)).checksum == model.checksum


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda model: Model.load(b"no bundle"), ValueError, "not an auxlstm bundle"),
        (lambda model: Model.load("missing.safetensors"), FileNotFoundError, "missing.safetensors"),
        (lambda model: Model.load("zh-en.safetensors"), ValueError, "dictionary=FILE"),
        (lambda model: Model.load("en.safetensors", dictionary=b""), ValueError, "dictionary"),
        (lambda model: Model.load("en.safetensors", threads=0), ValueError, "at least 1 thread"),
        (lambda model: Model.load("en.safetensors", threads=100_000), ValueError, "at most 1024"),
        (lambda model: model.predict("a post"), TypeError, "this is a string"),
        (lambda model: model.predict([[5]]), TypeError, "user 0: post 0 is of type int"),
        (lambda model: model.predict([["a"], ["a", None]]), TypeError, "user 1: post 1 is of type NoneType"),
        (lambda model: model.predict(["a", None]), TypeError, "user 1: expected a string or a list of strings"),
        (lambda model: model.predict([{"id": 7}]), TypeError, "user 0: expected a string or a list of strings"),
        (lambda model: model.predict({"a": ["a post"]}), TypeError, "this is of type dict"),
        (lambda model: model.explain(None), TypeError, "expected a string or a list of strings, not NoneType"),
        (lambda model: model.explain("rain").strongest("gender", "female", -1), ValueError, "count=-1"),
        # Not only when the first user is taken.
        (lambda model: model.pipe("a post"), TypeError, "this is a string"),
        (lambda model: model.pipe([], batch_size=0), ValueError, "batch_size=0"),
        (lambda model: model.pipe([], batch_size=2.5), TypeError, "batch_size=2.5"),
        (lambda model: Model.load(0), TypeError, "not int"),
        (lambda model: Model.load("en.safetensors", dictionary=gzip.compress(b"x 1 n")[:-4]), ValueError, "damaged"),
        (lambda model: Model.load("en.safetensors", dictionary=b"\x1f\x8b\x08\0\xff"), ValueError, "damaged"),
        (lambda model: Model.load("en.safetensors", dictionary=lzma.compress(b"x")[:20] + b"z"), ValueError, "damaged"),
        (lambda model: model.predict_frame([1]), TypeError, "__arrow_c_stream__"),
    ],
)
def test_errors_are_one_line(model, call, error, what):
    with pytest.raises(error) as raised:
        call(model)
    assert what in str(raised.value) and "\n" not in str(raised.value)


def test_a_data_frame_is_no_list_of_users(model):
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    columns = {"user": ["x"], "text": ["a post"]}
    for frame in (pandas.DataFrame(columns), polars.DataFrame(columns), pyarrow.table(columns)):
        # The names of the columns used to be predicted.
        for call in (model.predict, model.pipe):
            with pytest.raises(TypeError, match="a data frame .*, which predict_frame reads"):
                call(frame)
    # A column is a list of users.
    for column in (pandas.Series(["a post"]), polars.Series([["a post"]])):
        assert model.predict(column)[0].words == 2


def test_a_huge_batch_is_all_users(model):
    assert [user.words for user in model.pipe(["rain", "tea"], batch_size=1 << 70)] == [1, 1]


def test_half_an_emoji_is_read(model):
    assert model.predict([["rain \ud83d tea"]])[0].known_words >= 2


def test_a_model_that_reads_chinese(bundle):
    dictionary = bundle.parents[1] / "dictionary" / "zh.txt.gz"
    chinese = Model.load("zh-en.safetensors", dictionary=dictionary)
    first, second = chinese.predict([["今天去学校上课"], ["rain and tea"]])
    assert (first.language, second.language) == ("zh", "other")


def test_a_process_unpickles_a_model_once(model):
    pickled = pickle.dumps(model)
    first, second = pickle.loads(pickled), pickle.loads(pickled)
    assert first is second
    assert first.predict(USERS) == model.predict(USERS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_model_works_after_a_fork(model):
    wanted = model.predict(USERS)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    children = [
        context.Process(target=lambda: results.put(model.predict(USERS))) for _ in range(2)
    ]
    for child in children:
        child.start()
    assert [results.get(timeout=60) for _ in children] == [wanted, wanted]
    for child in children:
        child.join(60)
        assert child.exitcode == 0


def test_threads_of_python_run_beside(model):
    users = [["rain tea office kitchen essay " * 40]] * 800
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    started = time.monotonic()
    model.predict(users)
    seconds = time.monotonic() - started
    done.set()
    ticker.join()
    assert len(ticks) > 20 * seconds


def test_no_other_package_is_needed(bundle):
    code = f"""
import sys
for name in ("numpy", "pandas", "polars", "pyarrow", "pyspark", "sklearn"):
    sys.modules[name] = None
from auxlstm import Model
model = Model.load({str(bundle)!r})
assert model.predict([["rain"]])[0].words == model.explain("rain").prediction.words == 1
assert [user.words for user in model.pipe(["rain", "tea"])] == [1, 1]
assert "gender" in repr(model) and model.card.languages
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no signals")
@pytest.mark.parametrize(
    "call",
    [
        "model.predict(users)",
        "model.predict_frame(pyarrow.table({'text': users}))",
        "model.predict_frame(pyarrow.table({'text': users[:100]}), evidence=3)",
        "model.predict_frame(pandas.DataFrame({'text': users[:256]}), evidence=3)",
        "model.count_frame(pyarrow.table({'text': users}))",
        "model.count_corpus(pyarrow.table({'text': users}))",
    ],
)
def test_ctrl_c_ends_a_long_prediction(bundle, call):
    if "pyarrow" in call:
        pytest.importorskip("pyarrow")
        call = f"import pyarrow; {call}"
    if "pandas" in call:
        pytest.importorskip("pandas")
        call = f"import pandas; {call}"
    code = f"""
from auxlstm import Model
model = Model.load({str(bundle)!r}, threads=1)
users = [["rain tea office kitchen essay " * 2000]] * 20000
print("ready", flush=True)
{call}
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    _, errors = child.communicate(timeout=60)
    assert time.monotonic() - sent < 15
    assert "KeyboardInterrupt" in errors
    assert child.returncode != 0


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_a_packed_dictionary_claimed_any_memory(compress):
    packed = compress(b"\n" * (1 << 20)) * 200
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="dictionary"):
            Model.load("en.safetensors", dictionary=packed)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()
