"""Word vectors: `auxlstm embed` beside gensim's skip-gram with the same settings on the same words.

Usage as a program: python scripts/bench/vectors.py make WORDS.txt BYTES
                    python scripts/bench/vectors.py gensim WORDS.txt VECTORS.txt
"""

import itertools
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

import numpy as np

from common import ROOT, THREADS, machine, measure, medians, read_users, row

WORDS, HELD_OUT = 3_000_000, 100_000
SIZE, WINDOW, NEGATIVE, MINIMUM, EPOCHS = 100, 5, 5, 5, 1
# Pairs of words with a similarity that people have rated, in gensim's package.
RATED = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
# The large text. The r-th of its words has a share of 1/r, as in real text, before a share of the text is replaced by words that
# hardly recur, as names and misspellings do.
LARGE_BYTES, LARGE_VOCABULARY, RARE_SHARE, RARE_WORDS = 10**9, 300_000, 0.02, 12_000_000
POST = 20
# The LSTMs that learn on vectors of both systems: the config, what differs from it, and the seeds of vectors and LSTM.
CONFIG, USERS, SEEDS = ROOT / "configs" / "en.toml", 2000, (1, 2, 3, 4, 5)
CHANGES = ["wide.features=0", "training.epochs=8", "text.max_words=2000"]


def lines(corpus):
    """Lower-cased words, post by post. Both systems then split them at spaces."""
    for user in read_users(corpus):
        for post in user["posts"]:
            yield re.findall(r"[a-z]+", post.lower())


def quality(vectors, held_out, seed=1):
    """How often a word of a held-out text is closer to the next word than to a random word of the text, by cosine; chance is 0.5."""
    random = np.random.default_rng(seed)
    known = [word for word in held_out if word in vectors]
    matrix = np.stack([vectors[word] for word in known])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    near = (matrix[:-1] * matrix[1:]).sum(axis=1)
    far = (matrix[:-1] * matrix[random.permutation(len(matrix))][1:]).sum(axis=1)
    return float((near > far).mean())


def similarity(vectors, others, name):
    """Spearman's correlation of the cosines of word pairs with people's ratings, for both systems, and the number of pairs. Only
    pairs whose words both systems know are counted."""
    from gensim.test.utils import datapath
    from scipy.stats import spearmanr

    with open(datapath(name), encoding="utf-8") as file:
        pairs = [line.strip().lower().split("\t") for line in file if line.strip() and not line.startswith("#")]
    known = [(a, b, float(rating)) for a, b, rating in pairs if all(word in of for word in (a, b) for of in (vectors, others))]
    cosine = lambda x, y: float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    ratings = [rating for _, _, rating in known]
    both = [spearmanr([cosine(of[a], of[b]) for a, b, _ in known], ratings).statistic for of in (vectors, others)]
    return *both, len(known)


def embed(auxlstm, text, output, seed=1):
    """The command that trains our vectors."""
    options = {"--seed": seed, "--dimensions": SIZE, "--window": WINDOW, "--negative": NEGATIVE, "--min-count": MINIMUM, "--epochs": EPOCHS, "--threads": THREADS}
    return [auxlstm, "embed", text, "-o", output] + [part for pair in options.items() for part in pair]


def train_gensim(text, output, seed=1):
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus_file=str(text), sg=1, vector_size=SIZE, window=WINDOW, negative=NEGATIVE,
        min_count=MINIMUM, sample=1e-4, alpha=0.05, epochs=EPOCHS, workers=THREADS, seed=seed,
    )
    model.wv.save_word2vec_format(str(output))


def read_vectors(path):
    with open(path, encoding="utf-8") as file:
        next(file)
        return {line.split(" ", 1)[0]: np.array(line.split()[1:], np.float32) for line in file}


def run(auxlstm, runs, corpus):
    texts, held_out, count = [], [], 0
    for text in lines(corpus):
        if count < WORDS:
            texts.append(text)
        else:
            held_out += text
        count += len(text)
        if count > WORDS + HELD_OUT:
            break
    words = sum(map(len, texts))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "posts.txt").write_text("\n".join(map(" ".join, texts)) + "\n")

        def ours():
            output = folder / "vectors.txt"
            output.unlink(missing_ok=True)
            command = embed(auxlstm, folder / "posts.txt", output)
            start = time.perf_counter()
            subprocess.run(list(map(str, command)), stderr=subprocess.DEVNULL, check=True)
            return (time.perf_counter() - start) * 1e3

        def theirs():
            start = time.perf_counter()
            train_gensim(folder / "posts.txt", folder / "theirs.txt")
            return (time.perf_counter() - start) * 1e3

        median = medians({"ours": ours, "gensim": theirs}, runs)
        made = {"ours": read_vectors(folder / "vectors.txt"), "gensim": read_vectors(folder / "theirs.txt")}
    near = {system: quality(vectors, held_out) for system, vectors in made.items()}
    if near["ours"] < near["gensim"] - 0.02:
        raise SystemExit(f"the quality of our vectors is {near['ours']:.3f}, gensim's is {near['gensim']:.3f}")
    rated = {name: similarity(made["ours"], made["gensim"], file) for name, file in RATED.items()}
    rated = "; ".join(f"{name} ours {ours:.3f}, gensim {theirs:.3f}, {pairs} pairs" for name, (ours, theirs, pairs) in rated.items())
    case = (
        f"word vectors, skip-gram over {words:,} words, {SIZE} dimensions; neighbours "
        f"ours {near['ours']:.3f}, gensim {near['gensim']:.3f}; {rated}; ours {words / median['ours'] * 1e3:,.0f} words/s"
    )
    return [row(case, median["ours"], "gensim", version("gensim"), median["gensim"], machine(THREADS))]


