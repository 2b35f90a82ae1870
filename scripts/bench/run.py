"""Times our code against its peers, after checking that both compute the same, and writes docs/benchmarks.{json,md}.

Usage: python scripts/bench/run.py TARGET_FOLDER [--corpus FILE] [--only CASE …] [--gpu DEVICE] [--runs 15]
       python scripts/bench/run.py --render

TARGET_FOLDER is cargo's. `make bench` sets everything up and calls this. The systems take turns, run by run, so that other load
on the machine affects all of them alike; each figure is the median of its runs. With --only, the rows of the other cases stay
as they were. --render writes docs/benchmarks.md from docs/benchmarks.json without measuring.
"""

import argparse
import json
import pathlib

from common import DOCS, WEIBO, Program

HEAD = """# Benchmarks

How fast this project is beside its peers, with machines, versions and methods. `make bench` measures the cases and writes this
file. Most cases also need `CORPUS=users.jsonl`, the cases on a GPU `GPU=vulkan` (or another device), and those on Chinese text the
Weibo posts `data/weibo-unlabelled.txt.xz`. Before it times a case, it checks that both sides compute the same.

The column "ours" compares times: "1.70× faster" means that the peer takes 1.70 times as long as we do. The systems take turns
within one run, and each figure is the median of its runs. Times depend on the machine; only the ratios can be expected to carry
over to others. [profile.md](profile.md) shows where the time goes and why some cases are slower than intended.

"""
GOALS_HEAD = """## Goals and where they stand

The figures are those of the tables below: our time as a share of the peer's, or the lowest and the highest where a goal concerns
several rows. [sizes.md](sizes.md) has the goals for sizes.

"""
# Goals for times: what, the case, words in the rows of that case, the largest share of the peer's time, and why it is missed.
GOALS = [
    (
        "the first prediction after opening the page, beside onnxruntime-web", "load", ["first visit"], 0.5,
        "most of the time is the download of programs and model, which are larger than intended too",
    ),
    (
        "one post in the browser, beside onnxruntime-web", "browser", ["one post"], 0.3,
        "messages to and from the worker ([profile.md](profile.md#one-post-in-the-browser))",
    ),
    (
        "the forward pass of one LSTM on the CPU, beside PyTorch", "lstm", ["forward", "PyTorch"], 0.7,
        "for batches the goal lies at or above the processor's peak, and one text waits for the weights to come from the cache "
        "([profile.md](profile.md#one-lstm-forward))",
    ),
    ("training word vectors, beside gensim", "vectors", ["gensim"], 0.5, ""),
    ("the same with a vocabulary of more than 200,000 words and 1 GB of text", "vectors_large", ["gensim"], 0.5, ""),
    (
        "one LSTM on a GPU, texts of equal length, beside cuDNN", "gpu", ["cuDNN"], 1.3,
        "every step reads all recurrent weights again ([profile.md](profile.md#one-lstm-on-a-gpu))",
    ),
    (
        "an epoch on a GPU, texts of unequal length, 64 to 256 units, beside cuDNN with `pack_padded_sequence`",
        "gpu_unequal", ["packed"], 1.0, "every step reads all recurrent weights again ([profile.md](profile.md#one-lstm-on-a-gpu))",
    ),
]
# The lowest score of Lighthouse's mobile presets.
LIGHTHOUSE = 95
# Why it is missed, by the preset.
LATE = {
    "mobile": "the largest contentful paint is computed as if it waited for the interface's program",
    "mobile, applied throttling": "starting the interface and laying it out are tasks of up to 0.4 s at a quarter of the speed",
}
CASES = {
    "lstm": """## One LSTM

`forward` computes the mean hidden state of a batch; `step` computes that and the gradients of all weights. All texts of a batch
have the same length. No word occurs twice, so projecting each distinct word once saves nothing here. Checked: the mean states of all
systems, and each of our gradients against PyTorch's. The figures of burn-nn and candle-nn are medians of three runs.""",
    "epoch": """## A training epoch

Joint training on real users without dropout: vector lookup, forward, backward, Adam. Word ids and batches are prepared beforehand
for both systems. Most of the difference has one cause: we project each distinct word of a batch once, PyTorch projects every
occurrence. Checked: the loss of every batch.""",
    "predict": """## Bulk prediction

`auxlstm predict` from start to end, including reading and writing. ONNX Runtime gets word ids; the time that our text pipeline
takes to make them is added to its time. Checked: every probability.""",
    "python_package": """## The Python package

Users per second of `model.predict` on one core, from lists of posts to typed predictions of profession, age and gender. The
peers are other models, so no results are compared.

m3inference's text model predicts gender, age range and whether the account is an organisation's. It reads the names and the
first 200 characters of a biography; here these are the beginnings of posts, of which ours reads the same characters. Its tokenizer
and its network run as published, on random weights. scikit-learn's pipeline splits and weights words once for the SVMs of all three
attributes, which learned from 3,000 users. The [README](../README.md#results) has the accuracy of such SVMs that learned from the
same users as our model.""",
    "browser": """## In the browser

Ours is `predict` of the widget's JavaScript interface, in its worker, from text to probabilities. onnxruntime-web runs in the
page's own thread, with one thread and SIMD, from word ids to logits. Both run in the same page and get new texts in each turn.
For one post, most of our time goes into the messages to and from the worker, which onnxruntime-web does not need. The worker
has projected the commonest words before, while it was idle. Checked: every probability.

The last row compares the fused LSTM with the reference body on WebGPU's software adapter: one prediction each, after one that
compiles the shaders. The times of a software adapter say nothing about a GPU; the number of dispatches does.""",
    "load": """## Opening a page

Two minimal pages: one loads our model through the widget's JavaScript interface, the other loads the same network in
onnxruntime-web from one file, with word vectors of 8 bits per value as well. The files are compressed with gzip and travel over
a simulated line of 10 Mbit/s with 40 ms latency. The second visit uses the browser's cache. We start from text. onnxruntime-web
starts from word ids, without a text pipeline, which a real page would have to load too. Checked: the first prediction.
transformers.js is not compared because no small text classifier for it is available as a package.

![Until the first prediction and for one post: ours and onnxruntime-web](pictures/browser.svg)

The picture shows the first two rows below and the first row of [In the browser](#in-the-browser).""",
    "lighthouse": """## Lighthouse

The performance score of the whole page, of 100, and the figures that it is made of: medians of three audits with each preset.
Files are compressed with gzip. Lighthouse simulates a line of 10 Mbit/s with the desktop preset; with the mobile preset,
1.6 Mbit/s and a CPU four times slower. It computes the times from a fast visit. From this server, the interface's program often
arrives before the first paint, and then the largest contentful paint is computed as if it waited for the program, which it does
not. In the last row the browser itself is slowed down as much (`--throttling-method=devtools`). Other load on the machine lowers
the score.""",
    "linear": """## Linear classifiers

On one core, from prepared features to weights, with C = 1. LIBLINEAR and our SVM use LIBLINEAR's default tolerance of 0.1. Our
logistic regression and scikit-learn's use their own defaults; scikit-learn's figure is the median of three runs. With more than
two classes, much of the difference comes from reading the features once for all classes. Checked: the objective, computed by
the same program for all systems; ours exceeds the peer's by at most 0.0001 of its value.""",
    "vectors": """## Word vectors

`auxlstm embed` and gensim's skip-gram with the same settings, from a file with one post per line to a file of vectors. Two
training runs never give the same vectors, so their quality is compared: how often a word of an unseen text is closer to its
neighbour than to a random word, and Spearman's correlation with people's ratings of word pairs. With so little text, the
correlations are low; for 300 pairs their standard error is 0.06. Checked: for neighbours, our quality is at most 0.02 below gensim's.

The fasttext crate, with which `embed` trained earlier, is not compared. It draws negative examples by count^0.5, we and gensim by
count^0.75, so there are no equal settings, and it is no longer a dependency.""",
    "vectors_large": """## Word vectors of a large vocabulary

The same programs and settings on a text of 1 GB, one run of each. The words are made up. Frequencies are as in real text: the
r-th word has a share of 1/r, and 2 % of the text are words that hardly recur, such as names and misspellings. Memory is the most
that a process held. Checked: both keep the same words.""",
    "vectors_lstm": """## An LSTM on these word vectors

F (paper) on test users of a joint LSTM that learned on vectors of either system, with the settings above, from 2,000 users: means
and standard deviations of five seeds, for which vectors and LSTM are trained anew. The users and their split are the same, and there
is no wide component. The standard error is that of the difference, over the seeds. How the vectors turn out varies much: with one
training of the vectors for three seeds of the LSTM, the differences were −0.026 to −0.002.""",
    "grouping": """## Reading and grouping

From a CSV file of made-up posts in random order (user, time, text) to a JSONL file of users with their posts in order of time.
`auxlstm corpus convert` also masks links, addresses and numbers. DuckDB and ours hold at most 4 GiB of posts. Checked: all users
and posts. Ours is slower: it reads on one core and writes on another, and takes each record by itself, because its fields may
differ from those of the others. The peers hold columns.""",
    "chinese": """## Chinese word segmentation

10,000 Weibo posts to lists of words, on one core. All systems use the same dictionary, loaded beforehand, and jieba's hidden
Markov model. jieba's figures are medians of three runs.

"Chinese only" keeps the Chinese characters of each post, already normalised. Our pipeline then does little more than call
jieba-rs. "Whole posts" are segmented as they are; there our pipeline also normalises them and recognises links, names, numbers
and emoticons. The peers return Python lists, and two fifths of cppjieba's time go into making them. Checked: the words of
"Chinese only". Where cppjieba's words differ, it has nearly always also applied the hidden Markov model to single characters
that together form a word of the dictionary.""",
    "chinese_browser": """## Chinese word segmentation in the browser

The same posts in one page, from JavaScript strings to lists of words. Ours is `segment` of the widget's JavaScript interface,
in its worker. jieba-wasm runs in the page's own thread with the dictionary it ships. Checked: the words of "Chinese only".""",
    "gpu": """## One LSTM on a GPU

The same cases and checks as on the CPU, in float32 without TF32. One-time work of the GPU, such as choosing kernels for matrix
products, is not counted.""",
    "gpu_epoch": """## A training epoch on a GPU

The same epoch as on the CPU, with network and data on the GPU for both systems, and ours on that machine's CPU.""",
    "gpu_unequal": """## A training epoch on a GPU, texts of unequal length

The same epoch over users in random order, with up to 4,000 words each, so that long and short texts share a batch. All LSTMs have
the same number of units. cuDNN does not use its fastest kernels for such batches, which `pack_padded_sequence` makes.""",
}

