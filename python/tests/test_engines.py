"""The examples of docs/scale.md with engines other than Spark."""

import pyarrow
import pyarrow.parquet
import pytest

POSTS = pyarrow.table({
    "user": [9, 7, 9, 7, 5],
    "time": [2, 2, 1, 1, 1],
    "text": ["tea", "off to the game", "rain", "my essay is due", None],
})
USERS = {5: [""], 7: ["my essay is due", "off to the game"], 9: ["rain", "tea"]}


def check(rows, model):
    rows = sorted(rows, key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(USERS)
    for row, prediction in zip(rows, model.predict(USERS.values())):
        assert (row["words"], row["error"]) == (prediction.words, None)
        assert row["gender"]["probabilities"] == prediction["gender"].probabilities


def test_duckdb(model):
    duckdb = pytest.importorskip("duckdb")
    posts = duckdb.from_arrow(POSTS)
    ordered = posts.order('"user", time').to_arrow_reader()
    # A connection cannot be asked while a result of it is read.
    users = duckdb.connect().from_arrow(model.predict_frame(ordered, sorted=True))
    check(users.to_arrow_table().to_pylist(), model)
    # The predictions of a relation, which DuckDB used to find read.
    predicted = model.predict_frame(duckdb.from_arrow(POSTS.sort_by("time")))
    for _ in range(2):
        check(duckdb.from_arrow(predicted).to_arrow_table().to_pylist(), model)


def test_polars_streaming(model, tmp_path):
    polars = pytest.importorskip("polars")
    pyarrow.parquet.write_table(POSTS, tmp_path / "posts.parquet")
    posts = polars.scan_parquet(tmp_path / "posts.parquet").sort("user", "time")
    batches = (batch for frame in posts.collect_batches() for batch in frame.to_arrow().to_batches())
    schema = posts.collect_schema().to_frame().to_arrow().schema
    reader = pyarrow.RecordBatchReader.from_batches(schema, batches)
    found = [polars.from_arrow(batch) for batch in model.predict_frame(reader, sorted=True)]
    check(polars.concat(found).to_dicts(), model)


def test_ray(model):
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        table = pyarrow.table({"user": list(USERS), "posts": list(USERS.values())})
        users = ray.data.from_arrow(table)
        found = users.map_batches(model.predict_frame, batch_format="pyarrow", batch_size=1024)
        check(found.take_all(), model)
    finally:
        ray.shutdown()
