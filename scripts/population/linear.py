"""Estimates class shares by QuaPy's methods on logistic regression over TF-IDF, for comparison with `auxlstm population`.

Usage: python scripts/population/linear.py CORPUS.jsonl.xz SPLIT.json [WORDS …]

Learns from the training users of a split, and estimates the shares of sets of 500 test users, drawn with prevalences from
Dirichlet(1). Prints the mean absolute error of each method by attribute and number of words (0: whole texts).
"""
import json, lzma, sys
import numpy as np
import quapy as qp
from quapy.method.aggregative import ACC, CC, EMQ, PACC, PCC
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

SETS, SIZE = 60, 500

def users(corpus, split):
    part_of = {}
    for part, files in json.load(open(split)).items():
        for keys in files.values():
            part_of.update({key["id"]: part for key in keys})
    for line in lzma.open(corpus, "rt"):
        user = json.loads(line)
        yield part_of[user["id"]], user

def main():
    corpus, split, *lengths = sys.argv[1:]
    read = list(users(corpus, split))
    band = lambda age: "13-17" if age < 20 else "23-27" if age < 30 else "33-48"
    labels = {"profession": lambda u: u["profession"], "age (coarse)": lambda u: band(u["age"]), "gender": lambda u: u["gender"]}
    for words in map(int, lengths or ["20", "200", "0"]):
        text = {part: [" ".join(" ".join(u["posts"]).split()[: words or 3000]) for p, u in read if p == part] for part in ("training", "validation", "test")}
        learned = TfidfVectorizer(sublinear_tf=True, min_df=5, max_features=50_000)
        whole = [" ".join(" ".join(u["posts"]).split()[:3000]) for p, u in read if p == "training"]
        matrix = learned.fit_transform(whole)
        cut = {part: learned.transform(text[part]) for part in text}
        for name, label in labels.items():
            y = {part: np.array([label(u) for p, u in read if p == part]) for part in text}
            classes = sorted(set(y["training"]))
            of = lambda part: np.array([classes.index(c) for c in y[part]])
            # The classifier learns from texts of the same length as it is applied to.
            classifier = LogisticRegression(C=10, max_iter=400, class_weight=None).fit(cut["training"], of("training"))
            rng, errors = np.random.default_rng(1), {}
            by = [np.flatnonzero(of("test") == k) for k in range(len(classes))]
            methods = {}
            for method in (CC, PCC, ACC, PACC, EMQ):
                quantifier = method(classifier, fit_classifier=False) if method in (CC, PCC) else method(classifier, fit_classifier=False, val_split=None)
                data = qp.data.LabelledCollection(cut["validation"], of("validation"), classes=list(range(len(classes))))
                try:
                    quantifier.fit(*data.Xy)
                except TypeError:
                    quantifier.fit(data)
                methods[method.__name__] = quantifier
            for _ in range(SETS):
                counts = rng.multinomial(SIZE, rng.dirichlet(np.ones(len(classes))))
                chosen = np.concatenate([rng.choice(by[k], counts[k]) for k in range(len(classes)) if counts[k]])
                for method, quantifier in methods.items():
                    found = quantifier.predict(cut["test"][chosen]) if hasattr(quantifier, "predict") else quantifier.quantify(cut["test"][chosen])
                    errors.setdefault(method, []).append(np.abs(found - counts / SIZE).mean())
            print(f"| {name} | {words or 'all'} |", " | ".join(f"{np.mean(e):.3f}" for e in errors.values()), "|", flush=True)

if __name__ == "__main__":
    main()
