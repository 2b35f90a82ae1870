"""How often the paper's t-test finds a difference between two equally good classifiers.

Usage: python t_test.py    (needs numpy and scipy)

The macro t-test of Yang and Liu (1999) pairs the F1 of the classes under two classifiers and takes the differences of
the classes for independent. They are not: one user in the wrong class lowers the F1 of two classes. So the classes'
differences are alike by chance, and the test takes their agreement for evidence.

Two classifiers predict the classes of 1,529 users in classes of equal size. Each is right about a user with the same
probability, and otherwise names any other class. Prints the share of simulations with p < 0.05. A valid test has 5 %.
"""

import numpy
from scipy import stats

USERS = 1529
SIMULATIONS = 100_000
LEVEL = 0.05


def f1(classes, accuracy, random):
    """The F1 of each class in each simulation of one classifier, [simulations, classes]."""
    rows = []
    for gold in range(classes):
        shares = numpy.full(classes, (1 - accuracy) / (classes - 1))
        shares[gold] = accuracy
        users = USERS // classes + (gold < USERS % classes)
        rows.append(random.multinomial(users, shares, size=SIMULATIONS))
    confusion = numpy.stack(rows, axis=1)
    right = numpy.diagonal(confusion, axis1=1, axis2=2)
    return 2 * right / (confusion.sum(axis=1) + confusion.sum(axis=2))


if __name__ == "__main__":
    random = numpy.random.default_rng(1)
    for classes in [2, 3, 7]:
        for accuracy in [0.6, 0.8]:
            one, other = (f1(classes, accuracy, random) for _ in range(2))
            # Where all differences are equal, t is infinite or not a number; the latter is no finding.
            with numpy.errstate(all="ignore"):
                p = stats.ttest_rel(one, other, axis=1).pvalue
            share = 100 * (p < LEVEL).mean()
            print(f"{classes} classes, accuracy {accuracy}: p < {LEVEL} in {share:.1f} %")