def made_up(number):
    """The word with this number, of one to four syllables; lower numbers are shorter."""
    consonants, vowels = "bdfgklmnprst", "aeiou"
    word, number = "", number + 1
    while number:
        number, syllable = divmod(number - 1, len(consonants) * len(vowels))
        word += consonants[syllable // len(vowels)] + vowels[syllable % len(vowels)]
    return word


def make(path, size):
    """Writes made-up text of at least `size` bytes."""
    random = np.random.default_rng(1)
    words = [made_up(number) for number in range(LARGE_VOCABULARY)]
    shares = np.cumsum(1 / np.arange(1, LARGE_VOCABULARY + 1))
    written, block = 0, (10_000, POST)
    with open(path, "w", encoding="ascii") as file:
        while written < size:
            ids = np.searchsorted(shares, random.random(block) * shares[-1])
            rare = random.random(block) < RARE_SHARE
            ids[rare] = LARGE_VOCABULARY + random.integers(RARE_WORDS, size=rare.sum())
            for post in ids.tolist():
                written += file.write(" ".join([words[id] if id < LARGE_VOCABULARY else made_up(id) for id in post]) + "\n")


def run_large(auxlstm, size=LARGE_BYTES):
    """Time and memory of one run of each system. Both are processes of their own, started by one that has loaded little, because
    the system counts the memory of the process that starts another as the other's."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        text, outputs = folder / "posts.txt", {system: folder / f"{system}.txt" for system in ("ours", "gensim")}
        measure([sys.executable, __file__, "make", text, size])
        commands = {
            "ours": embed(auxlstm, text, outputs["ours"]),
            "gensim": [sys.executable, __file__, "gensim", text, outputs["gensim"]],
        }
        measured = {system: measure(command) for system, command in commands.items()}
        with open(text, "rb") as file:
            words = POST * sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        kept = {}
        for system, output in outputs.items():
            with open(output, encoding="utf-8") as file:
                kept[system] = {line.split(" ", 1)[0] for line in itertools.islice(file, 1, None)}
        if kept["ours"] != kept["gensim"]:
            raise SystemExit(f"the vocabularies differ in {len(kept['ours'] ^ kept['gensim']):,} words")
        size = text.stat().st_size
    wall, _, memory = ({system: of[i] for system, of in measured.items()} for i in range(3))
    case = (
        f"made-up text of {size / 1e9:.2f} GB, {words:,} words, vocabulary {len(kept['ours']):,}, {SIZE} dimensions; words/s ours "
        f"{words / wall['ours']:,.0f}, gensim {words / wall['gensim']:,.0f}; memory ours {memory['ours']:.2f} GiB, "
        f"gensim {memory['gensim']:.2f} GiB"
    )
    return [row(case, wall["ours"] * 1e3, "gensim", version("gensim"), wall["gensim"] * 1e3, machine(THREADS))]


def run_lstm(auxlstm, corpus, users=USERS):
    """F on test users of an LSTM without wide component, on vectors of both systems."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts, words = folder / "users.jsonl", folder / "words.txt"
        with open(texts, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(user) + "\n" for user in itertools.islice(read_users(corpus), users))
        vectors = {system: folder / f"{system}.txt" for system in ("ours", "gensim")}
        quiet = {"check": True, "stderr": subprocess.DEVNULL}
        with open(words, "wb") as file:
            subprocess.run([auxlstm, "segment", texts], stdout=file, **quiet)
        for seed, system in itertools.product(SEEDS, vectors):
            if system == "ours":
                subprocess.run(list(map(str, embed(auxlstm, texts, vectors[system], seed))), **quiet)
            else:
                train_gensim(words, vectors[system], seed)
            output = folder / f"{system}-{seed}"
            changes = [f"corpus={json.dumps([str(texts)])}", f"vectors={json.dumps(str(vectors[system]))}", *CHANGES]
            command = [auxlstm, "train", CONFIG, "-o", output, "--seed", seed] + [part for change in changes for part in ("--set", change)]
            subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, **quiet)
            *_, last = (output / "metrics.jsonl").read_text().splitlines()
            for task in json.loads(last)["test"]:
                found.setdefault((task["attribute"], task["users"]), {}).setdefault(system, []).append(task["f"])
    rows = []
    for (attribute, tested), of in found.items():
        mean = {system: statistics.mean(values) for system, values in of.items()}
        shown = {system: f"{mean[system]:.3f} ± {statistics.stdev(values):.3f}" for system, values in of.items()}
        made = {"attribute": attribute, "test users": tested, "F on our vectors": shown["ours"], "F on gensim's": shown["gensim"]}
        error = sum(statistics.variance(values) / len(SEEDS) for values in of.values()) ** 0.5
        made |= {"difference": round(mean["ours"] - mean["gensim"], 3), "standard error": round(error, 3)}
        rows.append(made | {"machine": machine(THREADS)})
        print(json.dumps(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    task, text, argument = sys.argv[1:]
    if task == "make":
        make(text, int(argument))
    else:
        train_gensim(text, argument)
