"""Classifiers for scikit-learn, one for each attribute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy

from ._model import Model, Posts

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
except ImportError:  # The adapter works without scikit-learn, which then has no use for it.
    BaseEstimator = ClassifierMixin = object


class AttributeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A trained model as a classifier of one attribute. ``X`` is a list of users: of texts, or of lists of posts.

    >>> classifier = AttributeClassifier(model, "gender")
    >>> classifier.classes_.tolist()
    ['female', 'male']
    >>> classifier.predict_proba(["my essay", ["two", "posts"]]).shape
    (2, 2)
    """

    def __init__(self, model: Model, attribute: str) -> None:
        self.model = model
        self.attribute = attribute

    @property
    def classes_(self) -> Any:
        """The classes, in the order of the columns of :meth:`predict_proba`."""
        for attribute in self.model.attributes:
            if attribute.name == self.attribute:
                return numpy.array(attribute.classes)
        names = ", ".join(attribute.name for attribute in self.model.attributes)
        raise ValueError(f"attribute {self.attribute!r}: the model predicts {names}")

    def fit(self, X: Any, y: Any = None) -> AttributeClassifier:
        """Changes nothing: the model is trained."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may ask of this estimator: it reads text, not numbers, and needs neither ``fit`` nor labels."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = False
        tags.no_validation = True
        tags.requires_fit = False
        return tags

    def predict_proba(self, X: Iterable[Posts]) -> Any:
        """The probability of each class, an array of float32 with a row for each user."""
        classes = list(self.classes_)
        users = self.model.predict(X)
        rows = [[user[self.attribute].probabilities[label] for label in classes] for user in users]
        return numpy.array(rows, dtype=numpy.float32).reshape(len(rows), len(classes))

    def predict(self, X: Iterable[Posts]) -> Any:
        """The label of each user: that of the model, and the most probable class for a text without known words.

        The label of an attribute with coarse classes, such as age, is the most probable class within the most probable coarse
        class. So it need not be the one with the largest of :meth:`predict_proba`.
        """
        classes = self.classes_
        labels = []
        for user in self.model.predict(X):
            probabilities = user[self.attribute].probabilities
            label = user[self.attribute].label
            labels.append(label if label is not None else max(probabilities, key=probabilities.__getitem__))
        return numpy.array(labels, dtype=classes.dtype)
