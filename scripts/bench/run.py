"""Times our code beside its peers, after checking that they compute the same, and writes docs/benchmarks.{json,md}.

Usage: python scripts/bench/run.py TARGET_FOLDER [--corpus FILE] [--only CASE …] [--gpu DEVICE] [--runs 15]

TARGET_FOLDER is cargo's. `make bench` sets all up and calls this. Systems take turns, run by run, so that what else the
machine does hits all alike; a figure is the median. Ratios are ours / peer: below 1 we are faster. Where only some
cases are run, the others' rows stay as they were.
"""

import argparse
import json
import pathlib

from common import DOCS, WEIBO, Program

HEAD = """# Benchmarks

Made by `make bench`, which checks that all compute the same. Systems take turns in one run; the figures are
medians. The ratio is ours / peer: below 1 we are faster. Only ratios carry over to other machines. Where the time goes in
the cases that miss the goals we set ourselves, and what would have to change: [profile.md](profile.md).

"""
CASES = {
    "lstm": """## One LSTM

`forward` is the mean hidden state of a batch of equally long texts of words that do not recur; `step` is that and the
gradients of all weights. Checked before: the mean of all, and every gradient of ours against PyTorch's. The medians of
burn-nn and candle-nn are of three runs.""",
    "epoch": """## A training epoch

Joint training on real users, without dropout: looking up the vectors, forward, backward, Adam. Checked before: the cost
of every batch. Words' ids and the batches are made beforehand for both. Most of the distance is that we project each
distinct word of a batch once; PyTorch projects every word at its place.""",
    "predict": """## Bulk prediction

`auxlstm predict` from start to end, reading and writing included. ONNX Runtime is given the words' ids; the time our text
pipeline takes to make them is added to its own. Checked before: every probability.""",
    "browser": """## In the browser

`predict` of the widget's JavaScript interface, in its worker, from text to probabilities, and onnxruntime-web, one thread
and SIMD, from the words' ids to the logits, in one page, other texts at every turn. Checked before: every probability. Of one post's
time most goes into projecting words that are new and on the way to the worker and back, which onnxruntime-web, in the
page's own thread, does not go. Then, on WebGPU's software
adapter, the fused LSTM and the readable one: one prediction each, after one that compiles the shaders. A software adapter's
times say nothing about a GPU; the number of dispatches does.""",
    "load": """## Opening a page

Two pages that are nothing but a model: ours through the widget's JavaScript interface, onnxruntime-web's with the same network
in one file, its word vectors in 8 bits a number as well. From opening the page to its first prediction, files packed by gzip,
over a line of 10 Mbit/s with 40 ms to each answer; then the same with what the browser has kept. Ours counts from text,
onnxruntime-web from the words' ids, without a text pipeline, which it would have to load as well. Checked before: the first
prediction. No small text classifier for transformers.js is to be had as a package, so that one is not beside them.""",
    "linear": """## Linear learners

On one core, from features at hand to weights, C = 1. Tolerances are LIBLINEAR's own default, 0.1, for it and for our support
vector machine, and their own defaults for our logistic regression and scikit-learn's, of which three runs are taken. Checked
before: the objective, computed by one program for all; ours is above the peer's by 0.0001 of it at most. Much of the distance
with more than two classes is that the features are read once for all of them.""",
    "vectors": """## Word vectors

`auxlstm embed`, and gensim's skip-gram, from a file with one post a line to a file of vectors, by the same settings. Two
trainings never give the same vectors; checked is that ours are worth as much (0.02 less at most): how often a word of a
text that neither has seen is nearer to the word beside it than to one drawn at random.""",
    "chinese": """## Cutting Chinese

10,000 posts of Weibo to lists of words, on one core, with one dictionary, loaded before, and the hidden Markov model. Once
only their Chinese, already folded, with a blank for all that is between: there our pipeline adds to jieba-rs's cutting no more
than a look at every character for what it would fold. And once whole, which the peers take as they are, while ours also folds
them and finds links, names, numbers and emoticons. Checked before: the words of the Chinese alone. Where cppjieba cuts otherwise,
it is nearly always that it asks the model also of single characters that together are a word of the dictionary. The lists are
Python's for the peers; two fifths of cppjieba's time go into making them. jieba's medians are of three runs.""",
    "chinese_browser": """## Cutting Chinese in the browser

The same posts in one page, from the page's texts to its lists of words: `segment` of the widget's JavaScript interface, in its
worker, and jieba-wasm with the dictionary it brings, in the page's own thread. Checked before likewise.""",
    "gpu": """## One LSTM on a GPU

float32, without TF32. Checked and measured as on the processor. What a GPU has to do before its first of a kind, choosing kernels
for its products among it, is not counted.""",
    "gpu_epoch": """## A training epoch on a GPU

As on the processor, with the network and its words on the GPU, PyTorch's too; and ours on that machine's processor.""",
}

