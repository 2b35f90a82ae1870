"""Writes reference.json: random predictions, and scikit-learn's figures for them.

    python -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python make.py

The expected calibration error and the coverage, which scikit-learn lacks, are computed with numpy by their definition.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve

BINS = 15


def calibration_error(gold, probabilities):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    edges = numpy.linspace(0, 1, BINS + 1)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


def reliability(right, confidence):
    """Users, mean confidence and accuracy of every bin that is not empty."""
    edges = numpy.linspace(0, 1, BINS + 1)
    users = numpy.bincount(numpy.digitize(confidence, edges[1:-1], right=True))
    shares, confidences = calibration_curve(right, confidence, n_bins=BINS)
    return [list(bin) for bin in zip(users[users > 0].tolist(), confidences.tolist(), shares.tolist(), strict=True)]


def coverage(right, confidence):
    """Threshold, coverage and accuracy of the answers, for every threshold with an answer."""
    points = []
    for threshold in numpy.arange(20, dtype=numpy.float32) / 20:
        answered = confidence >= threshold
        if answered.any():
            points.append([float(str(threshold)), float(answered.mean()), float(right[answered].mean())])
    return points


def case(random, users, classes, sharpness, unseen):
    """Predictions somewhat better than chance; `unseen` classes occur in neither column."""
    seen = classes - unseen
    gold = random.choice(seen, size=users, p=random.dirichlet(numpy.ones(seen)))
    logits = random.normal(size=(users, classes)) * sharpness
    logits[numpy.arange(users), gold] += sharpness / 2
    logits[:, seen:] = -30
    # Rounded so that the file is small and both sides start from the same 32-bit floats.
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).round(6).astype(numpy.float32)
    predicted = probabilities.argmax(axis=1)
    right, confidence = predicted == gold, probabilities.max(axis=1)
    labels = numpy.arange(classes)
    by_class = metrics.precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    precision, recall, f1 = (float(figures.mean()) for figures in by_class[:3])
    return {
        "gold": gold.tolist(),
        "probabilities": [[round(float(p), 6) for p in row] for row in probabilities],
        "predicted": predicted.tolist(),
        "accuracy": float(metrics.accuracy_score(gold, predicted)),
        "majority": float(numpy.bincount(gold).max() / users),
        "precision": precision,
        "recall": recall,
        "f": 2 * precision * recall / (precision + recall),
        "macro_f1": f1,
        "class_precision": by_class[0].tolist(),
        "class_recall": by_class[1].tolist(),
        "class_f1": by_class[2].tolist(),
        "support": by_class[3].tolist(),
        "confusion": metrics.confusion_matrix(gold, predicted, labels=labels).tolist(),
        "log_loss": float(metrics.log_loss(gold, probabilities, labels=labels)),
        "calibration_error": calibration_error(gold, probabilities.astype(numpy.float64)),
        "reliability": reliability(right, confidence.astype(numpy.float64)),
        "coverage": coverage(right, confidence),
    }


def main():
    random = numpy.random.default_rng(17)
    cases = [
        case(random, 60, 2, 1.0, 0),
        case(random, 80, 7, 1.5, 0),
        case(random, 90, 11, 3.0, 0),
        case(random, 40, 5, 0.7, 2),
        case(random, 1, 3, 1.0, 0),
    ]
    out = pathlib.Path(__file__).with_name("reference.json")
    out.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, indent=None) + "\n")


if __name__ == "__main__":
    main()
