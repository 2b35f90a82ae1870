import pytest

numpy = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier  # noqa: E402
from sklearn.metrics import accuracy_score  # noqa: E402

from auxlstm.sklearn import AttributeClassifier  # noqa: E402

TEXTS = ["my husband and I", ["my essay is due", "the football game"], ""]


def test_a_model_is_a_classifier(model):
    classifier = AttributeClassifier(model, "gender")
    assert is_classifier(classifier)
    probabilities = classifier.predict_proba(TEXTS)
    assert probabilities.shape == (3, 2) and probabilities.dtype == numpy.float32
    labels = classifier.fit(TEXTS, ["female"] * 3).predict(TEXTS)
    wanted = classifier.classes_[probabilities.argmax(axis=1)]
    assert (labels == wanted).all()
    assert accuracy_score(labels, wanted) == 1.0
    assert classifier.predict_proba([]).shape == (0, 2)
    assert (clone(classifier).predict_proba(TEXTS) == probabilities).all()


def test_an_unknown_attribute_is_named(model):
    with pytest.raises(ValueError, match="the model predicts profession, age, gender"):
        AttributeClassifier(model, "height").predict_proba(TEXTS)
