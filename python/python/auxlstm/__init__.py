"""Predicts profession, age and gender of users from what they post.

>>> from auxlstm import Model
>>> model = Model.load("en.safetensors")
>>> user = model.predict([["my essay is due", "off to the football game"]])[0]
>>> user["gender"].label in ("female", "male")
True
"""

from ._model import Model
from ._native import __version__
from ._types import (
    Attribute,
    AttributeEvidence,
    AttributePrediction,
    CoarsePrediction,
    Explanation,
    ModelCard,
    UserPrediction,
    UserSums,
    Word,
)

__all__ = [
    "Attribute",
    "AttributeEvidence",
    "AttributePrediction",
    "CoarsePrediction",
    "Explanation",
    "Model",
    "ModelCard",
    "UserPrediction",
    "UserSums",
    "Word",
    "__version__",
]
