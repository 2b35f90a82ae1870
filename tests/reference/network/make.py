"""Computes the expected results of the network, the joint loss and two Adagrad steps with PyTorch.

Usage: python make.py > network.json        (needs torch and numpy)

Every case holds random parameters in our layout (matrices [from, to], an LSTM's gates side by side as
i, f, o, g), a padded batch, and PyTorch's results. The LSTM is torch.nn.LSTM over packed sequences; its gates
are rows in the order i, f, g, o, which `torch_gates` converts.
"""

import json

import numpy as np
import torch
from torch.nn.functional import batch_norm, cross_entropy, relu
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_default_dtype(torch.float64)
ADAGRAD = {"lr": 0.1, "eps": 1e-10}
L2 = 0.01


def torch_gates(matrix):
    """[from, 4 * hidden] with gates i, f, o, g -> [4 * hidden, from] with gates i, f, g, o."""
    i, f, o, g = matrix.chunk(4, dim=-1)
    matrix = torch.cat([i, f, g, o], dim=-1)
    return matrix.T if matrix.dim() == 2 else matrix


def mean_hidden_state(parameters, name, words, lengths):
    weights, recurrent, bias = (parameters[f"{name}.{part}"] for part in ("input", "recurrent", "bias"))
    lstm = torch.nn.LSTM(weights.shape[0], recurrent.shape[0], batch_first=True)
    values = {
        "weight_ih_l0": torch_gates(weights),
        "weight_hh_l0": torch_gates(recurrent),
        "bias_ih_l0": torch_gates(bias),
        "bias_hh_l0": torch.zeros_like(bias),
    }
    packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
    output, _ = torch.func.functional_call(lstm, values, (packed,))
    states, _ = pad_packed_sequence(output, batch_first=True)
    return states.sum(dim=1) / torch.tensor(lengths)[:, None]


def forward(case, parameters, words, lengths):
    def linear(name, x):
        return x @ parameters[f"{name}.weight"] + parameters[f"{name}.bias"]

    def mean_state(name):
        state = mean_hidden_state(parameters, name, words, lengths)
        return batch_norm(state, None, None, training=True, eps=1e-6) if case["normalised"] else state

    shared = None
    if case["auxiliary_hidden_size"]:
        shared = mean_state("auxiliary")
    logits = []
    for index, (role, _) in enumerate(case["tasks"]):
        task = f"tasks.{index}"
        if role == "main":
            read = mean_state(f"{task}.lstm")
            if shared is not None:
                read = torch.cat([read, relu(linear(f"{task}.auxiliary_dense", shared))], dim=1)
        else:
            read = shared
        logits.append(linear(f"{task}.output", relu(linear(f"{task}.dense", read))))
    return logits


def loss(case, parameters, logits):
    total = 0
    for output, target in zip(logits, case["targets"]):
        rows = [row for row, label in enumerate(target["classes"]) if label is not None]
        labels = torch.tensor([target["classes"][row] for row in rows])
        weights = torch.tensor(target["class_weights"])
        total = total + target["weight"] * cross_entropy(output[rows], labels, weight=weights, reduction="sum") / len(rows)
    return total + L2 / 2 * sum((value**2).sum() for value in parameters.values())


def parameter_shapes(case):
    size, dense = case["input_size"], case["dense_size"]
    shapes = {}

    def lstm(name, hidden):
        shapes.update({f"{name}.input": (size, 4 * hidden), f"{name}.recurrent": (hidden, 4 * hidden), f"{name}.bias": (4 * hidden,)})

    def linear(name, a, b):
        shapes.update({f"{name}.weight": (a, b), f"{name}.bias": (b,)})

    auxiliary, main = case["auxiliary_hidden_size"], case["main_hidden_size"]
    if auxiliary:
        lstm("auxiliary", auxiliary)
    for index, (role, classes) in enumerate(case["tasks"]):
        task, read = f"tasks.{index}", auxiliary
        if role == "main":
            lstm(f"{task}.lstm", main)
            read = main
            if auxiliary:
                linear(f"{task}.auxiliary_dense", auxiliary, dense)
                read += dense
        linear(f"{task}.dense", read, dense)
        linear(f"{task}.output", dense, classes)
    return shapes


def make(seed, sizes, lengths, normalised=False):
    random = np.random.default_rng(seed)
    case = {**sizes, "lengths": lengths, "normalised": normalised}
    # Numbers are rounded first, so that the file holds the exact inputs of the computation.
    draw = lambda shape, bound: np.round(random.uniform(-bound, bound, shape), 3)
    shape = (len(lengths), max(lengths), sizes["input_size"])
    words = torch.tensor(draw(shape, 1.5))
    parameters = {name: torch.tensor(draw(shape, 0.6), requires_grad=True) for name, shape in parameter_shapes(case).items()}
    values = lambda tensor: [float(f"{value:.9g}") for value in tensor.detach().reshape(-1)]
    case["words"] = values(words)
    case["parameters"] = {name: values(tensor) for name, tensor in parameters.items()}
    case["targets"] = [
        {
            "classes": [None if random.random() < 0.25 and row else int(random.integers(classes)) for row in range(len(lengths))],
            "weight": float(np.round(random.uniform(0.2, 1), 2)),
            "class_weights": [float(value) for value in np.round(random.uniform(0.5, 2, classes), 2)],
        }
        for _, classes in sizes["tasks"]
    ]
    optimiser = torch.optim.Adagrad(parameters.values(), **ADAGRAD)
    for step in range(2):
        optimiser.zero_grad()
        logits = forward(case, parameters, words, lengths)
        cost = loss(case, parameters, logits)
        cost.backward()
        if step == 0:
            case["logits"] = [values(output) for output in logits]
            case["loss"] = cost.item()
            case["gradients"] = {name: values(tensor.grad) for name, tensor in parameters.items()}
        optimiser.step()
        case[f"after_{step + 1}_steps"] = {name: values(tensor) for name, tensor in parameters.items()}
    return case


def main():
    sizes = lambda input_size, auxiliary, main, dense, *tasks: {
        "input_size": input_size,
        "auxiliary_hidden_size": auxiliary,
        "main_hidden_size": main,
        "dense_size": dense,
        "tasks": tasks,
    }
    cases = {
        "the paper's pair": make(1, sizes(3, 4, 5, 3, ("main", 3), ("auxiliary", 2)), [4, 1, 3]),
        "three mains over one shared LSTM": make(2, sizes(4, 3, 2, 3, ("main", 2), ("main", 4), ("main", 3)), [2, 6, 5, 1]),
        "normalised mean states": make(4, sizes(3, 4, 3, 4, ("main", 3), ("auxiliary", 2)), [5, 2, 4, 1, 5], normalised=True),
        "a single-task LSTM": make(3, sizes(2, 0, 7, 4, ("main", 2)), [1, 7]),
    }
    document = {"torch": torch.__version__.split("+")[0], "adagrad": ADAGRAD, "l2": L2, "cases": cases}
    print(json.dumps(document, indent=None, separators=(",", ":")).replace('},"', '},\n"'))


main()
