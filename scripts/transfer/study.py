"""Measures how well models of English bloggers predict the gender of Chinese users, and prints the table of docs/transfer.md.

    make trainer && python3 scripts/transfer/study.py target/release/auxlstm cedict.txt.gz -o runs/transfer

Needs NumPy, scikit-learn, the corpora and vectors of configs/zh-en.toml, and runs/zh.bin, vectors of the Chinese posts alone
(auxlstm embed). For each seed, a fifth of the Chinese users of each file is the test set, stratified by gender. Five systems are
compared:

  svm          learns from the other Chinese users: scikit-learn's linear SVM on TF-IDF of characters and character pairs
  chinese      learns from the other Chinese users, with the Chinese vectors
  zero-shot    learns from the bloggers alone, in the common space; one model, tested with all seeds
  translated   learns from the bloggers, their words replaced by Chinese ones, with the Chinese vectors; also one model
  joint        learns from the bloggers and the other Chinese users: configs/zh-en.toml

The probabilities are scored as stated by the model, and recalibrated by a logistic regression on users whom no system learned
from and who are not in the test set. The margins of `svm` become probabilities only by recalibration. Systems that learn from
bloggers alone are also scored as the bundle shows a transferred attribute: mixed half and half with the uniform distribution.
Finished runs are not repeated.
"""

import argparse
import gzip
import json
import lzma
import pathlib
import re
import subprocess
import sys
import tomllib

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from sklearn.svm import LinearSVC

ROOT = pathlib.Path(__file__).parent.parent.parent
CHINESE = ["weibo-gender", "sms-zh"]
SHARE = 0.2
DRAWS = 2000
BINS = 15


def records(path):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write(path, users):
    path.write_text("".join(json.dumps(user, ensure_ascii=False) + "\n" for user in users), encoding="utf-8")
    return path


