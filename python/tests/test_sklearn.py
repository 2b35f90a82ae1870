import pickle

import pytest

numpy = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from sklearn.base import clone, is_classifier  # noqa: E402
from sklearn.exceptions import SkipTestWarning  # noqa: E402
from sklearn.metrics import accuracy_score  # noqa: E402
from sklearn.model_selection import cross_val_score  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402

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


# Those checks of scikit-learn's that make sense for text. The others fit and predict matrices of numbers.
CHECKS = """check_do_not_raise_errors_in_init_or_set_params check_dont_overwrite_parameters check_estimator_cloneable
check_estimator_repr check_estimator_tags_renamed check_estimators_fit_returns_self check_estimators_overwrite_params
check_get_params_invariance check_mixin_order check_no_attributes_set_in_init check_parameters_default_constructible
check_set_params check_valid_tag_types""".split()


@pytest.mark.parametrize("check", CHECKS)
def test_the_checks_of_estimators_pass(model, check):
    getattr(estimator_checks, check)("AttributeClassifier", AttributeClassifier(model, "gender"))


def test_the_tags_leave_out_checks_with_numbers(model):
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        estimator_checks.check_estimator(AttributeClassifier(model, "gender"))


def test_what_is_checked_with_numbers_holds_for_text(model):
    classifier = AttributeClassifier(model, "gender")
    users = TEXTS * 5
    probabilities = classifier.predict_proba(users)
    # Of parts, of another order, after a fit, and after pickling.
    halves = [classifier.predict_proba(part) for part in (users[:7], users[7:])]
    assert (numpy.concatenate(halves) == probabilities).all()
    assert (classifier.predict_proba(users[::-1]) == probabilities[::-1]).all()
    for other in (classifier.fit(users), pickle.loads(pickle.dumps(classifier))):
        assert (other.predict_proba(users) == probabilities).all()
    scores = cross_val_score(classifier, users, classifier.predict(users), cv=3)
    assert scores.tolist() == [1.0, 1.0, 1.0]


def test_the_label_of_an_age_is_in_the_likeliest_range(model):
    classifier = AttributeClassifier(model, "age")
    text = ["so much homework and my math teacher hates me"]
    (user,) = model.predict(text)
    (label,) = classifier.predict(text)
    assert label == user["age"].label
    (age,) = (attribute for attribute in model.attributes if attribute.name == "age")
    assert label in age.coarse_classes[user["age"].coarse.label]


def test_an_unknown_attribute_is_named(model):
    with pytest.raises(ValueError, match="the model predicts profession, age, gender"):
        AttributeClassifier(model, "height").predict_proba(TEXTS)
