"""Writes reference.json: p-values, intervals and associations by scipy, statsmodels and numpy.

    python -m venv venv && venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0
    venv/bin/python make.py

Bootstraps draw samples of their own, so they agree with others to within what is left to chance.
"""

import json
import pathlib

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

RESAMPLES = 20_000


def t_tests(random):
    """Paired t-tests on the F1 of as many classes as the paper's attributes have."""
    cases = []
    for classes, gain in [(2, 0.01), (3, 0.0), (7, 0.03), (7, -0.05), (11, 0.02), (11, 0.2)]:
        a = random.uniform(0.1, 0.9, classes)
        b = a - gain + random.normal(0, 0.02, classes)
        cases.append({"a": a.tolist(), "b": b.tolist(), "p": float(stats.ttest_rel(a, b).pvalue)})
    return cases


def scores(gold, predicted, classes):
    """F = 2PR/(P+R) of the averages of precision and recall, and accuracy."""
    right = numpy.bincount(gold[gold == predicted], minlength=classes)
    precision = (right / numpy.maximum(numpy.bincount(predicted, minlength=classes), 1)).mean()
    recall = (right / numpy.maximum(numpy.bincount(gold, minlength=classes), 1)).mean()
    both = precision + recall
    return numpy.array([2 * precision * recall / both if both else 0.0, right.sum() / len(gold)])


def predict(random, gold, classes, skill):
    return numpy.where(random.random(len(gold)) < skill, gold, random.integers(classes, size=len(gold)))


def comparison(random, population, tested, seeds, classes, skills):
    """Two systems, tested with each seed on some of the population, a user's class being the same in all."""
    labels = random.choice(classes, size=population, p=random.dirichlet(numpy.full(classes, 3)))
    runs = []
    for _ in range(seeds):
        users = numpy.sort(random.choice(population, size=tested, replace=False))
        gold = labels[users]
        runs.append([users, gold, *(predict(random, gold, classes, skill) for skill in skills)])

    def difference(times):
        """The mean over seeds of the difference a − b, with the number of times that each user is drawn."""
        per_seed = []
        for users, gold, a, b in runs:
            drawn = numpy.repeat(numpy.arange(tested), times[users])
            per_seed.append(scores(gold[drawn], a[drawn], classes) - scores(gold[drawn], b[drawn], classes))
        return numpy.mean(per_seed, axis=0)

    samples = numpy.array([
        difference(numpy.bincount(random.integers(population, size=population), minlength=population))
        for _ in range(RESAMPLES)
    ])
    low, high = numpy.percentile(samples, [2.5, 97.5], axis=0)
    p = 2 * numpy.minimum((samples <= 0).mean(axis=0), (samples >= 0).mean(axis=0))
    case = {
        "population": population,
        "classes": classes,
        "runs": [dict(zip(["users", "gold", "a", "b"], (column.tolist() for column in run), strict=True)) for run in runs],
        "observed": difference(numpy.ones(population, dtype=int)).tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "p": numpy.minimum(p, 1).tolist(),
    }
    if seeds == 1 and population == tested:
        case["scipy_interval"] = scipy_interval(random, runs[0][1:], classes)
    return case


def scipy_interval(random, columns, classes):
    """The interval of the difference of F by scipy's own bootstrap."""
    def difference(gold, a, b):
        return scores(gold, a, classes)[0] - scores(gold, b, classes)[0]

    result = stats.bootstrap(columns, difference, n_resamples=RESAMPLES, paired=True, vectorized=False,
                             method="percentile", rng=random)
    return [float(bound) for bound in result.confidence_interval]


def holm(random):
    cases = [[0.01, 0.04, 0.03, 0.005], [0.5], [0.02, 0.02, 0.9], random.uniform(0, 0.2, 12).round(4).tolist()]
    return [{"p": p, "corrected": multipletests(p, method="holm")[1].tolist()} for p in cases]


def associations(random):
    """Cramér's V by scipy; its corrected form, which scipy lacks, from scipy's chi-squared by Bergsma's formula."""
    cases = []
    for shape, concentration in [((2, 2), 5), ((2, 7), 1), ((7, 11), 0.5), ((3, 3), 100), ((11, 2), 50)]:
        weights = random.dirichlet(numpy.full(numpy.prod(shape), concentration))
        counts = random.multinomial(400, weights).reshape(shape)
        counts[0] += 1
        counts[:, 0] += 1
        n, (rows, columns) = counts.sum(), shape
        phi = stats.chi2_contingency(counts, correction=False).statistic / n
        phi = max(0, phi - (rows - 1) * (columns - 1) / (n - 1))
        least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1))
        cases.append({
            "counts": counts.tolist(),
            "v": float(stats.contingency.association(counts, method="cramer")),
            "corrected": float(numpy.sqrt(phi / (least - 1))),
        })
    return cases


def recalls(gold, predicted):
    """The mean recall of the classes with users."""
    return numpy.mean([(predicted[gold == label] == label).mean() for label in numpy.unique(gold)])


def guessing(random):
    """Whether the mean recall is better than chance: a permutation test, and for two classes Fisher's exact test."""
    confusions = [[[10, 90], [0, 1]], [[35, 25], [16, 24]], [[37, 23], [15, 25]], [[100, 0], [0, 1]]]
    for classes, users, skill in [(3, 90, 0.15), (7, 400, 0.05), (4, 60, 0.0)]:
        gold = random.choice(classes, size=users, p=random.dirichlet(numpy.full(classes, 2)))
        table = numpy.zeros((classes, classes), dtype=int)
        numpy.add.at(table, (gold, predict(random, gold, classes, skill)), 1)
        confusions.append(table.tolist())
    cases = []
    for confusion in confusions:
        table = numpy.array(confusion)
        gold, predicted = (numpy.repeat(labels.ravel(), table.ravel()) for labels in numpy.indices(table.shape))
        case = {
            "confusion": confusion,
            "p": float(stats.permutation_test(
                (predicted,), lambda shuffled: recalls(gold, shuffled), permutation_type="pairings", vectorized=False,
                n_resamples=RESAMPLES, alternative="greater", rng=random,
            ).pvalue),
        }
        if table.shape == (2, 2):
            case["fisher"] = float(stats.fisher_exact(table, alternative="greater").pvalue)
        cases.append(case)
    return cases


def main():
    random = numpy.random.default_rng(19)
    reference = {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "t_tests": t_tests(random),
        "comparisons": [
            comparison(random, 300, 300, 1, 3, (0.55, 0.5)),
            comparison(random, 400, 80, 4, 7, (0.45, 0.36)),
            comparison(random, 150, 100, 3, 2, (0.3, 0.3)),
        ],
        "holm": holm(random),
        "associations": associations(random),
        "guessing": guessing(random),
    }
    out = pathlib.Path(__file__).with_name("reference.json")
    out.write_text(json.dumps(reference) + "\n")


if __name__ == "__main__":
    main()
