"""The model."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import lzma
import os
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from operator import index
from typing import Any, Union

from . import _frames
from ._native import NativeModel
from ._types import (
    Attribute,
    Explanation,
    ModelCard,
    UserPrediction,
    UserSums,
    explanation,
    user_prediction,
)

File = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]
"""A file by its path, or its bytes."""

Posts = Union[str, Sequence[str]]
"""The posts of a user; a string is one post."""

_LONGEST_DICTIONARY = 16_000_000
"""The bytes of a dictionary from which it is refused as too long, as in ``model-core``."""

_MOST_THREADS = 1024
"""The most threads. A hundred thousand take minutes to start."""

_MOST_KEPT = 4
"""The most unpickled models that a process keeps."""

_kept: dict[tuple[str, str, int], Model] = {}


class Model:
    """A trained model.

    It can be shared by threads: predicting releases the interpreter. It can be pickled, and used after a fork.

    >>> model = Model.load("en.safetensors")
    >>> [attribute.name for attribute in model.attributes]
    ['profession', 'age', 'gender']
    """

    def __init__(self, bundle: bytes, dictionary: bytes | None = None, threads: int = 0) -> None:
        """A model from the bytes of its bundle; see :meth:`load`."""
        self._bundle = bundle
        self._dictionary = dictionary
        self._threads = threads
        self._native = NativeModel(bundle, dictionary, threads)

    @classmethod
    def load(cls, bundle: File, *, dictionary: File | None = None, threads: int | None = None) -> Model:
        """Loads a bundle, as ``auxlstm train`` writes it.

        ``dictionary`` is one in jieba's format, which may be compressed with gzip or xz. A model that was trained with one
        requires it. ``threads`` limits the threads that compute; by default there is one per core.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads={threads}: at least 1 thread is needed")
        if threads is not None and threads > _MOST_THREADS:
            raise ValueError(f"threads={threads}: at most {_MOST_THREADS} threads are permitted")
        words = None if dictionary is None else _unpacked(_read(dictionary))
        return cls(_read(bundle), words, threads or 0)

    @property
    def checksum(self) -> str:
        """The CRC-32 of the bundle, as in the metadata of Arrow and Parquet output."""
        return self._native.checksum

    @cached_property
    def card(self) -> ModelCard:
        """The model card.

        >>> model.card.languages
        ['en']
        """
        return ModelCard(**json.loads(self._native.card))

    @cached_property
    def attributes(self) -> list[Attribute]:
        """The attributes that the model predicts, in the order of its predictions."""
        return [
            Attribute(
                attribute["name"],
                tuple(attribute["classes"]),
                {
                    coarse["label"]: tuple(coarse["classes"])
                    for coarse in attribute.get("coarse_classes", [])
                },
            )
            for attribute in json.loads(self._native.attributes)
        ]

    def predict(self, users: Iterable[Posts]) -> list[UserPrediction]:
        """Predicts every attribute of each user from the user's posts.

        >>> first, second = model.predict([["my essay is due"], ["a post", "another one"]])
        >>> first.words
        4
        >>> round(sum(second["age"].probabilities.values()), 3)
        1.0
        """
        return self._predict(list(_users(users)))

    def _predict(self, users: list[list[str]]) -> list[UserPrediction]:
        return [user_prediction(values) for values in self._native.predict(users)]

    def pipe(self, users: Iterable[Posts], *, batch_size: int = 256) -> Iterator[UserPrediction]:
        """Predicts a stream of users, of which it holds ``batch_size`` at a time.

        >>> for user in model.pipe(line for line in ["first post", "second post"]):
        ...     print(user.words)
        2
        2
        """
        try:
            size = min(index(batch_size), sys.maxsize)
        except TypeError:
            raise TypeError(f"batch_size={batch_size!r}: a number of users is needed") from None
        if size < 1:
            raise ValueError(f"batch_size={batch_size}: at least 1 user is needed")
        rest = _users(users)
        batches = iter(lambda: list(islice(rest, size)), [])
        return (prediction for batch in batches for prediction in self._predict(batch))

    def explain(self, posts: Posts) -> Explanation:
        """Predicts one user, with the evidence of each word for each class.

        >>> explained = model.explain("my husband and I")
        >>> [word.text for word in explained.words]
        ['my', 'husband', 'and', 'I']
        >>> explained.strongest("gender", "female")[0][0]
        'husband'
        """
        return explanation(self._native.explain(_posts(posts)))

    def predict_frame(
        self,
        frame: Any,
        *,
        user: str | None = None,
        text: str | None = None,
        sorted: bool = False,
        evidence: int | None = None,
    ) -> Any:
        """Predicts the users of a data frame and returns a frame of the same kind, with a row for each user.

        ``frame`` is a pandas frame, or anything with the method ``__arrow_c_stream__``: a frame of Polars, a table or a
        record batch reader of pyarrow, a relation of DuckDB. A row is a post, with its text in column ``text`` and the
        user's id in column ``user``; or it is a user, with a list of posts in column ``text``. By default the columns are
        found by the names that the command line knows, such as ``user_id``. Without a column of ids each row is a user.

        Posts of one user may stand anywhere, and are read in the order of their rows. ``sorted=True`` states that they are
        consecutive, and saves memory: a record batch reader is then predicted as it is read.

        ``evidence=5`` adds the five words that speak most for each label, with their evidence in nats, as ``auxlstm predict
        --evidence 5`` does: a list of structs of ``word`` and ``evidence`` in a column such as ``gender_evidence``. pandas gets
        text such as ``tea:1.52 rain:0.31``. Each text is then read many times.

        A row that cannot be read has the reason in the column ``error``. Bytes that are not UTF-8 are read as U+FFFD. pandas
        gets the columns of ``auxlstm predict --format csv``, and always ``language`` and ``error``; other frames have a struct
        for each attribute. What is neither of pandas, Polars nor pyarrow gets an object with the method
        ``__arrow_c_stream__``.

        >>> import polars
        >>> posts = polars.DataFrame({"user": [7, 7, 9], "text": ["my essay", "is due", "football"]})
        >>> model.predict_frame(posts).select("id", "words")["words"].to_list()
        [4, 1]
        """
        if evidence is not None and evidence < 1:
            raise ValueError(f"evidence={evidence}: at least 1 word is needed")
        _frames.check(frame, user, text, sorted)
        if _frames.kind(frame) == "pandas":
            return _frames.predict_pandas(self, frame, user, text, sorted, evidence)
        lazy = sorted and _frames.is_reader(frame)
        stream = self._native.predict_stream(frame, (text, user), sorted, lazy, evidence or 0)
        return _frames.like(frame, stream)

    def count_frame(
        self, frame: Any, *, user: str | None = None, text: str | None = None, sorted: bool = False
    ) -> UserSums:
        """Counts the users of a data frame for :meth:`estimate`, instead of predicting them.

        ``frame`` and the options are those of :meth:`predict_frame`; a frame of pandas needs pyarrow here. A record batch
        reader that is sorted is counted as it is read. The sums of parts of the users add up, and are what ``auxlstm
        population --sums`` writes: store them in a file for ``--add``.
        """
        _frames.check(frame, user, text, sorted)
        if _frames.kind(frame) == "pandas":
            frame, user, text = _frames.table_of_pandas(frame, user, text), "user", "text"
        return UserSums(*self._native.count_stream(frame, (text, user), sorted))

    def count_corpus(
        self,
        frame: Any,
        attributes: Iterable[str] | Mapping[str, str] = (),
        *,
        user: str | None = None,
        text: str | None = None,
        sorted: bool = False,
    ) -> Any:
        """Counts the users, posts and words of a data frame, and those of each label of ``attributes``.

        ``frame`` and the options are those of :meth:`predict_frame`; a frame of pandas needs pyarrow here. ``attributes`` are
        names whose columns are found as the command line finds them, or a dictionary with the column of each.

        The result is a frame of the same kind with the columns ``attribute``, ``class``, ``users``, ``posts``, ``words`` and
        ``bad_records``. The row without an attribute counts all users, and those without a class users without a label. The
        counts of parts of the users add up by ``attribute`` and ``class`` to the numbers of ``auxlstm corpus stats``. Nothing
        is predicted: of the model, only its way to split text into words counts.

        >>> import polars
        >>> posts = polars.DataFrame({"user": [7, 7, 9], "text": ["my essay", "is due", "football"], "sex": ["f", "f", None]})
        >>> for row in model.count_corpus(posts, ["gender"]).iter_rows():
        ...     print(row)
        (None, None, 2, 3, 5, 0)
        ('gender', None, 1, 1, 1, 0)
        ('gender', 'f', 1, 2, 4, 0)
        """
        _frames.check(frame, user, text, sorted)
        labels = _labels(attributes)
        rows = frame
        if _frames.kind(frame) == "pandas":
            rows, user, text = _frames.table_of_pandas(frame, user, text, labels), "user", "text"
            labels = [(name, str(place)) for place, (name, _) in enumerate(labels)]
        stream = self._native.count_corpus(rows, (text, user), labels, sorted)
        return _frames.like(frame, stream)

    def estimate(
        self, sums: UserSums | bytes | Iterable[UserSums | bytes], method: str = "bayes"
    ) -> dict[str, Any]:
        """The estimated share of each class among users, from the sums of one or several parts of them.

        The methods are those of ``auxlstm population``, and the result is an object of ``auxlstm population --json``. ``cc``
        and ``pcc`` count labels and probabilities under the base rates of the training users, where :meth:`predict_frame`
        predicts under equal ones. Read when not to trust the shares in ``docs/population.md``.

        ``texts`` compares the texts with those of the training users, in each language. Where they are ``unlike``, the shares
        are not to be trusted, and a warning says so.

        >>> import polars
        >>> posts = polars.DataFrame({"user": [7, 7, 9], "text": ["my essay", "is due", "football"]})
        >>> shares = model.estimate(model.count_frame(posts))
        >>> shares["users"], sorted(shares["attributes"]["gender"]["shares"]["female"])
        (2, ['high', 'low', 'share'])
        >>> [check["unlike"] for check in shares["texts"]]
        [False]
        """
        estimate = self._estimate(sums, method)
        _warn_if_unlike(estimate)
        return estimate

    def _estimate(
        self, sums: UserSums | bytes | Iterable[UserSums | bytes], method: str
    ) -> dict[str, Any]:
        parts = [sums] if isinstance(sums, (UserSums, bytes, bytearray, memoryview)) else sums
        stored = [_sums(part, number) for number, part in enumerate(parts, 1)]
        estimate: dict[str, Any] = json.loads(self._native.estimate(stored, method))
        return estimate

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (self._bundle, self._dictionary, self._threads))

    def __repr__(self) -> str:
        names = ", ".join(attribute.name for attribute in self.attributes)
        return f"<auxlstm.Model {self.card.name!r}: {names}>"


