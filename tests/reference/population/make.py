"""Writes reference.json: shares of classes by QuaPy, exact least squares, quadrature and numpy.

    python -m venv venv && venv/bin/pip install quapy==0.2.3 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python make.py

QuaPy minimises by SLSQP with numerical gradients, so its ACC and PACC miss the minimum by up to some thousandths. Beside its
values stand the exact ones, the best of all sets of classes whose shares are not 0.
"""

import itertools
import json
import pathlib
import warnings

import numpy
import quapy
import scipy
from quapy.method.aggregative import ACC, EMQ, PACC
from scipy import integrate
from sklearn.base import BaseEstimator


class Posteriors(BaseEstimator):
    """A classifier whose input are its posteriors."""

    def __init__(self, classes):
        self.classes = classes
        self.classes_ = numpy.arange(classes)

    def fit(self, posteriors, labels):
        return self

    def predict_proba(self, posteriors):
        return posteriors

    def predict(self, posteriors):
        return posteriors.argmax(axis=1)


def single(values):
    """As the single-precision numbers that the tests read."""
    return numpy.asarray(values).astype(numpy.float32).astype(float)


def classifier(random, classes, spread):
    """A function that draws users: their labels, and their posteriors under equal base rates, from normal logits."""
    distances = spread * random.uniform(0.6, 1.4, classes)
    offsets = random.normal(size=classes) * 0.3

    def users(counts):
        labels = numpy.repeat(numpy.arange(classes), counts)
        logits = random.normal(size=(len(labels), classes)) + distances * (labels[:, None] == numpy.arange(classes))
        posteriors = numpy.exp(spread * logits + offsets)
        return labels, single((posteriors / posteriors.sum(axis=1, keepdims=True)).round(6))

    return users


def least_squares(matrix, observed):
    """The shares that minimise |Mq − b|: the best of the minima over each set of classes that has no negative share."""
    best = None
    classes = matrix.shape[1]
    for size in range(1, classes + 1):
        for chosen in map(list, itertools.combinations(range(classes), size)):
            # The stationary point with a Lagrange multiplier of the sum.
            columns = matrix[:, chosen]
            system = numpy.ones((size + 1, size + 1))
            system[:size, :size] = columns.T @ columns
            system[size, size] = 0
            solution = numpy.linalg.solve(system, numpy.append(columns.T @ observed, 1))[:size]
            if solution.min() >= 0:
                shares = numpy.zeros(classes)
                shares[chosen] = solution
                error = numpy.linalg.norm(matrix @ shares - observed)
                if best is None or error < best[0]:
                    best = error, shares
    return best[1]


def bayesian(means, covariances, validation, posteriors):
    """Mean and standard deviation of the posterior of the shares of two or three classes, by quadrature."""
    users, classes = posteriors.shape
    kept = classes - 1
    observed = posteriors.mean(axis=0)[:kept]
    covariance = numpy.atleast_2d(numpy.cov(posteriors[:, :kept].T, bias=True))

    def variance(shares):
        """The covariance of the observed mean around the expected one."""
        mean = shares @ means
        expected = sum(
            share * (within + numpy.outer((of_class - mean)[:kept], (of_class - mean)[:kept]))
            for share, within, of_class in zip(shares, covariances, means, strict=True)
        )
        own = (users * covariance + 20 * expected) / (users + 20) / users
        of_classes = sum(
            share**2 * 2 / number * within
            for share, within, number in zip(shares, covariances, validation, strict=True)
        )
        return own + of_classes + 1e-10 * numpy.eye(kept)

    def moments(inverse):
        def density(*free):
            shares = numpy.array([*free, 1 - sum(free)])
            error = (shares @ means)[:kept] - observed
            return numpy.exp(-error @ inverse @ error / 2)

        def expectation(of_class, power):
            def term(*free):
                return (*free, 1 - sum(free))[of_class] ** power * density(*free)

            if classes == 2:
                return integrate.quad(term, 0, 1, epsabs=1e-10)[0]
            return integrate.dblquad(term, 0, 1, 0, lambda first: 1 - first, epsabs=1e-8)[0]

        total = expectation(0, 0)
        first = numpy.array([expectation(c, 1) for c in range(classes)]) / total
        second = numpy.array([expectation(c, 2) for c in range(classes)]) / total
        return first, numpy.sqrt(second - first**2)

    shares = numpy.full(classes, 1 / classes)
    for _ in range(2):
        shares, deviations = moments(numpy.linalg.inv(variance(shares)))
    return {"mean": shares.tolist(), "deviation": deviations.tolist()}


def fitted(method, labels, posteriors):
    """QuaPy's ACC or PACC, with the moments of validation users as they are stored in a bundle."""
    quantifier = method(Posteriors(labels.max() + 1), fit_classifier=False, val_split=None)
    quantifier.fit(posteriors, labels)
    quantifier.Pte_cond_estim_ = single(quantifier.Pte_cond_estim_.round(4))
    return quantifier


