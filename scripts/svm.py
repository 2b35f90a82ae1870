"""The linear SVM of docs/model-card-en.md: TF-IDF over words separated by white space, on a run's own split.

Usage: python svm.py CORPUS.jsonl.xz... --split RUN/split.json [--words 1000] [--share 1] [--balanced]    (needs scikit-learn)

Learns from the split's training users in all corpora. Prints, for every attribute and corpus, the majority class, accuracy,
macro-F1, macro P, macro R and the paper's F = 2PR/(P+R) on the split's test users there. The regularisation C is chosen on
its validation users by the latter.
"""

import argparse
import json
import lzma
import pathlib

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.svm import LinearSVC


def age_range(age):
    return "13-17" if age <= 17 else "23-27" if age <= 27 else "33-48"


ATTRIBUTES = {
    "profession": lambda user: user.get("profession"),
    "age": lambda user: user.get("age") and (str(user["age"]) if user["age"] < 33 else "33+"),
    "age (coarse)": lambda user: user.get("age") and age_range(user["age"]),
    "gender": lambda user: user.get("gender"),
}


def figures(truth, predicted):
    precision = precision_score(truth, predicted, average="macro", zero_division=0)
    recall = recall_score(truth, predicted, average="macro", zero_division=0)
    macro_f1 = f1_score(truth, predicted, average="macro", zero_division=0)
    return accuracy_score(truth, predicted), macro_f1, precision, recall, 2 * precision * recall / (precision + recall)


def read(path, split):
    """The users of each part of the split in a corpus."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        users = {user["id"]: user for user in map(json.loads, file)}
    of_file = lambda files: next(keys for name, keys in files.items() if pathlib.Path(name).name == pathlib.Path(path).name)
    return {part: [users[key["id"]] for key in of_file(files)] for part, files in split.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+")
    parser.add_argument("--split", required=True)
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--share", type=float, default=1, help="share of the training users to learn from, taken from the start; the corpus is shuffled")
    parser.add_argument("--balanced", action="store_true")
    options = parser.parse_args()
    with open(options.split, encoding="utf-8") as file:
        split = json.load(file)
    of_corpora = {pathlib.Path(path).name: read(path, split) for path in options.corpora}
    parts = {part: [user for found in of_corpora.values() for user in found[part]] for part in split}
    corpus = [name for name, found in of_corpora.items() for _ in found["test"]]
    parts["training"] = parts["training"][: round(options.share * len(parts["training"]))]
    text = lambda user: " ".join(" ".join(user["posts"]).split()[: options.words])
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=3)
    matrices = {"training": vectorizer.fit_transform(text(user) for user in parts["training"])}
    for part in ("validation", "test"):
        matrices[part] = vectorizer.transform(text(user) for user in parts[part])
    for attribute, label in ATTRIBUTES.items():
        rows = {part: [row for row, user in enumerate(members) if label(user)] for part, members in parts.items()}
        labels = {part: [label(parts[part][row]) for row in rows[part]] for part in parts}
        best = None
        for c in (0.03, 0.1, 0.3, 1, 3):
            classifier = LinearSVC(C=c, class_weight="balanced" if options.balanced else None)
            classifier.fit(matrices["training"][rows["training"]], labels["training"])
            f = figures(labels["validation"], classifier.predict(matrices["validation"][rows["validation"]]))[-1]
            if best is None or f > best[0]:
                best = (f, c, classifier)
        _, c, classifier = best
        predicted = classifier.predict(matrices["test"][rows["test"]])
        for name in of_corpora:
            members = [place for place, row in enumerate(rows["test"]) if corpus[row] == name]
            if members:
                truth = [labels["test"][place] for place in members]
                accuracy, macro_f1, precision, recall, f = figures(truth, predicted[members])
                majority = max(truth.count(value) for value in set(truth)) / len(truth)
                print(f"{attribute:13} {name:26} n {len(truth):5}  C {c:<4}  majority {majority:.3f}  accuracy {accuracy:.3f}  macro-F1 {macro_f1:.3f}  P {precision:.3f}  R {recall:.3f}  F {f:.3f}", flush=True)


main()
