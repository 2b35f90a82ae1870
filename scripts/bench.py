"""Times our LSTM beside its peers, after checking that they compute the same, and writes docs/benchmarks.{json,md}.

Usage: python scripts/bench.py PROGRAM [--runs 15]      (needs torch and numpy; `make bench` sets them up)

PROGRAM is the built example lstm_bench. Systems take turns, run by run, so that what else the machine does hits all
alike; a case's figure is the median. Ratios are ours / peer: below 1 we are faster.
"""

import argparse
import json
import pathlib
import platform
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch

CASES = [(64, 50, 200, 128), (64, 200, 200, 128), (64, 1000, 200, 128), (16, 200, 200, 256), (1, 200, 200, 128)]
ROOT = pathlib.Path(__file__).parent.parent
DOCS = ROOT / "docs"
BURN = re.search(r'name = "burn-nn"\nversion = "(.*)"', (ROOT / "Cargo.lock").read_text())[1]


class Ours:
    def __init__(self, program, folder):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = folder

    def ask(self, case, body, task):
        request = {"folder": str(self.folder), "body": body, "task": task}
        request |= dict(zip(("batch", "steps", "input", "hidden"), case))
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())["ms"]


class Torch:
    """torch.nn.LSTM with our weights; its gates stand as i, f, g, o, ours as i, f, o, g."""

    def __init__(self, values, hidden):
        def gates(matrix):
            i, f, o, g = np.split(matrix, 4, axis=-1)
            return torch.from_numpy(np.concatenate([i, f, g, o], axis=-1).T.copy())

        self.words, self.upstream = torch.from_numpy(values["words"]), torch.from_numpy(values["upstream"])
        self.lstm = torch.nn.LSTM(values["input"].shape[0], hidden, batch_first=True)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(gates(values["input"]))
            self.lstm.weight_hh_l0.copy_(gates(values["recurrent"]))
            self.lstm.bias_ih_l0.copy_(gates(values["bias"]))
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self):
        start = time.perf_counter()
        with torch.no_grad():
            mean = self.lstm(self.words)[0].mean(dim=1)
        return (time.perf_counter() - start) * 1e3, mean

    def step(self):
        self.lstm.zero_grad()
        start = time.perf_counter()
        mean = self.lstm(self.words)[0].mean(dim=1)
        (mean * self.upstream).sum().backward()
        return (time.perf_counter() - start) * 1e3, mean

    def gradients(self):
        def ours(tensor):
            i, f, g, o = np.split(tensor.grad.numpy().T, 4, axis=-1)
            return np.concatenate([i, f, o, g], axis=-1)

        lstm = self.lstm
        named = {"input": lstm.weight_ih_l0, "recurrent": lstm.weight_hh_l0, "bias": lstm.bias_ih_l0}
        return {f"{name}_gradient": ours(tensor) for name, tensor in named.items()}


def draw(case, folder):
    batch, steps, inputs, hidden = case
    random = np.random.default_rng(1)
    bound = 1 / np.sqrt(hidden)
    shapes = {
        "words": ((batch, steps, inputs), 1),
        "input": ((inputs, 4 * hidden), bound),
        "recurrent": ((hidden, 4 * hidden), bound),
        "bias": ((4 * hidden,), bound),
        "upstream": ((batch, hidden), 1),
    }
    values = {name: random.uniform(-b, b, shape).astype(np.float32) for name, (shape, b) in shapes.items()}
    for name, value in values.items():
        value.tofile(folder / name)
    return values


def assert_same(what, ours, theirs):
    worst = np.abs(ours - theirs.reshape(-1)).max() / np.abs(theirs).max()
    assert worst < 1e-4, f"{what}: {worst:.1e} of the largest value apart"


def check(case, ours, torch_lstm):
    """Ours and burn-nn's against PyTorch's."""
    _, mean = torch_lstm.step()
    expected = {"mean": mean.detach().numpy()} | torch_lstm.gradients()
    read = lambda name: np.fromfile(ours.folder / f"our_{name}", np.float32)
    for body in ("fused", "reference"):
        ours.ask(case, body, "check")
        for name, values in expected.items():
            assert_same(f"{case}, {body}, {name}", read(name), values)
    # Its gradients are of parameters that are cut in another way; that its states are the same must do.
    ours.ask(case, "burn_nn", "check")
    assert_same(f"{case}, burn-nn, mean", read("mean"), expected["mean"])


def machine():
    described = pathlib.Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    flags = next((line for line in lines if line.startswith("flags")), "")
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{model}, {torch.get_num_threads()} threads, {wide}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        ours = Ours(options.program, pathlib.Path(name))
        for case in CASES:
            torch_lstm = Torch(draw(case, ours.folder), case[3])
            check(case, ours, torch_lstm)
            for task in ("forward", "step"):
                systems = {
                    "ours": lambda: ours.ask(case, "fused", task),
                    ("PyTorch", torch.__version__.split("+")[0]): lambda: getattr(torch_lstm, task)()[0],
                    ("burn-nn Lstm on flex", BURN): lambda: ours.ask(case, "burn_nn", task),
                }
                times = {system: [] for system in systems}
                # The slowest gets fewer turns.
                for run in range(options.runs + 1):
                    for system, measure in systems.items():
                        if system[0] == "burn-nn Lstm on flex" and run > 3:
                            continue
                        ms = measure()
                        if run:
                            times[system].append(ms)
                median = {system: statistics.median(values) for system, values in times.items()}
                for (peer, version), ms in ((system, ms) for system, ms in median.items() if system != "ours"):
                    rows.append(
                        {
                            "case": f"LSTM {task}, batch {case[0]}, {case[1]} steps, {case[2]} inputs, {case[3]} hidden",
                            "ours_ms": round(median["ours"], 2),
                            "peer": peer,
                            "peer_version": version,
                            "peer_ms": round(ms, 2),
                            "ratio": round(median["ours"] / ms, 3),
                            "machine": machine(),
                        }
                    )
                    print(rows[-1], flush=True)
    (DOCS / "benchmarks.json").write_text(json.dumps(rows, indent=1) + "\n")
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`, which first checks that all compute the same. Systems take turns in one run; the figures are",
        f"medians of {options.runs} (burn-nn: 3) on {machine()}. The ratio is ours / peer: below 1 we are faster. Only ratios",
        "carry over to other machines.",
        "",
        "`forward` is the mean hidden state of a batch of equally long texts; `step` is that and the gradients of all weights.",
        "",
        "| case | peer | ratio | ours, ms | peer, ms |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {r['case']} | {r['peer']} {r['peer_version']} | {r['ratio']:.2f} | {r['ours_ms']} | {r['peer_ms']} |" for r in rows]
    (DOCS / "benchmarks.md").write_text("\n".join(lines) + "\n")


main()
