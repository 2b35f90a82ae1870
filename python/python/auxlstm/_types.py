"""What the model returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True)
class CoarsePrediction:
    """The distribution over the coarse classes of an attribute, such as ranges of ages."""

    label: str | None
    """The most probable coarse class; None if the text has no known word."""
    confident: bool
    """Whether its probability reaches the confidence threshold of the model."""
    probabilities: dict[str, float]
    """The probability of each coarse class: the sum over its classes."""


@dataclass(frozen=True)
class AttributePrediction:
    """The distribution over the classes of one attribute."""

    label: str | None
    """The most probable class, within the most probable coarse class; None if the text has no known word."""
    confident: bool
    """Whether its probability reaches the confidence threshold of the model; otherwise the model abstains."""
    probabilities: dict[str, float]
    """The probability of each class."""
    status: str
    """``"measured"``, or ``"transferred"`` if the attribute was not validated in the language of the text."""
    coarse: CoarsePrediction | None
    """The distribution over the coarse classes, if the attribute has any."""


@dataclass(frozen=True)
class UserPrediction:
    """The predictions about one user."""

    words: int
    """The number of words that the model read."""
    known_words: int
    """The number of these that its vocabulary holds."""
    language: str | None
    """``"zh"`` or ``"other"``, if the model distinguishes languages."""
    attributes: dict[str, AttributePrediction]
    """A prediction for each attribute, by its name."""

    def __getitem__(self, attribute: str) -> AttributePrediction:
        return self.attributes[attribute]


@dataclass(frozen=True)
class Word:
    """A word that the model read."""

    post: int
    """The index of its post."""
    start: int
    """The index of its first character in that post."""
    end: int
    """The index after its last character."""
    text: str
    """The word as it stands there."""
    known: bool
    """Whether the vocabulary of the model holds it."""


@dataclass(frozen=True)
class AttributeEvidence:
    """The evidence of each word: by how many nats the log odds of a class fall when the word is removed."""

    classes: dict[str, list[float]]
    """For each class, a number for each word."""
    coarse: dict[str, list[float]] | None
    """The same for the coarse classes, if the attribute has any."""


@dataclass(frozen=True)
class Explanation:
    """A prediction about one user with the evidence of the words."""

    prediction: UserPrediction
    """The prediction from the whole text."""
    words: list[Word]
    """The words that the model read, at most 5,000."""
    attributes: dict[str, AttributeEvidence]
    """The evidence for each attribute, by its name."""

    def strongest(self, attribute: str, label: str, count: int = 10) -> list[tuple[str, float]]:
        """The words that speak most for a class or coarse class, each with its evidence summed over the text."""
        if count < 0:
            raise ValueError(f"count={count}: the number of words cannot be negative")
        of_classes = self.attributes[attribute]
        all_values = {**(of_classes.coarse or {}), **of_classes.classes}
        sums: dict[str, float] = {}
        for word, evidence in zip(self.words, all_values[label]):
            text = word.text.lower()
            sums[text] = sums.get(text, 0.0) + evidence
        positive = [(word, evidence) for word, evidence in sums.items() if evidence > 0]
        return sorted(positive, key=lambda pair: -pair[1])[:count]


@dataclass(frozen=True)
class Attribute:
    """An attribute that a model predicts."""

    name: str
    """Its name, such as ``"age"``."""
    classes: tuple[str, ...]
    """Its classes."""
    coarse_classes: dict[str, tuple[str, ...]]
    """The classes of each coarse class; empty if there are none."""


@dataclass(frozen=True)
class ModelCard:
    """The training data, intended use, limits and test figures of a model."""

    name: str
    languages: list[str]
    data: str
    licence: str
    intended_use: str
    not_for: str
    limits: str
    citations: list[str]
    figures: list[dict[str, Any]]
    """Figures for each attribute on test users."""
    refit: bool = False
    """Whether the model was trained once more, on its test users too."""


class UserSums(NamedTuple):
    """Sums over users, from which the shares of classes are estimated."""

    sums: bytes
    """The sums, as ``auxlstm population --sums`` writes them."""
    left_out: int
    """The number of rows and users that could not be read."""


def user_prediction(values: dict[str, Any]) -> UserPrediction:
    """A prediction from the dictionary of the native half."""
    attributes = {name: _attribute(attribute) for name, attribute in values["attributes"].items()}
    return UserPrediction(values["words"], values["known_words"], values["language"], attributes)


def _attribute(values: dict[str, Any]) -> AttributePrediction:
    coarse = values["coarse"]
    return AttributePrediction(
        values["label"],
        values["confident"],
        values["probabilities"],
        values["status"],
        None if coarse is None else CoarsePrediction(**coarse),
    )


def explanation(values: dict[str, Any]) -> Explanation:
    """An explanation from the dictionary of the native half."""
    return Explanation(
        user_prediction(values["prediction"]),
        [Word(*word) for word in values["words"]],
        {name: AttributeEvidence(*evidence) for name, evidence in values["attributes"].items()},
    )
