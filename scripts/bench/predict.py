"""Bulk prediction on one core: `auxlstm predict`, and our segmentation with the same network in ONNX Runtime."""

import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

from common import BUNDLE, Program, machine, medians, one_core, read_users, row, same

POSTS, BATCH = 5000, 64
# The lengths in words for which a bundle states the biases of the calibration.
BIAS_LENGTHS = [5, 20, 100, 1_000, 10_000]


def bundle():
    """The tensors of the bundle by name, and its settings."""
    with safe_open(BUNDLE, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        return tensors, json.loads(json.loads(file.metadata()["auxlstm_bundle"])["settings"])


def network(tensors, tasks, packed=False):
    """Our network as ONNX bytes, from word ids [steps, batch] and lengths [batch] to the logits of every task. With `packed`,
    the word vectors have 8 bits per value, as in our bundle."""
    nodes, initial = [], []

    def constant(name, values):
        initial.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    # In the bundle each word is a column.
    vectors, scales = tensors["vectors"].T, tensors["vector_scales"][:, None]
    if packed:
        rounded = node("Cast", [node("Gather", [constant("table", vectors), "ids"], "rows")], "rounded", to=TensorProto.FLOAT)
        words = node("Mul", [rounded, node("Gather", [constant("scales", scales), "ids"], "scale")], "words")
    else:
        words = node("Gather", [constant("table", vectors.astype(np.float32) * scales), "ids"], "words")
    counts = node("Unsqueeze", [node("Cast", ["lengths"], "float_lengths", to=TensorProto.FLOAT), constant("last", np.array([1]))], "counts")
    first = constant("first", np.array([0, 1]))

    def lstm(name):
        def gates(matrix):
            i, f, o, g = np.split(matrix, 4, axis=-1)
            return np.concatenate([i, o, f, g], axis=-1).T[None]

        hidden = tensors[f"{name}.recurrent"].shape[0]
        bias = gates(tensors[f"{name}.bias"][None])[..., 0]
        parameters = [
            constant(f"{name}.W", gates(tensors[f"{name}.input"])),
            constant(f"{name}.R", gates(tensors[f"{name}.recurrent"])),
            constant(f"{name}.B", np.concatenate([bias, np.zeros_like(bias)], axis=1)),
        ]
        states = node("LSTM", [words, *parameters, "lengths"], f"{name}.states", hidden_size=hidden)
        total = node("ReduceSum", [states, first], f"{name}.sum", keepdims=0)
        return node("Div", [total, counts], f"{name}.mean")

    def dense(name, value):
        weights = [constant(f"{name}.weight", tensors[f"{name}.weight"]), constant(f"{name}.bias", tensors[f"{name}.bias"])]
        return node("Gemm", [value, *weights], f"{name}.out")

    shared, outputs = lstm("auxiliary"), []
    for number in range(tasks):
        name = f"tasks.{number}"
        auxiliary = node("Relu", [dense(f"{name}.auxiliary_dense", shared)], f"{name}.auxiliary")
        both = node("Concat", [lstm(f"{name}.lstm"), auxiliary], f"{name}.both", axis=1)
        features = node("Relu", [dense(f"{name}.dense", both)], f"{name}.features")
        outputs.append(dense(f"{name}.output", features))
    if "wide.features" in tensors:
        classes = [len(tensors[f"tasks.{number}.output.bias"]) for number in range(tasks)]
        scores = [f"tasks.{number}.wide" for number in range(tasks)]
        nodes.append(helper.make_node("Split", [wide(tensors, node, constant), constant("classes", np.array(classes))], scores, axis=1))
        outputs = [node("Add", [output, score], f"{output}.logits") for output, score in zip(outputs, scores)]
    graph = helper.make_graph(
        nodes,
        "aux_lstm",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT32, ["steps", "batch"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["batch"]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", None]) for name in outputs],
        initial,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def wide(tensors, node, constant):
    """The wide component's part of the logits: TF-IDF of words and pairs of neighbours, times its weights."""
    pairs = tensors["wide.features"].T.astype(np.int64)
    # ONNX requires the single words first.
    order = np.argsort(pairs[:, 1] != 0, kind="stable")
    singles = int((pairs[:, 1] == 0).sum())
    pool = np.concatenate([pairs[order[:singles], 0], pairs[order[singles:]].reshape(-1)])
    counting = {"mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0}
    grams = {"ngram_counts": [0, singles], "ngram_indexes": order.tolist(), "pool_int64s": pool.tolist()}
    texts = node("Transpose", ["ids"], "texts", perm=[1, 0])
    counts = node("TfIdfVectorizer", [texts], "wide.counts", **counting, **grams)
    logarithms = node("Log", [node("Max", [counts, constant("wide.one", np.float32([1]))], "wide.at_least_one")], "wide.logarithms")
    is_there = node("Cast", [node("Cast", [counts], "wide.any", to=TensorProto.BOOL)], "wide.is_there", to=TensorProto.FLOAT)
    terms = node("Add", [logarithms, is_there], "wide.terms")
    values = node("Mul", [terms, constant("wide.idf", tensors["wide.idf"])], "wide.values")
    length = node("Max", [node("ReduceL2", [values], "wide.norm", axes=[1]), constant("wide.least", np.float32([1e-6]))], "wide.length")
    weights = node("Cast", [constant("wide.rounded", np.ascontiguousarray(tensors["wide.weights"].T))], "wide.weights", to=TensorProto.FLOAT)
    product = node("MatMul", [node("Div", [values, length], "wide.unit"), weights], "wide.product")
    scaled = node("Mul", [product, constant("wide.scales", tensors["wide.scales"])], "wide.scaled")
    return node("Add", [scaled, constant("wide.bias", tensors["wide.bias"])], "wide.scores")


def probabilities(settings, task, logits, lengths):
    """The calibrated probabilities for a task's logits [texts, classes], given the lengths of the texts, under equal base rates."""
    attribute, calibration = settings["attributes"][task], settings["calibrations"][task]["calibration"]
    temperatures = np.hypot(calibration["asymptote"], calibration["length_coefficient"] / np.sqrt(lengths))
    scores = np.asarray(logits, np.float64) / temperatures[:, None]
    for number, biases in enumerate(np.transpose(calibration.get("biases", []))):
        scores[:, number] += np.interp(np.log(lengths), np.log(BIAS_LENGTHS), biases)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    equal = equal_base_rates(attribute)
    corpus, weight = np.array(calibration.get("base_rates") or equal), calibration.get("uniform_weight", 0)
    shares = ((1 - weight) * shares + weight * corpus) * equal / corpus
    return shares / shares.sum(axis=1, keepdims=True)


def equal_base_rates(attribute):
    """All coarse classes alike, and the classes within each; without coarse classes all classes alike."""
    parts = [part["classes"] for part in attribute.get("coarse_classes", [])] or [[name] for name in attribute["classes"]]
    of_class = {name: 1 / len(parts) / len(part) for part in parts for name in part}
    return np.array([of_class[name] for name in attribute["classes"]])


def logits(session, texts):
    """The logits of every text, computed in batches of similar length."""
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    found = [None] * len(texts)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        lengths = np.array([len(texts[number]) for number in batch], np.int32)
        ids = np.zeros((lengths.max(), len(batch)), np.int32)
        for column, number in enumerate(batch):
            ids[: lengths[column], column] = texts[number]
        tasks = session.run(None, {"ids": ids, "lengths": lengths})
        for index, number in enumerate(batch):
            found[number] = [task[index] for task in tasks]
    return found


def write_posts(corpus, path):
    """Writes the first POSTS posts of the corpus, each as a user of its own."""
    with open(path, "w", encoding="utf-8") as out:
        posts = (post for user in read_users(corpus) for post in user["posts"] if any(map(str.isalnum, post)))
        for _, post in zip(range(POSTS), posts):
            print(json.dumps({"posts": [post]}), file=out)


def run(bench, auxlstm, runs, corpus):
    with one_core():
        return run_here(bench, auxlstm, runs, corpus)


def run_here(bench, auxlstm, runs, corpus):
    program = Program(bench)
    tensors, settings = bundle()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = network(tensors, len(settings["attributes"]))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        posts, out = folder / "posts.jsonl", folder / "predictions.jsonl"
        write_posts(corpus, posts)

        def ours():
            start = time.perf_counter()
            with open(out, "w") as stdout:
                subprocess.run([auxlstm, "predict", BUNDLE, posts], stdout=stdout, stderr=subprocess.DEVNULL, check=True)
            return (time.perf_counter() - start) * 1e3

        def segment():
            return program.ask({"segment": {"bundle": str(BUNDLE), "corpus": str(posts), "folder": name}})["ms"]

        def theirs():
            ms, start = segment(), time.perf_counter()
            logits(session, texts)
            return ms + (time.perf_counter() - start) * 1e3

        segment()
        ours()
        ids, lengths = (np.fromfile(folder / file, np.int32) for file in ("ids", "lengths"))
        texts = np.split(ids, np.cumsum(lengths)[:-1])
        predicted = [json.loads(line)["predictions"] for line in open(out)]
        for task, attribute in enumerate(settings["attributes"]):
            wanted = probabilities(settings, task, [of[task] for of in logits(session, texts)], lengths)
            found = np.array([[of[attribute["name"]]["probabilities"][c] for c in attribute["classes"]] for of in predicted])
            same(attribute["name"], found, wanted)
        median = medians({"ours": ours, "onnx": theirs}, runs)
    case = f"auxlstm predict, {POSTS:,} posts of {ids.size / POSTS:.0f} words on average, one core; ours {{}} posts/s"
    rate = round(POSTS / median["ours"] * 1e3)
    return [row(case.format(f"{rate:,}"), median["ours"], "ONNX Runtime, plus our segmentation", onnxruntime.__version__, median["onnx"], machine(1))]
