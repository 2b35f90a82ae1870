"""The linear SVM of docs/model-card-en.md: TF-IDF over words separated by white space, on a run's own split.

Usage: python svm.py CORPUS.jsonl.xz RUN/split.json [--words 1000] [--share 1] [--balanced]    (needs scikit-learn)

Prints, for every attribute, the majority class, accuracy, macro P, macro R and F = 2PR/(P+R) on the split's test
users. The regularisation C is chosen on its validation users; the final classifier learns from the training users.
"""

import argparse
import json
import lzma

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, precision_score, recall_score
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
    return accuracy_score(truth, predicted), precision, recall, 2 * precision * recall / (precision + recall)


def only(files):
    """The users of a split of one file."""
    (users,) = files.values()
    return users


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("split")
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--share", type=float, default=1, help="share of the training users to learn from, taken from the start; the corpus is shuffled")
    parser.add_argument("--balanced", action="store_true")
    options = parser.parse_args()
    with lzma.open(options.corpus, "rt", encoding="utf-8") as file:
        users = {user["id"]: user for user in map(json.loads, file)}
    with open(options.split, encoding="utf-8") as file:
        parts = {part: [users[user["id"]] for user in only(files)] for part, files in json.load(file).items()}
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
            f = figures(labels["validation"], classifier.predict(matrices["validation"][rows["validation"]]))[3]
            if best is None or f > best[0]:
                best = (f, c, classifier)
        _, c, classifier = best
        accuracy, precision, recall, f = figures(labels["test"], classifier.predict(matrices["test"][rows["test"]]))
        majority = max(labels["test"].count(value) for value in set(labels["test"])) / len(labels["test"])
        print(f"{attribute:13} n {len(labels['test']):5}  C {c:<4}  majority {majority:.3f}  accuracy {accuracy:.3f}  P {precision:.3f}  R {recall:.3f}  F {f:.3f}", flush=True)


main()
