"""What more bloggers with age and gender bring, from the runs of joint.toml and of others.toml, as the table of docs/paper/joint.md.

    pip install numpy
    python3 scripts/joint_others.py runs/joint runs/joint-others

The test users who have a profession are the same in both. The interval is that of a bootstrap over them.
"""

import json
import pathlib
import sys

import numpy as np

SAMPLES = 2000
SEEDS = range(1, 4)
ATTRIBUTES = ["profession", "age", "gender"]


def read(folder, name, seed):
    return json.loads((pathlib.Path(folder) / "runs" / f"{name}__{seed}.json").read_text())


def classes_of(run):
    """True and predicted class of each test user, and the number of classes."""
    return {json.dumps(user["user"]): (user["class"], int(np.argmax(user["probabilities"]))) for user in run["test"]}, len(run["classes"])


def scores(pairs, classes):
    """Macro-F1, the paper's F and accuracy."""
    true, predicted = pairs.T
    hits = np.bincount(true[true == predicted], minlength=classes)
    of_true, of_predicted = (np.bincount(side, minlength=classes) for side in (true, predicted))
    precision, recall = (np.mean(hits / np.maximum(count, 1)) for count in (of_predicted, of_true))
    return np.array([np.mean(2 * hits / np.maximum(of_true + of_predicted, 1)), 2 * precision * recall / (precision + recall), hits.sum() / len(true)])


def compare(without, with_others, system, attribute):
    """Scores by seed, without and with the others, and samples of the difference of their means."""
    others = "+".join(name for name in ATTRIBUTES if name != attribute)
    name = f"{system}__{attribute}" + (f"+{others}" if system == "aux-lstm" else "")
    chance = np.random.default_rng(1)
    of_seeds, samples = [], []
    for seed in SEEDS:
        (before, classes), (after, _) = (classes_of(read(folder, name, seed)) for folder in (without, with_others))
        sides = np.array([[before[user], after[user]] for user in before])
        drawn = [sides[chance.integers(len(sides), size=len(sides))] for _ in range(SAMPLES)]
        of_seeds.append([scores(sides[:, side], classes) for side in range(2)])
        samples.append([scores(users[:, 1], classes) - scores(users[:, 0], classes) for users in drawn])
    return np.array(of_seeds), np.mean(samples, axis=0)


def main(without, with_others):
    print("| main attribute | system | measure | without | with the others | difference (95 % interval) |")
    print("|:---|:---|:---|---:|---:|:---|")
    for attribute in ATTRIBUTES:
        for system in ["svm", "lstm", "aux-lstm"]:
            of_seeds, samples = compare(without, with_others, system, attribute)
            for index, measure in enumerate(["macro-F1", "F", "accuracy"]):
                before, after = (f"{side.mean():.3f} ± {side.std(ddof=1):.3f}" for side in of_seeds[:, :, index].T)
                low, high = np.percentile(samples[:, index], [2.5, 97.5])
                difference = np.subtract(*of_seeds[:, ::-1, index].mean(axis=0))
                print(f"| {attribute} | {system} | {measure} | {before} | {after} | {difference:+.3f} ({low:+.3f} to {high:+.3f}) |")


main(*sys.argv[1:])