def case(random, counts, validation_counts, spread):
    classes = len(counts)
    users = classifier(random, classes, spread)
    labels, validation = users(validation_counts)
    _, equal = users(counts)

    rates = random.dirichlet(numpy.full(classes, 3)).round(4)
    rates = single(rates / rates.sum())
    corpus = equal * rates
    corpus = single(corpus / corpus.sum(axis=1, keepdims=True))

    scatters = [
        len(of_class) * numpy.atleast_2d(numpy.cov(of_class.T, bias=True))
        for of_class in (validation[labels == c, :-1] for c in range(classes))
    ]
    # The covariance of each class is averaged with that of all, which counts as 20 users. The latter is averaged with the
    # largest that the mean permits, which counts as one user.
    mean = validation.mean(axis=0)[:-1]
    widest = numpy.diag(mean) - numpy.outer(mean, mean)
    pooled = (sum(scatters) + widest) / (len(labels) - classes + 1)
    covariances = single([
        ((scatter + 20 * pooled) / (number - 1 + 20)).round(7)
        for scatter, number in zip(scatters, validation_counts, strict=True)
    ])
    adjusted, probabilistic = (fitted(method, labels, validation) for method in [ACC, PACC])
    rows, means = adjusted.Pte_cond_estim_, probabilistic.Pte_cond_estim_
    counted = adjusted.cc.aggregate(corpus.argmax(axis=1))
    equal_counted = adjusted.cc.aggregate(equal.argmax(axis=1))
    result = {
        "base_rates": rates.tolist(),
        "validation": {"labels": labels.tolist(), "posteriors": validation.round(6).tolist()},
        "equal_rates": equal.round(6).tolist(),
        "corpus_rates": corpus.tolist(),
        "means": means.T.round(4).tolist(),
        "labels": rows.T.round(4).tolist(),
        "covariances": covariances.round(7)[:, *numpy.tril_indices(classes - 1)].tolist(),
        "cc": counted.tolist(),
        "pcc": probabilistic.pcc.aggregate(corpus).tolist(),
        "acc": {
            "quapy": adjusted.aggregate(equal.argmax(axis=1)).tolist(),
            "exact": least_squares(rows, equal_counted).tolist(),
        },
        "pacc": {
            "quapy": probabilistic.aggregate(equal).tolist(),
            "exact": least_squares(means, equal.mean(axis=0)).tolist(),
        },
        "emq": EMQ.EM(rates / rates.sum(), corpus)[0].tolist(),
    }
    if classes <= 3:
        result["bayes"] = bayesian(means.T, covariances, validation_counts, equal)
    return result


def joint(random, first, second):
    """The shares of pairs of classes: expectation maximisation with users of independent attributes, then raking."""
    a, b = (numpy.array(case["equal_rates"]) for case in [first, second])
    rows, columns = (numpy.array(case["pacc"]["exact"]) for case in [first, second])
    number = min(len(a), len(b))
    pairing = random.permutation(len(b))[:number]
    likelihoods = single((single(a[:number])[:, :, None] * single(b[pairing])[:, None, :]))
    independent = numpy.outer(rows, columns)
    shares = independent
    for _ in range(200):
        posteriors = likelihoods * shares
        posteriors /= posteriors.sum(axis=(1, 2), keepdims=True)
        last, shares = shares, (posteriors.mean(axis=0) + 0.2 * independent) / 1.2
        if abs(shares - last).max() < 1e-6:
            break
    for _ in range(1000):
        for axis, wanted in [(1, rows), (0, columns)]:
            sums = shares.sum(axis=axis)
            factors = numpy.divide(wanted, sums, out=numpy.zeros_like(sums), where=sums > 0)
            shares = shares * numpy.expand_dims(factors, axis)
    return {"pairing": pairing.tolist(), "shares": shares.tolist()}


def main():
    warnings.simplefilter("error", RuntimeWarning)
    random = numpy.random.default_rng(23)
    cases = [
        case(random, [120, 40], [30, 20], 1.5),
        case(random, [150, 4], [25, 25], 0.7),
        case(random, [60, 20, 70], [20, 40, 16], 1.2),
        case(random, [2, 90, 60], [16, 20, 30], 0.8),
        case(random, [40, 10, 0, 20, 5, 60, 30], [40, 25, 16, 30, 16, 20, 30], 1.5),
        case(random, [10, 20, 30, 0, 0, 40, 10, 15, 25, 0, 20], [20] * 11, 1.2),
    ]
    reference = {
        "quapy": quapy.__version__,
        "scipy": scipy.__version__,
        "numpy": numpy.__version__,
        "cases": cases,
        "joint": {"first": 0, "second": 4} | joint(random, cases[0], cases[4]),
    }
    out = pathlib.Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
