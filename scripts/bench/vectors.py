"""Word vectors: `auxlstm embed` beside gensim's skip-gram with the same settings on the same words."""

import pathlib
import re
import subprocess
import tempfile
import time

import gensim
import numpy as np

from common import THREADS, machine, medians, read_users, row

WORDS, HELD_OUT = 3_000_000, 100_000
SIZE, WINDOW, NEGATIVE, MINIMUM, EPOCHS = 100, 5, 5, 5, 1


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
    made = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "posts.txt").write_text("\n".join(map(" ".join, texts)) + "\n")

        def ours():
            output = folder / "vectors.txt"
            output.unlink(missing_ok=True)
            options = {"--dimensions": SIZE, "--window": WINDOW, "--negative": NEGATIVE, "--min-count": MINIMUM, "--epochs": EPOCHS, "--threads": THREADS}
            command = [auxlstm, "embed", folder / "posts.txt", "-o", output] + [part for pair in options.items() for part in pair]
            start = time.perf_counter()
            subprocess.run(list(map(str, command)), stderr=subprocess.DEVNULL, check=True)
            ms = (time.perf_counter() - start) * 1e3
            with open(output) as file:
                next(file)
                made["ours"] = {line.split(" ", 1)[0]: np.array(line.split()[1:], np.float32) for line in file}
            return ms

        def theirs():
            start = time.perf_counter()
            model = gensim.models.Word2Vec(
                corpus_file=str(folder / "posts.txt"), sg=1, vector_size=SIZE, window=WINDOW, negative=NEGATIVE,
                min_count=MINIMUM, sample=1e-4, alpha=0.05, epochs=EPOCHS, workers=THREADS,
            )
            model.wv.save_word2vec_format(str(folder / "theirs.txt"))
            ms = (time.perf_counter() - start) * 1e3
            made["gensim"] = {word: model.wv[word].copy() for word in model.wv.index_to_key}
            return ms

        median = medians({"ours": ours, "gensim": theirs}, runs)
    for system, vectors in made.items():
        made[system] = quality(vectors, held_out)
    if made["ours"] < made["gensim"] - 0.02:
        raise SystemExit(f"the quality of our vectors is {made['ours']:.3f}, gensim's is {made['gensim']:.3f}")
    case = (
        f"word vectors, skip-gram over {words:,} words, {SIZE} dimensions; quality "
        f"ours {made['ours']:.3f}, gensim {made['gensim']:.3f}; ours {words / median['ours'] * 1e3:,.0f} words/s"
    )
    return [row(case, median["ours"], "gensim", gensim.__version__, median["gensim"], machine(THREADS))]
