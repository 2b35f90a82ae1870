"""Data frames of other packages, none of which is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._native import Stream, places
from ._types import AttributePrediction, CoarsePrediction, UserPrediction

if TYPE_CHECKING:
    from ._model import Model


def kind(frame: Any) -> str:
    """The package that a frame is of."""
    return type(frame).__module__.partition(".")[0]


def is_reader(frame: Any) -> bool:
    """Whether a frame is a stream that can be read once, whose reader expects one too."""
    return type(frame).__name__ in ("RecordBatchReader", "Stream")


def like(frame: Any, stream: Stream) -> Any:
    """A stream as a frame of the same kind."""
    package = kind(frame)
    if package == "polars":
        import polars

        return polars.DataFrame(stream)
    if package in ("pyarrow", "pandas"):
        import pyarrow

        if is_reader(frame):
            return pyarrow.RecordBatchReader.from_stream(stream)
        table = pyarrow.table(stream)
        return table if package == "pyarrow" else table.to_pandas()
    return stream


def predict_pandas(
    model: Model, frame: Any, user: str | None, text: str | None, sorted: bool, evidence: int | None
) -> Any:
    """The columns of ``auxlstm predict --format csv`` as a frame of pandas."""
    import pandas

    text_at, user_at = places([str(name) for name in frame.columns], text, user)
    ids = None if user_at is None else frame.iloc[:, user_at]
    rows = _Rows(pandas.isna, sorted)
    users = [_NO_IDS] * len(frame) if ids is None else ids.tolist()
    for row, (value, user_id) in enumerate(zip(frame.iloc[:, text_at].tolist(), users)):
        rows.add(row, value, user_id)
    predictions = model.predict(rows.posts)
    words = None if evidence is None else model._native.strongest_words(rows.posts, evidence)

    if ids is None:
        id_column = pandas.Series([row + 1 for row in rows.first], dtype="int64")
    else:
        id_column = ids.iloc[rows.first].reset_index(drop=True)
    columns = {"id": id_column}
    for name, values in _columns(model, predictions, words, rows.errors):
        numbered = name
        number = 2
        while numbered in columns:
            numbered, number = f"{name}_{number}", number + 1
        columns[numbered] = values
    return pandas.DataFrame(columns)


_NO_IDS = object()


class _Rows:
    """The users in the rows of a frame."""

    def __init__(self, is_missing: Any, sorted: bool) -> None:
        self.first: list[int] = []
        """The first row of each user."""
        self.posts: list[list[str]] = []
        self.errors: list[str | None] = []
        self._is_missing = is_missing
        self._sorted = sorted
        self._known: dict[Any, int] = {}
        self._last: Any = _NO_IDS

    def add(self, row: int, text: Any, user: Any) -> None:
        if hasattr(text, "tolist"):
            text = text.tolist()
        is_list = isinstance(text, (list, tuple))
        posts = [self._post(post) for post in (text if is_list else [text])]
        wrong = next((post for post in posts if not isinstance(post, str)), None)
        error = None if wrong is None else f"the text is of type {type(wrong).__name__}, not a string"
        if user is not _NO_IDS and self._is_missing(user):
            error = "the id of the user is null"
        place = None if is_list or error or user is _NO_IDS else self._known.get(user)
        if place is not None and self._sorted and user != self._last:
            error = "the rows of this user are not consecutive; sort or partition them by user"
            place = None
        if error:
            posts = []
        if place is None:
            place = len(self.first)
            self.first.append(row)
            self.posts.append([])
            self.errors.append(error)
            if not error and user is not _NO_IDS:
                self._known[user] = place
        self._last = user
        self.posts[place].extend(posts)

    def _post(self, post: Any) -> Any:
        return "" if not isinstance(post, (str, list)) and self._is_missing(post) else post


def _columns(
    model: Model,
    users: list[UserPrediction],
    words: list[list[str]] | None,
    errors: list[str | None],
) -> list[tuple[str, Any]]:
    import pandas

    def column(values: list[Any], dtype: str) -> Any:
        present = [None if error else value for value, error in zip(values, errors)]
        return pandas.Series(present, dtype=dtype)

    columns = [
        ("words", column([user.words for user in users], "Int64")),
        ("known_words", column([user.known_words for user in users], "Int64")),
        ("language", column([user.language for user in users], "object")),
        ("error", pandas.Series(errors, dtype="object")),
    ]

    added = 0

    def add(name: str, classes: Any, predictions: list[Any]) -> None:
        nonlocal added
        labels = [prediction.label for prediction in predictions]
        best = [
            None if prediction.label is None else prediction.probabilities[prediction.label]
            for prediction in predictions
        ]
        columns.append((name, column(labels, "object")))
        columns.append((f"{name}_probability", column(best, "float32")))
        columns.append(
            (f"{name}_confident", column([prediction.confident for prediction in predictions], "boolean"))
        )
        for label in classes:
            values = [prediction.probabilities[label] for prediction in predictions]
            columns.append((f"{name}_{label}", column(values, "float32")))
        if words is not None:
            columns.append((f"{name}_evidence", column([user[added] for user in words], "object")))
        added += 1

    for attribute in model.attributes:
        predictions: list[AttributePrediction] = [user[attribute.name] for user in users]
        add(attribute.name, attribute.classes, predictions)
        if attribute.coarse_classes:
            coarse: list[CoarsePrediction | None] = [prediction.coarse for prediction in predictions]
            add(f"{attribute.name}_coarse", attribute.coarse_classes, coarse)
    return columns
