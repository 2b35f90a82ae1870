"""Writes expected.json: two small made-up languages, and how NumPy and SciPy align them.

    pip install numpy==2.4.6 scipy==1.17.1
    python make.py

The second language is the first one turned, with noise. What is written is computed as the papers say (orthogonal
Procrustes; cross-domain similarity local scaling, Conneau et al. 2018), with scipy.linalg.orthogonal_procrustes and dense
matrices. `trainer/src/alignment/tests.rs` compares ours.
"""

import json
import pathlib

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

WORDS, DIMENSIONS, PAIRS = 120, 8, 20
random = np.random.default_rng(5)
turn = ortho_group.rvs(DIMENSIONS, random_state=5)
# Words form clusters, so that some are near many others.
source = (random.normal(size=(WORDS, DIMENSIONS)) + 2 * random.normal(size=(6, DIMENSIONS))[np.arange(WORDS) % 6] + 1)
target = 1.7 * source @ turn + 1.3 * random.normal(size=source.shape) - 0.5
source, target = source.astype(np.float32), target.astype(np.float32)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def centred(rows):
    mean = rows.mean(axis=0)
    return mean, unit(rows - mean)


def nearest(one, other, count):
    """The nearest words by CSLS, and the nearness of the first."""
    cosines = one @ other.T
    near_other = np.sort(cosines, axis=0)[-10:].mean(axis=0)
    near_one = np.sort(cosines, axis=1)[:, -10:].mean(axis=1)
    scaled = 2 * cosines - near_other - near_one[:, None]
    return np.argsort(-scaled, axis=1, kind="stable")[:, :count]


source, target = source.astype(np.float64), target.astype(np.float64)
mean, x = centred(source)
other_mean, y = centred(target)
seeds = {(word, word) for word in range(PAIRS)}
pairs = seeds
rounds = []
for _ in range(3):
    ordered = sorted(pairs)
    of, to = [list(side) for side in zip(*ordered)]
    turned, _ = orthogonal_procrustes(x[of], y[to])
    mapped = x @ turned
    forth, back = nearest(mapped, y, 5), nearest(y, mapped, 5)
    tested = range(PAIRS, PAIRS + 40)
    rounds.append(
        {
            "pairs": len(pairs),
            "forth": [sum(word in forth[word, :most] for word in tested) for most in (1, 5)],
            "back": [sum(word in back[word, :most] for word in tested) for most in (1, 5)],
        }
    )
    mutual = {(word, int(near[0])) for word, near in enumerate(forth) if back[near[0], 0] == word}
    pairs = seeds | mutual


def deviation(rows, mean):
    return np.sqrt(((rows - mean) ** 2).sum(axis=1).mean())


frequencies = 1 / np.arange(1, WORDS + 1)
of_text, of_other_text = (np.average(rows, axis=0, weights=frequencies) for rows in (source, target))
moved = (source - of_text) @ turned * deviation(target, other_mean) / deviation(source, mean) + of_other_text
expected = {
    "dimensions": DIMENSIONS,
    "source": source.astype(np.float32).round(6).tolist(),
    "target": target.astype(np.float32).round(6).tolist(),
    "pairs": PAIRS,
    "tested": 40,
    "rounds": rounds,
    "moved": moved.round(6).tolist(),
}
path = pathlib.Path(__file__).with_name("expected.json")
path.write_text(json.dumps(expected) + "\n")
print(rounds)
