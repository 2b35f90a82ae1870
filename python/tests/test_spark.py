import subprocess
import threading
import time

import pytest

pytest.importorskip("pyspark")

import pyarrow  # noqa: E402
from pyarrow import parquet  # noqa: E402
from pyspark.sql import functions  # noqa: E402

import auxlstm.spark  # noqa: E402

from tests.populations import METHODS, check_equal, estimates_of_command, make_users, shuffled_posts  # noqa: E402
from tests.spark_cluster import Cluster, stages, write_posts  # noqa: E402

POSTS, USERS, MOST_POSTS = 400_000, 20_000, 200_000
TASKS = 24


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def spark(cluster):
    session = cluster.session()
    yield session
    session.stop()


def rows(frame):
    return {row["id"]: row.asDict(recursive=True) for row in frame.collect()}


def check(found, posts, model):
    """Checks predictions, by id, against those of the model about lists of posts, by id."""
    assert sorted(found) == sorted(posts)
    for (user, row), prediction in zip(sorted(found.items()), model.predict(posts[user] for user in sorted(posts))):
        assert (row["words"], row["error"]) == (prediction.words, None)
        for name, attribute in prediction.attributes.items():
            assert row[name]["probabilities"] == attribute.probabilities


def test_posts_are_read_in_their_order(spark, model):
    frame = spark.createDataFrame(
        [("a", 2, "off to the game"), ("b", 1, "rain"), ("a", 1, "my essay is due"), ("b", 2, None)],
        "`the user` string, day int, `my.text` string",
    )
    found = auxlstm.spark.predict(frame, model, user="the user", text="my.text", order="day", partitions=2)
    assert found.schema["id"].dataType.simpleString() == "string"
    check(rows(found), {"a": ["my essay is due", "off to the game"], "b": ["rain", ""]}, model)


def test_words_have_their_evidence(spark, model):
    lists = {7: ["my husband made tea"], 9: []}
    frame = spark.createDataFrame(list(lists.items()), "user int, posts array<string>")
    found = rows(auxlstm.spark.predict(frame, model, evidence=2))
    check(found, lists, model)
    table = pyarrow.table({"user": list(lists), "posts": list(lists.values())})
    for row in model.predict_frame(table, evidence=2).to_pylist():
        assert found[row["id"]] == row
    assert found[7]["gender_evidence"] and found[9]["gender_evidence"] == []


@pytest.mark.parametrize("kind", ["tinyint", "smallint", "int", "bigint"])
def test_ids_keep_their_type(spark, model, kind):
    frame = spark.createDataFrame([(7, "rain"), (7, "rain"), (9, "tea")], f"user {kind}, text string")
    found = auxlstm.spark.predict(frame, model)
    assert found.schema["id"].dataType.simpleString() == kind
    check(rows(found), {7: ["rain", "rain"], 9: ["tea"]}, model)


def test_rows_that_are_users_are_not_shuffled(spark, model):
    lists = spark.createDataFrame([(7, ["rain", "tea"]), (9, [])], "user int, posts array<string>")
    texts = spark.createDataFrame([("rain",), ("tea",)], "text string")
    for frame in (lists, texts):
        found = auxlstm.spark.predict(frame, model)
        assert "Exchange" not in found._jdf.queryExecution().executedPlan().toString()
    check(rows(auxlstm.spark.predict(lists, model)), {7: ["rain", "tea"], 9: []}, model)
    found = rows(auxlstm.spark.predict(texts, model))
    check(found, dict(zip(sorted(found), [["rain"], ["tea"]])), model)


def test_a_poisoned_row_fails_no_task(spark, model):
    frame = spark.createDataFrame(
        [(7, b"rain \xff\xfe tea"), (None, b"rain"), (None, b"tea"), (9, None), (8, b""), (6, b"\x00" * 99)],
        "user int, bytes binary",
    )
    broken = frame.withColumn("text", functions.col("bytes").cast("string"))
    found = auxlstm.spark.predict(broken, model).collect()
    without_id = [row for row in found if row["id"] is None]
    assert [row["error"] for row in without_id] == ["the id of the user is null"] * 2
    assert [row["gender"] for row in without_id] == [None, None]
    with_id = {row["id"]: row.asDict(recursive=True) for row in found if row["id"] is not None}
    check(with_id, {7: ["rain \ufffd\ufffd tea"], 9: [""], 8: [""], 6: ["\0" * 99]}, model)
    lists = broken.groupBy("user").agg(functions.collect_list("text").alias("posts"))
    found = rows(auxlstm.spark.predict(lists, model))
    assert found[7]["words"] == 2 and found[None]["error"] == "the id of the user is null"
    broken = frame.select(functions.col("bytes").cast("string").alias("user"), functions.lit("rain").alias("text"))
    assert "rain \ufffd\ufffd tea" in rows(auxlstm.spark.predict(broken, model))