def _restore(bundle: bytes, dictionary: bytes | None, threads: int) -> Model:
    """Unpickles a model. Engines unpickle it for each task, so a process loads it once."""
    key = (_sha256(bundle), _sha256(dictionary or b""), threads)
    model = _kept.get(key)
    if model is None:
        model = Model(bundle, dictionary, threads)
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = model
    return model


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _users(users: Iterable[Posts]) -> Iterator[list[str]]:
    """The posts of each user, checked as they are read; what is no iterable of users is refused at once."""
    if _frames.is_frame(users):
        raise TypeError(
            f"expected a list of users, each a list of posts; this is a data frame ({type(users).__name__}), which "
            "predict_frame reads"
        )
    if isinstance(users, (str, bytes, bytearray, Mapping)) or not isinstance(users, Iterable):
        what = "a string" if isinstance(users, str) else f"of type {type(users).__name__}"
        raise TypeError(f"expected a list of users, each a list of posts; this is {what}")
    return (_posts(posts, f"user {place}: ") for place, posts in enumerate(users))


def _posts(posts: Posts, user: str = "") -> list[str]:
    """The posts of a user, which a message calls so."""
    if isinstance(posts, str):
        return [posts]
    if isinstance(posts, (bytes, bytearray, Mapping)) or not isinstance(posts, Iterable):
        raise TypeError(f"{user}expected a string or a list of strings, not {type(posts).__name__}")
    posts = list(posts)
    for place, post in enumerate(posts):
        if not isinstance(post, str):
            raise TypeError(f"{user}post {place} is of type {type(post).__name__}, not a string")
    return posts