# These cases need a GPU.
ON_GPU = [case for case in CASES if case.startswith("gpu")]
# Cases on real text or in a browser.
ON_CORPUS = ["epoch", "gpu_epoch", "gpu_unequal", "predict", "python_package", "browser", "load", "linear", "vectors", "vectors_lstm", "chinese_browser"]
# These cases take a quarter of an hour or more and are only measured with --only.
LONG = ["vectors_large", "vectors_lstm"]
# How to measure cases that `make bench` may not have measured.
MISSING = {
    "vectors_large": " `make bench ONLY=vectors_large` measures it.",
    "vectors_lstm": " `make bench CORPUS=users.jsonl ONLY=vectors_lstm` measures it.",
    "gpu": " `make bench GPU=vulkan` on a machine with a GPU measures it.",
    "gpu_epoch": " No GPU was at hand. `make bench GPU=vulkan CORPUS=users.jsonl` on a machine with one\nmeasures it.",
    "gpu_unequal": " No GPU was at hand. `make bench GPU=vulkan CORPUS=users.jsonl` on a machine with one\nmeasures it.",
}


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
    if case == "gpu_unequal":
        import epoch

        return epoch.run_unequal(Program(bench), min(options.runs, 3), options.corpus, options.gpu)
    if case == "predict":
        import predict

        return predict.run(bench, auxlstm, min(options.runs, 3), options.corpus)
    if case == "python_package":
        import python_package

        return python_package.run(min(options.runs, 3), options.corpus)
    if case == "browser":
        import browser

        return browser.run(bench, options.tools, options.runs, options.corpus)
    if case == "load":
        import load

        return load.run(bench, options.tools, min(options.runs, 7), options.corpus)
    if case == "lighthouse":
        import lighthouse

        return lighthouse.run(pathlib.Path(options.tools).parent / "npm", min(options.runs, 3))
    if case == "chinese":
        import chinese

        return chinese.run(bench, auxlstm, options.runs)
    if case == "chinese_browser":
        import chinese_browser

        return chinese_browser.run(bench, options.tools, options.runs)
    if case == "grouping":
        import grouping

        return grouping.run(auxlstm, min(options.runs, 3))
    if case == "linear":
        import linear

        return linear.run(bench, options.runs, options.corpus)
    import vectors

    if case == "vectors_large":
        return vectors.run_large(auxlstm)
    if case == "vectors_lstm":
        return vectors.run_lstm(auxlstm, options.corpus)
    return vectors.run(auxlstm, min(options.runs, 3), options.corpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", help="cargo's target folder")
    parser.add_argument("--corpus", help="users as JSONL, plain or compressed with xz; required by most cases on real text and in a browser")
    parser.add_argument("--only", nargs="+", choices=CASES, help="measure only these cases")
    parser.add_argument("--gpu", help="measure on this device of `auxlstm devices` instead of the CPU")
    parser.add_argument("--tools", default=DOCS.parent / ".tools", help="the folder for peers from npm")
    parser.add_argument("--runs", type=int, default=15, help="runs of each system")
    parser.add_argument("--render", action="store_true", help="write docs/benchmarks.md from docs/benchmarks.json and measure nothing")
    options = parser.parse_args()
    path = DOCS / "benchmarks.json"
    before = json.loads(path.read_text()) if path.exists() else []
    rows = {case: [row for row in before if row["part"] == case] for case in CASES}
    if options.render:
        return render(rows)
    if not options.target:
        parser.error("TARGET_FOLDER is required, unless with --render")
    chosen = options.only or [case for case in CASES if (case in ON_GPU) == bool(options.gpu) and case not in LONG]
    if not options.gpu and any(case in ON_GPU for case in chosen):
        parser.error(f"{' and '.join(ON_GPU)} need --gpu DEVICE")
    if not options.corpus:
        skipped = [case for case in chosen if case in ON_CORPUS]
        chosen = [case for case in chosen if case not in skipped]
        for case in skipped:
            print(f"skipped {case}: it needs --corpus")
    if not WEIBO.exists():
        skipped = [case for case in chosen if case in ("chinese", "chinese_browser")]
        chosen = [case for case in chosen if case not in skipped]
        for case in skipped:
            print(f"skipped {case}: it needs {WEIBO}")
    for case in chosen:
        rows[case] = [{"part": case} | row for row in measure(case, options)]
        # Written after each case, so that a later failure loses nothing.
        path.write_text(json.dumps([row for part in rows.values() for row in part], indent=1) + "\n")
        render(rows)


def render(rows):
    """Writes docs/benchmarks.md."""
    text = HEAD + GOALS_HEAD + goals(rows) + "\n"
    for case, words in CASES.items():
        text += words + "\n\n"
        if not rows[case]:
            text += f"Not measured yet.{MISSING.get(case, '')}\n\n"
            continue
        text += f"On {rows[case][0]['machine']}:\n\n" + table(rows[case]) + "\n"
    (DOCS / "benchmarks.md").write_text(text.rstrip() + "\n")


def goals(rows):
    """The goals as a table in Markdown."""
    lines = []
    for what, case, words, most, reason in GOALS:
        found = [row for row in rows[case] if all(word in f"{row['case']} {row['peer']}" for word in words)]
        shares = sorted(row["ours_ms"] / row["peer_ms"] for row in found)
        figure = " to ".join(dict.fromkeys(f"{share:.2f}×" for share in shares[:1] + shares[-1:]))
        if not shares:
            reason = "no GPU was at hand" if case in ON_GPU else "`make bench` leaves this case out, because it takes long"
        lines.append((what, f"at most {most}×", figure, shares and shares[-1] <= most, reason))
    for row in rows["lighthouse"]:
        if reason := LATE.get(row["preset"]):
            lines.append((f"Lighthouse's score, {row['preset']}", f"at least {LIGHTHOUSE}", row["score"], row["score"] >= LIGHTHOUSE, reason))
    differences = sorted(row["difference"] for row in rows["vectors_lstm"])
    figure = " to ".join(dict.fromkeys(f"{difference:+.3f}" for difference in differences[:1] + differences[-1:]))
    met = differences and all(row["difference"] >= -2 * row["standard error"] for row in rows["vectors_lstm"])
    reason = "" if differences else "`make bench` leaves this case out, because it takes long"
    what = "F of an LSTM on our word vectors, less that on gensim's, means of five seeds"
    lines.append((what, "not below 0 by more than two standard errors", figure.replace("-", "−"), met, reason))
    text = "| time or score | goal | figure | state | reason |\n|---|---|---|---|---|\n"
    for what, goal, figure, met, reason in lines:
        state = "met" if met else "missed" if figure else "not measured"
        text += f"| {what} | {goal} | {figure} | {state} | {'' if met else reason} |\n"
    return text


def table(rows):
    """The rows of a case as Markdown. The rows of a case without peers are shown as they are."""
    if "peer" not in rows[0]:
        columns = [name for name in rows[0] if name not in ("part", "machine")]
        lines = [[str(row[name]) for name in columns] for row in rows]
    else:
        columns = ["case", "peer", "ours", "ours, ms", "peer, ms"]
        lines = [
            [r["case"], f"{r['peer']} {r['peer_version']}", speed(r["speedup"]), str(r["ours_ms"]), str(r["peer_ms"])] for r in rows
        ]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    return head + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def speed(speedup):
    """A time ratio, peer / ours, in words."""
    factor, word = (speedup, "faster") if speedup >= 1 else (1 / speedup, "slower")
    return f"{factor:.2f}× {word}" if factor < 10 else f"{factor:.1f}× {word}"


main()