# Those that only a machine with a GPU can run.
ON_GPU = [case for case in CASES if case.startswith("gpu")]


def measure(case, options):
    target = pathlib.Path(options.target) / "release"
    bench, auxlstm = target / "examples" / "bench", target / "auxlstm"
    if case == "lstm":
        import lstm

        return lstm.run(Program(bench), options.runs, pathlib.Path(options.target) / "bench-candle")
    if case == "gpu":
        import lstm

        return lstm.run_on_gpu(Program(bench), options.runs, options.gpu)
    if case in ("epoch", "gpu_epoch"):
        import epoch

        device = options.gpu if case in ON_GPU else "cpu"
        return epoch.run(Program(bench), min(options.runs, 5), options.corpus, device)
    if case == "predict":
        import predict

        return predict.run(bench, auxlstm, min(options.runs, 3), options.corpus)
    if case == "browser":
        import browser

        return browser.run(bench, options.tools, options.runs, options.corpus)
    if case == "load":
        import load

        return load.run(bench, options.tools, min(options.runs, 7), options.corpus)
    if case == "chinese":
        import chinese

        return chinese.run(bench, auxlstm, options.runs)
    if case == "chinese_browser":
        import chinese_browser

        return chinese_browser.run(bench, options.tools, options.runs)
    if case == "linear":
        import linear

        return linear.run(bench, options.runs, options.corpus)
    import vectors

    return vectors.run(auxlstm, min(options.runs, 3), options.corpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("--corpus", help="users as JSONL, also packed with xz; most cases on real text and those in a browser need it")
    parser.add_argument("--only", nargs="+", choices=CASES)
    parser.add_argument("--gpu", help="a device of `auxlstm devices`: measure that instead of the processor")
    parser.add_argument("--tools", default=DOCS.parent / ".tools", help="where peers from npm go")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    chosen = options.only or [case for case in CASES if (case in ON_GPU) == bool(options.gpu)]
    if not options.gpu and any(case in ON_GPU for case in chosen):
        parser.error(f"{' and '.join(ON_GPU)} need --gpu DEVICE")
    if not options.corpus:
        left_out = [case for case in chosen if case in ("epoch", "gpu_epoch", "predict", "browser", "load", "linear", "vectors", "chinese_browser")]
        chosen = [case for case in chosen if case not in left_out]
        for case in left_out:
            print(f"left out, for want of --corpus: {case}")
    if not WEIBO.exists():
        left_out = [case for case in chosen if case in ("chinese", "chinese_browser")]
        chosen = [case for case in chosen if case not in left_out]
        for case in left_out:
            print(f"left out, for want of {WEIBO}: {case}")
    path = DOCS / "benchmarks.json"
    before = json.loads(path.read_text()) if path.exists() else []
    rows = {case: [row for row in before if row.get("part") == case] for case in CASES}
    for case in chosen:
        rows[case] = [{"part": case} | row for row in measure(case, options)]
        # After each, so that a failure later loses nothing.
        write(path, rows)


def write(path, rows):
    path.write_text(json.dumps([row for part in rows.values() for row in part], indent=1) + "\n")
    text = HEAD
    for case, words in CASES.items():
        text += words + "\n\n"
        if not rows[case]:
            text += "Not measured." + (" On a machine that has a GPU, `make bench GPU=vulkan` does it." if case in ON_GPU else "") + "\n\n"
            continue
        text += f"On {rows[case][0]['machine']}:\n\n| case | peer | ratio | ours, ms | peer, ms |\n|---|---|---|---|---|\n"
        for r in rows[case]:
            text += f"| {r['case']} | {r['peer']} {r['peer_version']} | {r['ratio']:.2f} | {r['ours_ms']} | {r['peer_ms']} |\n"
        text += "\n"
    (DOCS / "benchmarks.md").write_text(text.rstrip() + "\n")


main()
