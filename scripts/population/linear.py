"""Estimates class shares by QuaPy's methods on logistic regression over TF-IDF, for comparison with `auxlstm population`.

    python scripts/population/linear.py data/blogs.jsonl.xz runs/en/split.json 20 200 3000

Learns from the training users of a split and adjusts on its validation users, with the first words of each user (20, 200 and
3,000 here). Estimates the shares of sets of 500 test users, drawn with prevalences from Dirichlet(1), and prints the mean
absolute error of each method as a row of a Markdown table. Needs quapy 0.2.3 and scikit-learn.
"""

import json
import lzma
import sys

import numpy as np
from quapy.data import LabelledCollection
from quapy.method.aggregative import ACC, CC, EMQ, PACC, PCC
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

SETS = 60
USERS = 500
PARTS = ["training", "validation", "test"]


def age_range(user):
    return "13-17" if user["age"] < 20 else "23-27" if user["age"] < 30 else "33-48"


LABELS = {
    "profession": lambda user: user["profession"],
    "age range": age_range,
    "gender": lambda user: user["gender"],
}


def read(corpus, split):
    """The users of each part."""
    part_of = {}
    with open(split) as file:
        for part, files in json.load(file).items():
            for keys in files.values():
                part_of.update({key["id"]: part for key in keys})
    users = {part: [] for part in PARTS}
    with lzma.open(corpus, "rt") as lines:
        for user in map(json.loads, lines):
            users[part_of[user["id"]]].append(user)
    return users


def first_words(user, words):
    return " ".join(" ".join(user["posts"]).split()[:words])


def errors(features, labels, classes):
    """The errors of each method on sets of test users."""
    # The classifier learns from texts of the same length as it is applied to.
    classifier = LogisticRegression(C=10, max_iter=400).fit(features["training"], labels["training"])
    validation = LabelledCollection(features["validation"], labels["validation"], classes=list(range(classes)))
    methods = [CC(classifier, fit_classifier=False), PCC(classifier, fit_classifier=False)]
    methods += [method(classifier, fit_classifier=False, val_split=None) for method in (ACC, PACC, EMQ)]
    for method in methods:
        method.fit(*validation.Xy)
    random = np.random.default_rng(1)
    of_class = [np.flatnonzero(labels["test"] == label) for label in range(classes)]
    found = [[] for _ in methods]
    for _ in range(SETS):
        counts = random.multinomial(USERS, random.dirichlet(np.ones(classes)))
        drawn = [random.choice(users, count) for users, count in zip(of_class, counts) if count]
        sample = features["test"][np.concatenate(drawn)]
        for method, errors_of_method in zip(methods, found):
            errors_of_method.append(np.abs(method.predict(sample) - counts / USERS).mean())
    return [np.mean(errors_of_method) for errors_of_method in found]


def main():
    corpus, split, *lengths = sys.argv[1:]
    users = read(corpus, split)
    lengths = [int(words) for words in lengths]
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=5, max_features=50_000)
    vectorizer.fit([first_words(user, max(lengths)) for user in users["training"]])
    print("| attribute | words | cc | pcc | acc | pacc | emq |\n|---|---|---|---|---|---|---|")
    for words in lengths:
        features = {
            part: vectorizer.transform([first_words(user, words) for user in users[part]]) for part in PARTS
        }
        for name, label in LABELS.items():
            classes = sorted({label(user) for user in users["training"]})
            labels = {part: np.array([classes.index(label(user)) for user in users[part]]) for part in PARTS}
            row = [f"{error:.3f}" for error in errors(features, labels, len(classes))]
            print("|", " | ".join([name, f"{words:,}", *row]), "|", flush=True)


if __name__ == "__main__":
    main()
