"""Data frames of other packages, none of which is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ._native import Stream, label_place, places
from ._types import AttributePrediction, CoarsePrediction, UserPrediction

if TYPE_CHECKING:
    from ._model import Model

_CHUNK_USERS = 1024
"""The users that are predicted at a time. Their predictions are objects, which take much more memory than columns."""

_NOT_CONSECUTIVE = "the rows of this user are not consecutive; sort or partition them by user"

_OLDEST = {"polars": "1.4", "pyarrow": "14"}
"""The first versions whose frames have ``__arrow_c_stream__`` as it is called here; ``README.md`` lists them."""


def kind(frame: Any) -> str:
    """The package that a frame is of, or the class that it extends; empty if that is another one."""
    packages = (cls.__module__.partition(".")[0] for cls in type(frame).__mro__)
    return next((package for package in packages if package in ("pandas", *_OLDEST)), "")


def is_reader(frame: Any) -> bool:
    """Whether a frame is a stream that can be read once, whose reader expects one too."""
    return any(cls.__name__ in ("RecordBatchReader", "Stream") for cls in type(frame).__mro__)


def is_frame(value: Any) -> bool:
    """Whether a value is a data frame, or a stream of one, and not a column."""
    return hasattr(value, "columns") or hasattr(value, "schema")


def check(frame: Any, user: Any, text: Any, sorted: Any) -> None:
    """Raises an error that names the argument at fault, if a frame or the options with it are of wrong types."""
    name, package = type(frame).__name__, kind(frame)
    if package == "pandas" and not is_frame(frame):
        raise TypeError(f"expected a data frame; this {name} is a column")
    if package != "pandas" and not hasattr(frame, "__arrow_c_stream__"):
        oldest = _OLDEST.get(package) if name in ("DataFrame", "Table", "RecordBatchReader") else None
        hint = "" if oldest is None else f"; {package} {oldest} or later is needed"
        raise TypeError(f"expected a frame of pandas or an object with __arrow_c_stream__, not {name}{hint}")
    for option, value in (("user", user), ("text", text)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{option}={value!r}: the name of a column is needed, a string")
    # True of numpy too.
    if sorted not in (True, False):
        raise TypeError(f"sorted={sorted!r}: True or False is needed")


def like(frame: Any, stream: Stream) -> Any:
    """A stream as a frame of the same kind."""
    package = kind(frame)
    if package == "polars":
        import polars

        return polars.DataFrame(stream)
    if package in ("pyarrow", "pandas"):
        import pyarrow

        if not is_reader(frame):
            table = pyarrow.table(stream)
            return table if package == "pyarrow" else table.to_pandas()
        if not hasattr(pyarrow.RecordBatchReader, "from_stream"):
            raise ImportError(f"a record batch reader needs pyarrow 15 or later; this is {pyarrow.__version__}")
        return pyarrow.RecordBatchReader.from_stream(stream)
    return stream


def predict_pandas(
    model: Model, frame: Any, user: str | None, text: str | None, sorted: bool, evidence: int | None
) -> Any:
    """The columns of ``auxlstm predict --format csv`` as a frame of pandas, with ``language`` and ``error``."""
    import pandas

    rows = _Rows(frame, user, text)
    users = _Users(sorted)
    for row, (posts, key, error) in enumerate(rows):
        users.add(row, posts, key, error)
    parts = []
    for start in range(0, len(users.first) or 1, _CHUNK_USERS):
        part = slice(start, start + _CHUNK_USERS)
        predictions = model.predict(users.posts[part])
        words = None if evidence is None else model._native.strongest_words(users.posts[part], evidence)
        if rows.ids is None:
            ids = pandas.Series([row + 1 for row in users.first[part]], dtype="int64")
        else:
            ids = rows.ids.iloc[users.first[part]].reset_index(drop=True)
        columns = {"id": ids}
        for name, values in _columns(model, predictions, words, users.errors[part]):
            numbered = name
            number = 2
            while numbered in columns:
                numbered, number = f"{name}_{number}", number + 1
            columns[numbered] = values
        parts.append(pandas.DataFrame(columns))
    return pandas.concat(parts, ignore_index=True)


def table_of_pandas(
    frame: Any, user: str | None, text: str | None, labels: Sequence[tuple[str, str | None]] = ()
) -> Any:
    """The rows of a frame of pandas as a table of pyarrow: the columns ``user`` and ``text``, and one for each of the
    ``labels``, which has the name of its place. A row that cannot be read has no user."""
    import pyarrow

    rows = _Rows(frame, user, text)
    # A row whose text cannot be read must not part the rows of its user.
    ordered = sorted(enumerate(rows), key=lambda row: row[1][1] is not None and row[1][2] is not None)
    users, texts = [], []
    for row, (posts, _, error) in ordered:
        # Without ids, users are numbered, as where the native half reads them.
        users.append(None if error else str(row + 1 if rows.users is None else rows.users[row]))
        texts.append(None if error else posts if rows.has_lists else posts[0])
    string = pyarrow.large_string()
    columns = {"user": _array(users, string), "text": _array(texts, pyarrow.list_(string) if rows.has_lists else string)}
    names = [name for name, _ in rows.columns]
    for number, (attribute, column) in enumerate(labels):
        values = rows.columns[label_place(names, attribute, column)][1].tolist()
        columns[str(number)] = _array([None if rows.is_missing(values[row]) else values[row] for row, _ in ordered])
    return pyarrow.table(columns)


def _array(values: list[Any], kind: Any = None) -> Any:
    """An array of pyarrow; of text, if the values are of several types."""
    import pyarrow

    try:
        return pyarrow.array(values, kind)
    except (OverflowError, TypeError, ValueError):
        return pyarrow.array([_valid(value) for value in values], kind)


def _valid(value: Any) -> Any:
    """A value as text, in which halves of surrogate pairs are U+FFFD, as the native half reads them."""
    if value is None or isinstance(value, list):
        return value and [_valid(item) for item in value]
    return str(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")


class _Rows:
    """The rows of a frame of pandas: for each its posts, its user, if rows of one user belong together, and why it cannot be
    read."""

    def __init__(self, frame: Any, user: str | None, text: str | None) -> None:
        import pandas

        self._isna = pandas.isna
        self.columns = [(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
        """The columns, those of the index too if it has names: so pandas gives them to Arrow."""
        for level, name in enumerate(frame.index.names):
            if name is not None:
                values = frame.index.get_level_values(level)
                self.columns.append((str(name), pandas.Series(values, index=range(len(values)))))
        text_at, user_at = places([name for name, _ in self.columns], text, user)
        texts = self.columns[text_at][1].tolist()
        self._texts = [text.tolist() if hasattr(text, "tolist") else text for text in texts]
        self.has_lists = any(isinstance(text, (list, tuple)) for text in self._texts)
        """Whether a row is a user with a list of posts."""
        self.ids = None if user_at is None else self.columns[user_at][1]
        self.users = None if self.ids is None else self.ids.tolist()

    def __iter__(self) -> Iterator[tuple[list[str], Any, str | None]]:
        for row, text in enumerate(self._texts):
            if isinstance(text, (list, tuple)):
                posts = ["" if self.is_missing(post) else post for post in text]
            elif self.is_missing(text):
                posts = [] if self.has_lists else [""]
            else:
                posts = [text]
            error = key = None
            if self.users is not None:
                user = self.users[row]
                error = self._error_of(user)
                key = None if error or self.has_lists else user
            wrong = [type(post).__name__ for post in posts if not isinstance(post, str)]
            if wrong and not error:
                error = f"the text is of type {wrong[0]}, not a string"
            yield posts, key, error

    def is_missing(self, value: Any) -> bool:
        # Of lists, pandas says it for each element.
        return self._isna(value) is True

    def _error_of(self, user: Any) -> str | None:
        if self.is_missing(user):
            return "the id of the user is null"
        try:
            hash(user)
        except TypeError:
            return f"the id of the user is of type {type(user).__name__}, which cannot be compared"
        return None


class _Users:
    """The users in the rows of a frame."""

    def __init__(self, sorted: bool) -> None:
        self.first: list[int] = []
        """The first row of each user."""
        self.posts: list[list[str]] = []
        self.errors: list[str | None] = []
        self._sorted = sorted
        self._known: dict[Any, int] = {}
        self._last: Any = None

    def add(self, row: int, posts: list[str], key: Any, error: str | None) -> None:
        if key is None:
            self._last = None
        elif not error:
            place = self._known.get(key)
            is_refused = place is not None and self._sorted and key != self._last
            self._last = key
            if place is not None and not is_refused:
                if not self.errors[place]:
                    self.posts[place].extend(posts)
                return
            # The next rows of a user who is refused are refused with this one.
            self._known[key] = len(self.first)
            error = _NOT_CONSECUTIVE if is_refused else None
        self.first.append(row)
        self.posts.append([] if error else posts)
        self.errors.append(error)


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
