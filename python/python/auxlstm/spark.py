"""Predictions about the users of a Spark data frame, with Spark 4 or later. Each worker needs this package.

See ``docs/scale.md`` in the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from math import isqrt
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Optional

from ._model import Model, _labels, _restore, _warn_if_unlike
from ._native import label_place, places
from ._types import UserSums

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

_CORPUS_COUNTS = "attribute string, class string, users long, posts long, words long, bad_records long"

_MOST_GROUPS = 1000
"""The most groups of ``by``, as on the command line. The sums of each take up to some megabytes."""


def predict(
    frame: DataFrame,
    model: Model,
    *,
    user: str | None = None,
    text: str | None = None,
    order: str | Sequence[str] = (),
    partitions: int | None = None,
    evidence: int | None = None,
) -> DataFrame:
    """Predicts the users of a data frame. The result has a row for each user, with the columns that
    :meth:`auxlstm.Model.predict_frame` gives to Arrow.

    A row is a post, with its text in column ``text`` and the user's id, an integer or a string, in column ``user``. By
    default the columns are found by the names that the command line knows, such as ``user_id``. Posts are shuffled by user and read in
    the order of the columns ``order``. Posts with the same place in this order are ordered by a hash of their text, so that a
    task that is repeated gives the same prediction.

    Nothing is shuffled where each row is a user: if the column of the text holds lists of posts, or if there is no column of
    ids. In the second case ``id`` is Spark's ``monotonically_increasing_id``.

    A row that cannot be read does not fail its task: it has the reason in the column ``error``. Bytes that are not UTF-8 are
    read as U+FFFD. ``evidence`` adds the words that speak most for each label.

    ``partitions`` is the number of tasks after the shuffle, by default ``spark.sql.shuffle.partitions``. A task computes with
    the threads that the model was loaded with, or else as many as ``spark.task.cpus`` says. The model travels with the task,
    and each Python process of a worker loads it once.
    """
    rows = _by_user(frame, user, text, order, partitions).select("user", "text")
    return rows.mapInArrow(_predictor(model, evidence), _prediction_schema(model, rows.schema, evidence))


def estimate(
    frame: DataFrame,
    model: Model,
    *,
    by: str | None = None,
    method: str = "bayes",
    user: str | None = None,
    text: str | None = None,
    order: str | Sequence[str] = (),
    partitions: int | None = None,
) -> list[dict[str, Any]]:
    """Estimates the share of each class among the users of a data frame, with 95 % intervals.

    Frame and columns are those of :func:`predict`, and groups those of :func:`count`. The methods are those of ``auxlstm
    population``: ``bayes`` corrects the errors of the classifier; ``pcc`` is the mean of the probabilities (probabilistic
    classify and count), and ``cc`` the share of labels (classify and count), which are biased. These two are under the base
    rates of the training users, where :func:`predict` predicts under equal ones. Read when not to trust the shares in
    ``docs/population.md``; a warning names groups whose texts are unlike those of the training users.

    Each element of the result is an object of ``auxlstm population --json``, with the number of users that could not be read
    in ``left_out``. With ``by``, the groups are in ascending order.
    """
    # A method that does not exist is refused before Spark counts.
    model._estimate([], method)
    counted = count(frame, model, by=by, user=user, text=text, order=order, partitions=partitions)
    estimates = []
    for group, sums in counted.items():
        estimate = model._estimate(sums, method)
        _warn_if_unlike(estimate, "" if by is None else f"{by}={group}: ")
        of_group = {} if by is None else {"group": group}
        estimates.append({**of_group, **estimate, "left_out": sums.left_out})
    return estimates


def count(
    frame: DataFrame,
    model: Model,
    *,
    by: str | None = None,
    user: str | None = None,
    text: str | None = None,
    order: str | Sequence[str] = (),
    partitions: int | None = None,
) -> Counts:
    """Counts the users of a data frame for :meth:`auxlstm.Model.estimate`, which then estimates shares by any method.

    Frame and columns are those of :func:`predict`. With ``by``, users are counted for each value of this column, such as a
    month or a community; a user with posts of several values is counted in each of them, and users without a value in the
    group ``None``. Without ``by``, all users are in the group ``None``.

    Each task sums up its users, and the sums of tasks are added, so no predictions are stored or collected.
    """
    from pyspark.sql import functions

    def name_of(value: Column) -> Column:
        return functions.make_valid_utf8(value.cast("string"))

    ascending: dict[str | None, int] = {}
    if by is not None:
        values = frame.select(_column(frame, by).alias("value")).distinct().limit(_MOST_GROUPS + 1)
        # The names of numbers have another order than the numbers.
        names = values.sort("value").select(name_of(functions.col("value"))).collect()
        if len(names) > _MOST_GROUPS:
            raise ValueError(f"by={by!r}: more than {_MOST_GROUPS} values; name a column that many users share")
        ascending = {name: place for place, (name,) in enumerate(names)}
    group = name_of(functions.lit(None) if by is None else _column(frame, by))
    rows = _by_user(frame, user, text, order, partitions, group=group)
    # Columns that cannot be read raise an error here, not in the tasks.
    _prediction_schema(model, rows.select("user", "text").schema)
    schema = "group string, sums binary, left_out long"
    counted = rows.mapInArrow(_counter(model), schema)
    # The sums of one task take megabytes, so they are added in two steps.
    tasks = partitions or int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    merged = counted.repartition(isqrt(tasks) + 1).mapInArrow(_merger(model), schema)
    counts: Counts = {} if by is not None else {None: UserSums(model._native.merge([]), 0)}
    for row in merged.toLocalIterator():
        _add(counts, model, row["group"], UserSums(bytes(row["sums"]), row["left_out"]))
    return dict(sorted(counts.items(), key=lambda group: (group[0] is None, ascending.get(group[0], 0))))


def count_corpus(
    frame: DataFrame,
    model: Model,
    attributes: Iterable[str] | Mapping[str, str] = (),
    *,
    user: str | None = None,
    text: str | None = None,
    order: str | Sequence[str] = (),
    partitions: int | None = None,
) -> DataFrame:
    """Counts the users, posts and words of a data frame, and those of each label of ``attributes``, with the columns and
    options of :meth:`auxlstm.Model.count_corpus`.

    Each task counts its users, and Spark adds up the counts. The label of a user is the first one in the order of the posts,
    which is that of :func:`predict`.
    """
    from pyspark.sql import functions

    stated = dict(_labels(attributes))
    labels = {name: f"label_{number}" for number, name in enumerate(stated)}
    columns = [
        _valid(frame, label_place(frame.columns, name, stated[name]), label) for name, label in labels.items()
    ]
    rows = _by_user(frame, user, text, order, partitions, more=columns)
    counted = rows.mapInArrow(_corpus_counter(model, labels), _CORPUS_COUNTS)
    # A frame without rows may have no tasks, and has a row of all its users too.
    counted = counted.union(frame.sparkSession.createDataFrame([(None, None, 0, 0, 0, 0)], _CORPUS_COUNTS))
    numbers = [functions.sum(name).alias(name) for name in ("users", "posts", "words", "bad_records")]
    return counted.groupBy("attribute", "class").agg(*numbers)


def _by_user(
    frame: DataFrame,
    user: str | None,
    text: str | None,
    order: str | Sequence[str],
    partitions: int | None,
    more: Sequence[Column] = (),
    group: Column | None = None,
) -> DataFrame:
    """The columns ``user``, ``text``, those of ``more`` and, if asked for, ``group``. The posts of each user of a group are
    consecutive."""
    from pyspark.sql import functions
    from pyspark.sql.types import ArrayType

    text_at, user_at = places(frame.columns, text, user)
    is_list = isinstance(frame.schema[text_at].dataType, ArrayType)
    columns = [
        functions.monotonically_increasing_id().alias("user") if user_at is None else _valid(frame, user_at, "user"),
        _valid(frame, text_at, "text"),
        *more,
    ]
    if group is not None:
        columns.append(group.alias("group"))
    orders = [order] if isinstance(order, str) else order
    rows = frame.select(
        *columns, *[_column(frame, name).alias(f"order_{place}") for place, name in enumerate(orders)]
    )
    names = rows.columns[: len(columns)]
    if user_at is not None and not is_list:
        text_hash = functions.xxhash64("text")
        # All rows without an id would come into one partition.
        keys = [functions.col("user"), functions.when(functions.isnull("user"), text_hash)]
        rows = rows.repartition(*keys) if partitions is None else rows.repartition(partitions, *keys)
        groups = [] if group is None else ["group"]
        rows = rows.sortWithinPartitions(*groups, "user", *rows.columns[len(columns) :], text_hash)
    elif group is not None:
        rows = rows.sortWithinPartitions("group")
    return rows.select(*names)


Batches = Callable[[Iterable[Any]], Iterator[Any]]
"""A function from record batches to record batches, which Spark calls in each task."""

Counts = dict[Optional[str], UserSums]
"""The users of each group."""


def _predictor(model: Model, evidence: int | None) -> Batches:
    load = _loader(model)

    def predict_batches(batches: Iterable[Any]) -> Iterator[Any]:
        reader = _reader(iter(batches))
        if reader is not None:
            yield from load().predict_frame(
                reader, user="user", text="text", sorted=True, evidence=evidence
            )

    return predict_batches


def _counter(model: Model) -> Batches:
    load = _loader(model)

    def count_batches(batches: Iterable[Any]) -> Iterator[Any]:
        for group, slices in groupby(_by_group(batches), key=itemgetter(0)):
            reader = _reader(batch for _, batch in slices)
            counted = load().count_frame(reader, user="user", text="text", sorted=True)
            yield _sums(group, counted)

    return count_batches


def _corpus_counter(model: Model, labels: Mapping[str, str]) -> Batches:
    load = _loader(model)

    def count_batches(batches: Iterable[Any]) -> Iterator[Any]:
        reader = _reader(iter(batches))
        if reader is not None:
            yield from load().count_corpus(reader, labels, user="user", text="text", sorted=True)

    return count_batches


def _merger(model: Model) -> Batches:
    load = _loader(model)

    def merge_batches(batches: Iterable[Any]) -> Iterator[Any]:
        counts: Counts = {}
        for batch in batches:
            for group, *sums in zip(*(column.to_pylist() for column in batch.columns)):
                _add(counts, load(), group, UserSums(*sums))
        for group, counted in counts.items():
            yield _sums(group, counted)

    return merge_batches


def _add(counts: Counts, model: Model, group: str | None, counted: UserSums) -> None:
    """Adds users to those of a group."""
    before = counts.get(group)
    if before is not None:
        sums = model._native.merge([before.sums, counted.sums])
        counted = UserSums(sums, before.left_out + counted.left_out)
    counts[group] = counted


def _loader(model: Model) -> Callable[[], Model]:
    """Loads the model in a task, unless another task of the same process has done so."""
    bundle, dictionary, threads = model._bundle, model._dictionary, model._threads

    def load() -> Model:
        from pyspark import TaskContext

        context = TaskContext.get()
        return _restore(bundle, dictionary, threads or (context.cpus() if context else 1))

    return load


def _reader(batches: Iterator[Any]) -> Any:
    """Record batches as a reader; None if there are none."""
    import pyarrow

    first = next(batches, None)
    if first is None:
        return None
    return pyarrow.RecordBatchReader.from_batches(first.schema, chain([first], batches))


def _by_group(batches: Iterable[Any]) -> Iterator[tuple[str | None, Any]]:
    """Cuts batches that are sorted by group where a group ends."""
    import pyarrow.compute

    for batch in batches:
        runs = pyarrow.compute.run_end_encode(batch.column("group"))
        start = 0
        for end, group in zip(runs.run_ends.to_pylist(), runs.values.to_pylist()):
            yield group, batch.slice(start, end - start).select(["user", "text"])
            start = end


def _sums(group: str | None, counted: UserSums) -> Any:
    import pyarrow

    schema = pyarrow.schema([("group", pyarrow.string()), ("sums", pyarrow.binary()), ("left_out", pyarrow.int64())])
    return pyarrow.record_batch([[group], [counted.sums], [counted.left_out]], schema=schema)


def _prediction_schema(model: Model, rows: StructType, evidence: int | None = None) -> StructType:
    """The schema of predictions about such rows. Columns that cannot be read raise an error."""
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    empty = to_arrow_schema(rows).empty_table()
    predictions = model.predict_frame(empty, user="user", text="text", evidence=evidence)
    return from_arrow_schema(predictions.schema)


def _valid(frame: DataFrame, place: int, name: str) -> Column:
    """A column whose strings are valid UTF-8, which Spark's need not be."""
    from pyspark.sql import functions
    from pyspark.sql.types import ArrayType, StringType

    field = frame.schema[place]
    column = _column(frame, field.name)
    if isinstance(field.dataType, StringType):
        column = functions.make_valid_utf8(column)
    elif isinstance(field.dataType, ArrayType) and isinstance(field.dataType.elementType, StringType):
        column = functions.transform(column, functions.make_valid_utf8)
    return column.alias(name)


def _column(frame: DataFrame, name: str) -> Column:
    """The column of a name, which may have dots and quotes."""
    return frame["`" + name.replace("`", "``") + "`"]
