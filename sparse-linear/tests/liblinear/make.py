"""Writes reference.json: random sparse examples, with the models that LIBLINEAR and scikit-learn learn from them.

    python -m venv venv && venv/bin/pip install liblinear-official==2.50.0 scikit-learn==1.9.1
    venv/bin/python make.py

The tolerances are so tight that the remaining distance to the optimum is below the rounding of the figures.
"""

import json
import pathlib

import numpy
import scipy.sparse
import sklearn
from liblinear.liblinearutil import parameter, problem, train
from scipy.special import expit, logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

EXAMPLES, FEATURES = 100, 40
# Cost, the constant feature, and factors of the classes' costs.
SETTINGS = [(0.1, 0, None), (0.1, 1, [0.5, 3, 2]), (1, 0, [3, 0.5, 1]), (1, 2, None), (10, 1, None), (10, 0.5, [1, 2, 0.25])]
SOLVERS = {"squared-hinge": 1, "one-versus-rest": 7}


def examples(random, classes):
    """Sparse rows, and classes that depend on them."""
    rows = scipy.sparse.random_array((EXAMPLES, FEATURES), density=0.3, rng=random, data_sampler=random.standard_normal)
    rows = scipy.sparse.csr_matrix(rows.toarray().round(3).astype(numpy.float32))
    scores = rows @ random.normal(size=(FEATURES, classes)) + random.gumbel(size=(EXAMPLES, classes)) * 2
    return rows, scores.argmax(axis=1)


def augmented(rows, bias):
    """With the constant feature as the last one."""
    return scipy.sparse.hstack([rows, scipy.sparse.csr_matrix(numpy.full((rows.shape[0], 1), float(bias)))]).tocsr().astype(numpy.float64)


def liblinear(solver, rows, gold, classes, cost, bias, weights):
    """One row of weights for each decision value, which is positive for class 1 of two, or for the own class of more."""
    factors = " ".join(f"-w{c} {weight}" for c, weight in enumerate(weights))
    # Without -B, because the constant feature is already there. LIBLINEAR numbers classes by first occurrence, and the first
    # is the positive one, so class 1 of two comes first.
    order = numpy.argsort(gold != 1, kind="stable") if classes == 2 else numpy.arange(len(gold))
    model = train(problem(gold[order], augmented(rows, bias)[order]), parameter(f"-s {solver} -c {cost} -e 1e-12 -q {factors}"))
    labels = model.get_labels()
    columns = 1 if classes == 2 else classes
    found = numpy.ctypeslib.as_array(model.w, (FEATURES + 1, columns)).T
    return found.copy() if columns == 1 else found[[labels.index(c) for c in range(classes)]]


def hinge(rows, gold, classes, cost, bias, weights):
    """LIBLINEAR's solver 3 in scikit-learn's version: the original stops after 300 passes, which are too few here."""
    settings = dict(loss="hinge", fit_intercept=False, tol=1e-10, max_iter=10_000_000, C=cost, class_weight=dict(enumerate(weights)))
    return LinearSVC(**settings).fit(augmented(rows, bias), gold).coef_


def multinomial(rows, gold, classes, cost, bias, weights):
    settings = dict(solver="lbfgs", fit_intercept=False, tol=1e-10, max_iter=100_000, C=cost, class_weight=dict(enumerate(weights)))
    return LogisticRegression(**settings).fit(augmented(rows, bias), gold).coef_


def objective(learner, found, rows, gold, cost, bias, weights):
    """The objective of the learner."""
    scores = augmented(rows, bias) @ found.T
    penalty = (found**2).sum() / 2
    weights = numpy.array(weights)
    if learner == "multinomial" and len(found) > 1:
        losses = logsumexp(scores, axis=1) - scores[numpy.arange(EXAMPLES), gold]
        return penalty + cost * (weights[gold] * losses).sum()
    own = numpy.array([[1]] if len(found) == 1 else numpy.arange(len(found))[:, None]).T == gold[:, None]
    # With more than two classes, the factors apply to the own class only.
    costs = cost * (weights[gold][:, None] if len(found) == 1 else numpy.where(own, weights[gold][:, None], 1))
    margins = numpy.where(own, 1, -1) * scores
    slack = numpy.maximum(0, 1 - margins)
    losses = {"squared-hinge": slack**2, "hinge": slack}.get(learner, numpy.logaddexp(0, -margins))
    return penalty + (costs * losses).sum()


def sigmoid(scores, positive):
    """Platt's sigmoid: an unpenalised logistic regression, with each score in both classes, weighted by its target."""
    high, low = (positive.sum() + 1) / (positive.sum() + 2), 1 / ((~positive).sum() + 2)
    target = numpy.where(positive, high, low)
    both = numpy.concatenate([scores, scores])[:, None]
    classes = numpy.repeat([1, 0], len(scores))
    shares = numpy.concatenate([target, 1 - target])
    fit = LogisticRegression(C=numpy.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(both, classes, sample_weight=shares)
    return float(fit.coef_[0, 0]), float(fit.intercept_[0])


def calibration(random, classes):
    """Informative decision values, and the probabilities of the first ones."""
    gold = random.integers(classes, size=80)
    columns = 1 if classes == 2 else classes
    own = gold[:, None] == (1 if classes == 2 else numpy.arange(classes))
    scores = (own * 1.5 - 1 + random.normal(size=(80, columns))).round(4)
    sigmoids = [sigmoid(scores[:, m], own[:, m]) for m in range(columns)]
    shares = numpy.stack([expit(slope * scores[:, m] + offset) for m, (slope, offset) in enumerate(sigmoids)], axis=1)
    probabilities = numpy.hstack([1 - shares, shares]) if columns == 1 else shares / shares.sum(axis=1, keepdims=True)
    return {
        "gold": gold.tolist(),
        "decision_values": scores.ravel().tolist(),
        "sigmoids": sigmoids,
        "probabilities": probabilities[:10].round(10).tolist(),
    }


def data_set(random, classes):
    rows, gold = examples(random, classes)
    cases = []
    for cost, bias, weights in SETTINGS:
        given = [] if weights is None else weights[:classes]
        setting = cost, bias, given or [1] * classes
        for learner in [*SOLVERS, "hinge", "multinomial"]:
            if learner == "hinge":
                found = hinge(rows, gold, classes, *setting)
            elif learner == "multinomial" and classes > 2:
                found = multinomial(rows, gold, classes, *setting)
            else:
                found = liblinear(SOLVERS.get(learner, 0), rows, gold, classes, *setting)
            cases.append(
                {
                    "learner": learner,
                    "cost": cost,
                    "bias": bias,
                    "class_weights": given,
                    "objective": float(objective(learner, found, rows, gold, *setting)),
                    "weights": found.round(9).tolist(),
                }
            )
    return {
        "classes": classes,
        "rows": [[row.indices.tolist(), [round(float(v), 3) for v in row.data]] for row in (rows[[n]] for n in range(EXAMPLES))],
        "gold": gold.tolist(),
        "cases": cases,
    }


def main():
    random = numpy.random.default_rng(7)
    made = {
        "liblinear": "2.50.0",
        "scikit-learn": sklearn.__version__,
        "data_sets": [data_set(random, 2), data_set(random, 3)],
        "calibrations": [calibration(random, 2), calibration(random, 3)],
    }
    out = pathlib.Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(made, indent=None) + "\n")


if __name__ == "__main__":
    main()