def toml(value):
    """A value as TOML. JSON's strings, numbers and lists are valid TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def divide(users, seed):
    """Training and test users, stratified by gender."""
    random = np.random.default_rng(seed)
    test = set()
    for gender in ("female", "male"):
        of_gender = [index for index, user in enumerate(users) if user.get("gender") == gender]
        test.update(random.permutation(of_gender)[: round(SHARE * len(of_gender))].tolist())
    return [user for index, user in enumerate(users) if index not in test], [users[index] for index in sorted(test)]


def translator(dictionary, vectors):
    """Returns a function that replaces each English word of a post by its most frequent Chinese translation. A translation is an entry
    that has the English word as a whole gloss."""
    with open(vectors, "rb") as file:
        count, dimensions = map(int, file.readline().split())
        rank = {}
        for _ in range(count):
            word = b""
            while (byte := file.read(1)) != b" ":
                word += byte
            rank[word.decode()] = len(rank)
            file.seek(4 * dimensions + 1, 1)
    best = {}
    with gzip.open(dictionary, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = re.match(r"\S+ (\S+) \[[^]]*\] /(.*)/", line)
            if not entry or entry[1] not in rank:
                continue
            for gloss in entry[2].split("/"):
                gloss = re.sub(r"\([^)]*\)", "", gloss).strip().lower().removeprefix("to ")
                if re.fullmatch(r"[a-z']+", gloss) and rank[entry[1]] < rank.get(best.get(gloss), count):
                    best[gloss] = entry[1]
    return lambda post: " ".join(best[word] for word in re.findall(r"[a-z']+", post.lower()) if word in best)


def svm(users):
    """Trains an SVM on these users and returns a function that scores users."""
    texts = lambda users: ["\n".join(user["posts"]) for user in users]
    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    classifier = LinearSVC(class_weight="balanced").fit(features.fit_transform(texts(users)), genders(users))
    return lambda users: classifier.decision_function(features.transform(texts(users)))


class Study:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.config = tomllib.loads((ROOT / "configs/zh-en.toml").read_text(encoding="utf-8"))
        self.dictionary = self.config["text"]["dictionary"]

    def learn(self, name, seed, corpora, vectors, tasks):
        """Trains a model and returns its bundle. `tasks` maps attributes to the weights of their files."""
        run = self.folder / f"{name}-{seed}"
        bundle = run / "model.safetensors"
        config = json.loads(json.dumps(self.config))
        config |= {"corpus": list(map(str, corpora)), "vectors": str(vectors), "output": str(run), "seed": seed}
        config["split"] = {"test": 0.0, "seed": seed, "stratify_by": "gender"}
        config["card"] = {"languages": ["en", "zh"] if len(corpora) > 2 else []}
        attributes = [each for each in config["attributes"] if each["name"] in tasks]
        for attribute in attributes:
            attribute["corpora"] = {str(path): weight for path, weight in tasks[attribute["name"]].items()}
        config["attributes"] = attributes
        path = self.folder / f"{name}-{seed}.toml"
        text = "\n".join(f"{key} = {toml(value)}" for key, value in config.items())
        if path.exists() and path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} has other settings: choose another folder by --output")
        path.write_text(text, encoding="utf-8")
        if not bundle.exists():
            subprocess.run([self.program, "train", path, *(["--resume"] if run.exists() else [])], check=True)
        return bundle

    def scores(self, bundle, users):
        """The log-odds of male against female for each user."""
        text = "".join(json.dumps(user) + "\n" for user in users)
        command = [self.program, "predict", bundle, "-", "--dictionary", self.dictionary]
        lines = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()
        shares = (json.loads(line)["predictions"]["gender"]["probabilities"] for line in lines)
        return np.array([np.log(share["male"] / share["female"]) for share in shares])


def genders(users):
    return np.array([user["gender"] == "male" for user in users])


def probability(scores):
    return 1 / (1 + np.exp(-scores))


def recalibrated(scores, others, truth):
    """The scores after a logistic regression on the scores and genders of other users."""
    regression = LogisticRegression(C=1e6).fit(others[:, None], truth)
    return regression.decision_function(scores[:, None])


def halved(scores):
    """The scores after mixing the probabilities half and half with the uniform distribution (`LanguageCalibration::transferred`)."""
    probabilities = (probability(scores) + 0.5) / 2
    return np.log(probabilities / (1 - probabilities))


def figures(truth, scores):
    predicted = scores > 0
    precision, recall = (score(truth, predicted, average="macro", zero_division=0) for score in (precision_score, recall_score))
    confidence = probability(np.abs(scores))
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    error = sum(
        abs(np.sum(confidence[bins == each]) - np.sum((predicted == truth)[bins == each])) for each in range(BINS)
    )
    return roc_auc_score(truth, scores), 2 * precision * recall / (precision + recall), error / len(truth)


def intervals(users, truth, scores):
    """AUC, F and calibration error, each with the interval of the middle 95 % of resampled sets of users. All arguments have one
    row per seed. A user, identified by a number, who is in several rows is drawn for all of them at once."""
    mean = np.mean([figures(*row) for row in zip(truth, scores)], axis=0)
    random = np.random.default_rng(0)
    count = max(map(max, users)) + 1
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(random.integers(count, size=count), minlength=count)
        rows = []
        for tested, labels, row in zip(users, truth, scores):
            again = np.repeat(np.arange(len(tested)), times[tested])
            rows.append(figures(labels[again], row[again]))
        drawn.append(np.mean(rows, axis=0))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return list(zip(mean, low, high))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=pathlib.Path, help="auxlstm")
    parser.add_argument("cedict", type=pathlib.Path, help="CC-CEDICT, packed by gzip")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("runs/transfer"))
    parser.add_argument("--chinese-vectors", type=pathlib.Path, default=pathlib.Path("runs/zh.bin"))
    parser.add_argument("--vectors", type=pathlib.Path, default=pathlib.Path("runs/zh-en.bin"), help="of both languages")
    parser.add_argument("--ways", nargs="+", help="some of them only")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    folder = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(arguments.program, folder)
    data = pathlib.Path(study.config["corpus"][0]).parent
    blogs = data / "blogs.jsonl.xz"
    translation = folder / "translated.jsonl"
    if not translation.exists():
        translate = translator(arguments.cedict, arguments.chinese_vectors)
        write(translation, [user | {"posts": list(map(translate, user["posts"]))} for user in records(blogs)])
    everywhere = dict.fromkeys(study.config["corpus"], 1.0)
    weights = {task["name"]: task.get("corpora", everywhere) for task in study.config["attributes"]}
    users = {name: [user for user in records(data / f"{name}.jsonl.xz") if user.get("gender")] for name in CHINESE}
    number = {name: {str(user["id"]): each for each, user in enumerate(users[name])} for name in CHINESE}
    # For each corpus and system: the scores of every seed, stated and recalibrated.
    found = {}
    for seed in arguments.seeds:
        parts = {name: divide(users[name], seed) for name in CHINESE}
        # One fifth of the training users is set aside for recalibration; no system learns from it.
        inner = {name: divide(parts[name][0], seed) for name in CHINESE}
        weibo, sms = (write(folder / f"{name}-{seed}.jsonl", inner[name][0]) for name in CHINESE)

        def task(name, blogs):
            """The weights of a task's files among those of the study, with the paths of this seed."""
            places = {"blogs.jsonl.xz": blogs, "weibo-gender.jsonl.xz": weibo, "sms-zh.jsonl.xz": sms}
            named = {places.get(pathlib.Path(path).name): weight for path, weight in weights[name].items()}
            return {path: weight for path, weight in named.items() if path}

        names = list(weights)
        ways = {
            "svm": svm(inner["weibo-gender"][0] + inner["sms-zh"][0]),
            "chinese": (seed, [weibo, sms], arguments.chinese_vectors, {"gender": {weibo: 1.0, sms: 1.0}}),
            "zero-shot": (1, [blogs], arguments.vectors, {name: {blogs: 1.0} for name in names}),
            "translated": (1, [translation], arguments.chinese_vectors, {name: {translation: 1.0} for name in names}),
            "joint": (seed, [blogs, weibo, sms], arguments.vectors, {name: task(name, blogs) for name in names}),
        }
        for way in arguments.ways or ways:
            scores = ways[way]
            if not callable(scores):
                bundle = study.learn(way, *scores)
                scores = lambda users: study.scores(bundle, users)
            for name in CHINESE:
                test, held = parts[name][1], inner[name][1]
                stated = scores(test)
                read_anew = recalibrated(stated, scores(held), genders(held))
                readings = {"stated": stated, "recalibrated": read_anew}
                if way in ("zero-shot", "translated"):
                    readings["as transferred"] = halved(stated)
                tested = [number[name][str(user["id"])] for user in test]
                for reading, each in readings.items():
                    found.setdefault((name, way, reading), []).append((tested, genders(test), each))
            stated = (figures(*found[name, way, "stated"][-1][1:]) for name in CHINESE)
            print(way, seed, *(f"{figure:.3f}" for each in stated for figure in each), flush=True)
    rows = ["| users | learned from | probabilities | AUC | F | calibration error |", "|---|---|---|---|---|---|"]
    for (name, way, reading), seeds in found.items():
        cells = [f"{mean:.3f} ({low:.3f}–{high:.3f})" for mean, low, high in intervals(*zip(*seeds))]
        rows.append(f"| {name} | {way} | {reading} | {' | '.join(cells)} |")
    (folder / "table.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