def _labels(attributes: Iterable[str] | Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Attributes, each with the column of its labels if that is stated."""
    if isinstance(attributes, str):
        raise TypeError('attributes must be a list of names, such as ["gender"]')
    columns = attributes if isinstance(attributes, Mapping) else {}
    return [(name, columns.get(name)) for name in attributes]


def _sums(part: Any, number: int) -> bytes:
    part = part.sums if isinstance(part, UserSums) else part
    if not isinstance(part, (bytes, bytearray, memoryview)):
        raise TypeError(f"sums number {number}: expected what count_frame returns, or bytes, not {type(part).__name__}")
    return bytes(part)


def _warn_if_unlike(estimate: dict[str, Any], group: str = "") -> None:
    """The warning of ``auxlstm population`` about texts that are unlike those of the training users."""
    for check in estimate["texts"]:
        if check["unlike"]:
            divergence = check["divergence"]
            warnings.warn(
                f"{group}these texts are unlike the training corpus (word frequencies diverge by {divergence['value']:.2f}, "
                f"at most {divergence['largest']:.2f} in it; {100 * check['known_words']:.0f} % of the words known): the "
                "shares are not to be trusted without labelled users; see `auxlstm adapt`",
                stacklevel=3,
            )


def _read(file: File) -> bytes:
    if isinstance(file, (bytes, bytearray, memoryview)):
        return bytes(file)
    # An integer would be an open file.
    with open(os.fspath(file), "rb") as opened:
        return opened.read()


def _unpacked(content: bytes) -> bytes:
    """The content of a dictionary, up to the length from which it is refused: a small file may unpack to gigabytes."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.GzipFile(fileobj=io.BytesIO(content)).read(_LONGEST_DICTIONARY)
        if content.startswith(b"\xfd7zXZ\0"):
            return lzma.LZMAFile(io.BytesIO(content)).read(_LONGEST_DICTIONARY)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"the dictionary: its compressed data is damaged: {error}") from None
    return content
