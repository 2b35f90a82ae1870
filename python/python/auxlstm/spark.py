"""Predictions about the users of a Spark data frame, with Spark 4 or later. Each worker needs this package.

See ``docs/scale.md`` in the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from ._model import Model, _restore
from ._native import places

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType


def predict(
    frame: DataFrame,
    model: Model,
    *,
    user: str | None = None,
    text: str | None = None,
    order: str | Sequence[str] = (),
    partitions: int | None = None,
) -> DataFrame:
    """Predicts the users of a data frame. The result has a row for each user, with the columns that
    :meth:`auxlstm.Model.predict_frame` gives to Arrow.

    A row is a post, with its text in column ``text`` and the writer's id, an integer or a string, in column ``user``. By
    default the columns are found by the names that the command line knows, such as ``user_id``. Posts are shuffled by user and read in
    the order of the columns ``order``. Posts with the same place in this order are ordered by a hash of their text, so that a
    task that is repeated gives the same prediction.

    Nothing is shuffled where each row is a user: if the column of the text holds lists of posts, or if there is no column of
    ids. In the second case ``id`` is Spark's ``monotonically_increasing_id``.

    A row that cannot be read does not fail its task: it has the reason in the column ``error``. Bytes that are not UTF-8 are
    read as U+FFFD.

    ``partitions`` is the number of tasks after the shuffle, by default ``spark.sql.shuffle.partitions``. A task computes with
    the threads that the model was loaded with, or else as many as ``spark.task.cpus`` says. The model travels with the task,
    and each Python process of a worker loads it once.
    """
    from pyspark.sql import functions
    from pyspark.sql.types import ArrayType

    text_at, user_at = places(frame.columns, text, user)
    is_list = isinstance(frame.schema[text_at].dataType, ArrayType)
    orders = [order] if isinstance(order, str) else order
    rows = frame.select(
        functions.monotonically_increasing_id().alias("user") if user_at is None else _valid(frame, user_at, "user"),
        _valid(frame, text_at, "text"),
        *[_column(frame, name).alias(f"order_{place}") for place, name in enumerate(orders)],
    )
    if user_at is not None and not is_list:
        text_hash = functions.xxhash64("text")
        # All rows without an id would come into one partition.
        keys = [functions.col("user"), functions.when(functions.isnull("user"), text_hash)]
        rows = rows.repartition(*keys) if partitions is None else rows.repartition(partitions, *keys)
        rows = rows.sortWithinPartitions("user", *rows.columns[2:], text_hash)
    rows = rows.select("user", "text")
    return rows.mapInArrow(_predictor(model), _prediction_schema(model, rows.schema))


def estimate(predictions: DataFrame, by: str | Sequence[str] = ()) -> DataFrame:
    """Estimates the share of each class among users, from the result of :func:`predict`.

    The estimate ``share`` is the mean probability, known as probabilistic classify and count (PCC); ``label_share`` is the
    share of users with this label, classify and count (CC). Both are biased towards the classes that the model expects, here
    under equal base rates. ``auxlstm population`` corrects this bias and gives intervals; see ``docs/population.md``.

    ``by`` names columns that hold a group of users, such as a month or a community, which were joined to the predictions. The
    result has a row for each group, attribute and class: ``attribute``, ``class``, the sums ``users``, ``probability`` and
    ``labels``, and the shares. Coarse classes are those of the attribute ``NAME_coarse``. Sums of parts of the users add up.

    Users without a known word are left out, and users who write a language in which the attribute was not validated.
    """
    from pyspark.sql import functions
    from pyspark.sql.types import StructType

    classes = []
    for field in predictions.schema:
        kind = field.dataType
        if not isinstance(kind, StructType) or not {"label", "probabilities", "status"} <= set(kind.names):
            continue
        column = _column(predictions, field.name)
        is_counted = (column["status"] == "measured") & column["label"].isNotNull()
        levels = [(field.name, column, kind)]
        if "coarse" in kind.names:
            levels.append((f"{field.name}_coarse", column["coarse"], _struct(kind, "coarse")))
        for name, level, level_kind in levels:
            classes += [
                functions.struct(
                    functions.lit(name).alias("attribute"),
                    functions.lit(label).alias("class"),
                    functions.when(is_counted, level["probabilities"][label].cast("double")).alias("probability"),
                    functions.when(is_counted, (level["label"] == label).cast("long")).alias("label"),
                )
                for label in _struct(level_kind, "probabilities").names
            ]
    groups = [_column(predictions, name) for name in ([by] if isinstance(by, str) else by)]
    rows = predictions.select(*groups, functions.inline(functions.array(*classes)))
    sums = rows.groupBy(*rows.columns[: len(groups)], "attribute", "class").agg(
        functions.count("probability").alias("users"),
        functions.sum("probability").alias("probability"),
        functions.sum("label").alias("labels"),
    )
    return sums.withColumns(
        {
            "share": functions.try_divide("probability", "users"),
            "label_share": functions.try_divide("labels", "users"),
        }
    )


def _predictor(model: Model) -> Callable[[Iterable[Any]], Iterator[Any]]:
    bundle, dictionary, threads = model._bundle, model._dictionary, model._threads

    def predict_batches(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow
        from pyspark import TaskContext

        rest = iter(batches)
        first = next(rest, None)
        if first is None:
            return
        context = TaskContext.get()
        loaded = _restore(bundle, dictionary, threads or (context.cpus() if context else 1))
        reader = pyarrow.RecordBatchReader.from_batches(first.schema, chain([first], rest))
        yield from loaded.predict_frame(reader, user="user", text="text", sorted=True)

    return predict_batches


def _prediction_schema(model: Model, rows: StructType) -> StructType:
    """The schema of predictions about such rows. Columns that cannot be read raise an error."""
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    empty = to_arrow_schema(rows).empty_table()
    return from_arrow_schema(model.predict_frame(empty, user="user", text="text").schema)


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


def _struct(kind: StructType, name: str) -> Any:
    return kind[name].dataType