def test_columns_that_cannot_be_read_are_named(spark, model):
    for frame, what in [
        ("likes int", "its columns are: likes"),
        ("user double, text string", "the ids of users must be integers or strings"),
        ("user int, text int", "text or lists of texts are needed"),
    ]:
        with pytest.raises(ValueError, match=what):
            auxlstm.spark.predict(spark.createDataFrame([], frame), model)


def test_shares_of_classes_are_those_of_the_command_line(spark, model, bundle, command, tmp_path):
    users = make_users()
    by_forum = [user for user in users if user["forum"] is not None]
    rows = [*shuffled_posts(users), (None, 0, "north", "tea"), (None, 1, None, "rain")]
    frame = spark.createDataFrame(rows, "user int, time int, forum string, text string").repartition(6)
    options = {"order": "time", "partitions": 5}

    (tmp_path / "all").mkdir()
    wanted = estimates_of_command(command, bundle, users, tmp_path / "all")
    counted = auxlstm.spark.count(frame, model, **options)
    assert list(counted) == [None] and counted[None].left_out == 2
    for method in METHODS:
        check_equal(model.estimate([counted[None].sums], method), wanted[method][0])
    check_equal(auxlstm.spark.estimate(frame, model, method="pacc", **options), [{**wanted["pacc"][0], "left_out": 2}])

    (tmp_path / "groups").mkdir()
    wanted = estimates_of_command(command, bundle, by_forum, tmp_path / "groups", by=["--by", "forum"])
    counted = auxlstm.spark.count(frame, model, by="forum", **options)
    assert list(counted) == ["north", "south", "west", None]
    assert [group.left_out for group in counted.values()] == [1, 0, 0, 1]
    for method in METHODS:
        for of_group in wanted[method]:
            group = of_group.pop("group")
            check_equal(model.estimate([counted[group].sums], method), of_group)
    # Rows that are users are not shuffled, but sorted by group.
    lists = spark.createDataFrame(by_forum, "id int, forum string, posts array<string>").repartition(4)
    found = auxlstm.spark.estimate(lists, model, by="forum")
    assert [of_group.pop("group") for of_group in found] == ["north", "south", "west"]
    check_equal(found, [{**of_group, "left_out": 0} for of_group in wanted["bayes"]])


def test_counts_of_tasks_add_up(spark, model):
    users = make_users()
    rows = [*shuffled_posts(users), (None, 0, "north", "tea")]
    frame = spark.createDataFrame(rows, "user int, time int, forum string, text string").repartition(6)
    counted = auxlstm.spark.count_corpus(frame, model, {"town": "forum"}, order="time", partitions=5)
    columns = ["user", "time", "forum", "text"]
    table = pyarrow.table(dict(zip(columns, zip(*rows))))
    wanted = model.count_corpus(table, {"town": "forum"}).to_pylist()
    found = [row.asDict() for row in counted.collect()]

    def by_class(row):
        return [(row[name] is not None, row[name]) for name in ("attribute", "class")]

    assert sorted(found, key=by_class) == sorted(wanted, key=by_class)
    assert wanted[0]["bad_records"] == 1 and len(wanted) == 5
    with pytest.raises(ValueError, match="no column of labels \"gender\""):
        auxlstm.spark.count_corpus(frame, model, ["gender"])
    # The letters of a single name used to be taken for names.
    with pytest.raises(TypeError, match="a list of names"):
        auxlstm.spark.count_corpus(frame, model, "gender")
    # A frame without rows had no row of all users.
    (total,) = auxlstm.spark.count_corpus(spark.createDataFrame([], frame.schema), model).collect()
    assert tuple(total) == (None, None, 0, 0, 0, 0)


def test_groups_of_numbers_were_in_the_order_of_their_names(spark, model):
    rows = [(number, number % 12 or None, "rain") for number in range(24)]
    frame = spark.createDataFrame(rows, "user int, month int, text string")
    counted = auxlstm.spark.count(frame, model, by="month", partitions=2)
    assert list(counted) == [*map(str, range(1, 12)), None]


def test_a_method_was_refused_only_after_all_jobs(spark, model):
    counted = []

    class Frame:
        def __getattr__(self, name):
            counted.append(name)

    with pytest.raises(ValueError, match="unknown method \"Bayes\""):
        auxlstm.spark.estimate(Frame(), model, method="Bayes")
    assert not counted


def test_groups_whose_texts_are_unlike_are_named(spark, model):
    frame = spark.range(300).withColumn("text", functions.lit("rain tea " * 9)).withColumn("forum", functions.lit("north"))
    with pytest.warns(UserWarning, match="forum=north: these texts are unlike") as warned:
        auxlstm.spark.estimate(frame, model, by="forum", partitions=2)
    assert __file__ in [warning.filename for warning in warned]


def test_a_group_for_each_user_is_refused(spark, model):
    frame = spark.range(1001).withColumn("text", functions.lit("tea"))
    with pytest.raises(ValueError, match="by='id': more than 1000 values"):
        auxlstm.spark.estimate(frame, model, by="id")


def test_an_empty_frame_has_no_users(spark, model):
    frame = spark.createDataFrame([], "user int, forum string, text string")
    (found,) = auxlstm.spark.estimate(frame, model)
    assert (found["users"], found["left_out"]) == (0, 0)
    assert auxlstm.spark.estimate(frame, model, by="forum") == []


def test_a_user_of_any_size_needs_bounded_memory(spark, model):
    # A gigabyte of text, as much as the address space of a Python process may have.
    posts = spark.range(200_000).select(
        functions.lit(1).alias("user"), "id", functions.repeat(functions.lit("rain tea "), 600).alias("text")
    )
    (row,) = auxlstm.spark.predict(posts, model, order="id", partitions=2).collect()
    assert row["id"] == 1 and row["error"] is None and row["words"] > 1000


@pytest.fixture(scope="module")
def posts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posts") / "posts"
    write_posts(folder, POSTS, users=USERS, most=MOST_POSTS)
    return folder


def test_a_lost_worker_costs_no_user_and_changes_no_prediction(cluster, spark, model, bundle, command, posts, tmp_path):
    frame = spark.read.parquet(str(posts))
    predictions = auxlstm.spark.predict(frame, model, order="time", partitions=TASKS)
    shuffled = frame.repartition(TASKS, "user").sortWithinPartitions("user", "time")
    identity = shuffled.mapInArrow(lambda batches: batches, frame.schema)
    for name, timed in [("identity, start", identity), ("identity", identity), ("predictions", predictions)]:
        started = time.monotonic()
        timed.write.format("noop").mode("overwrite").save()
        print(f"{name}: {time.monotonic() - started:.1f} s for {POSTS} posts of {USERS} users")

    before = {stage["stageId"] for stage in stages(spark)}
    killed = []

    def kill():
        while not killed:
            time.sleep(0.05)
            for stage in stages(spark):
                if stage["stageId"] not in before and stage["numTasks"] == TASKS and stage["numCompleteTasks"] >= 4:
                    killed.append(stage)
                    cluster.kill_worker()
                    return

    killer = threading.Thread(target=kill)
    killer.start()
    out = tmp_path / "predictions.parquet"
    predictions.write.parquet(str(out))
    killer.join(60)
    assert killed[0]["status"] == "ACTIVE" and killed[0]["numCompleteTasks"] < TASKS
    again = [stage for stage in stages(spark) if stage["stageId"] not in before and stage["attemptId"] > 0]
    assert any(stage["shuffleWriteBytes"] > 0 for stage in again), "the deleted part of the shuffle was made again"

    found = parquet.read_table(out).sort_by("id")
    assert found["id"].to_pylist() == list(range(USERS))
    table = parquet.read_table(posts).sort_by([("user", "ascending"), ("time", "ascending")])
    parquet.write_table(table, tmp_path / "sorted.parquet")
    by_command = tmp_path / "by_command.parquet"
    subprocess.run([command, "predict", bundle, tmp_path / "sorted.parquet", "--sorted", "-o", by_command], check=True)
    wanted = parquet.read_table(by_command)
    wanted = wanted.set_column(0, "id", wanted["id"].cast(pyarrow.int64()))
    # Writers differ in what they say of nulls, so values are compared. They are of 32 bits on both sides.
    assert found.to_pylist() == wanted.to_pylist()
