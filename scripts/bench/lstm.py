"""One LSTM: ours, PyTorch's, burn-nn's, candle-nn's."""

import pathlib
import re
import subprocess
import tempfile
import time

import numpy as np
import torch

from common import ROOT, THREADS, Program, machine, medians, row, same

torch.set_num_threads(THREADS)

CASES = [(64, 50, 200, 128), (64, 200, 200, 128), (64, 1000, 200, 128), (16, 200, 200, 256), (1, 200, 200, 128)]
# And a smaller one, and one whose rows fill no power of two.
GPU_CASES = CASES + [(64, 200, 200, 64), (64, 200, 200, 160)]
BURN = re.search(r'name = "burn-nn"\nversion = "(.*)"', (ROOT / "Cargo.lock").read_text())[1]
CANDLE = re.search(r'candle-nn = .*"=([0-9.]+)"', (ROOT / "scripts/bench/candle/Cargo.toml").read_text())[1]


class Torch:
    """torch.nn.LSTM with our weights; its gates are in the order i, f, g, o, ours in the order i, f, o, g."""

    def __init__(self, values, hidden, device="cpu"):
        def gates(matrix):
            i, f, o, g = np.split(matrix, 4, axis=-1)
            return torch.from_numpy(np.concatenate([i, f, g, o], axis=-1).T.copy())

        self.device = device
        self.words, self.upstream = (torch.from_numpy(values[name]).to(device) for name in ("words", "upstream"))
        self.lstm = torch.nn.LSTM(values["input"].shape[0], hidden, batch_first=True)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(gates(values["input"]))
            self.lstm.weight_hh_l0.copy_(gates(values["recurrent"]))
            self.lstm.bias_ih_l0.copy_(gates(values["bias"]))
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(False)
        self.lstm.to(device)

    def wait(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def forward(self):
        self.wait()
        start = time.perf_counter()
        with torch.no_grad():
            mean = self.lstm(self.words)[0].mean(dim=1)
        self.wait()
        return (time.perf_counter() - start) * 1e3, mean

    def step(self):
        self.lstm.zero_grad()
        self.wait()
        start = time.perf_counter()
        mean = self.lstm(self.words)[0].mean(dim=1)
        (mean * self.upstream).sum().backward()
        self.wait()
        return (time.perf_counter() - start) * 1e3, mean

    def gradients(self):
        def ours(tensor):
            i, f, g, o = np.split(tensor.grad.cpu().numpy().T, 4, axis=-1)
            return np.concatenate([i, f, o, g], axis=-1)

        lstm = self.lstm
        named = {"input": lstm.weight_ih_l0, "recurrent": lstm.weight_hh_l0, "bias": lstm.bias_ih_l0}
        return {f"{name}_gradient": ours(tensor) for name, tensor in named.items()}


def draw(case, folder):
    """Numbers for a case, in files too."""
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


def asking(program, folder, device, case, body):
    """A function that requests a task on a case from our program."""
    request = {"folder": str(folder), "device": device, "body": body}
    request |= dict(zip(("batch", "steps", "input", "hidden"), case))
    return lambda task, times=1: program.ask({"lstm": request | {"task": task, "times": times}})["ms"]


def check(case, folder, torch_lstm, bodies):
    """Our bodies against PyTorch: the mean and every gradient."""
    _, mean = torch_lstm.step()
    expected = {"mean": mean.detach().cpu().numpy()} | torch_lstm.gradients()
    for name, ask in bodies.items():
        ask("check")
        for what, values in expected.items():
            ours = np.fromfile(folder / f"our_{what}", np.float32)
            # burn-nn's parameters are split in another way, so only states are compared.
            if name != "burn_nn" or what == "mean":
                same(f"{case}, {name}, {what}", ours, values)
    return expected["mean"]


def build_candle(target):
    folder = ROOT / "scripts/bench/candle"
    subprocess.run(["cargo", "build", "-q", "--release", "--locked", "--target-dir", target], cwd=folder, check=True)
    return Program(pathlib.Path(target) / "release/candle-bench")


def run(program, runs, target):
    """On the CPU."""
    candle = build_candle(target)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in CASES:
            torch_lstm = Torch(draw(case, folder), case[3])
            for parameter in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"):
                getattr(torch_lstm.lstm, parameter).detach().numpy().tofile(folder / parameter)
            ask = {body: asking(program, folder, "cpu", case, body) for body in ("fused", "reference", "burn_nn")}
            mean = check(case, folder, torch_lstm, ask)
            request = {"folder": name} | dict(zip(("batch", "steps", "input", "hidden"), case))
            candle.ask(request | {"task": "check"})
            same(f"{case}, candle", np.fromfile(folder / "candle_mean", np.float32), mean)
            for task in ("forward", "step"):
                systems = {
                    "ours": lambda: ask["fused"](task),
                    ("PyTorch", torch.__version__.split("+")[0]): lambda: getattr(torch_lstm, task)()[0],
                    ("burn-nn Lstm on flex", BURN): lambda: ask["burn_nn"](task),
                    ("candle-nn", CANDLE): lambda: candle.ask(request | {"task": task})["ms"],
                }
                median = medians(systems, runs, slow=list(systems)[2:])
                batch, steps, inputs, hidden = case
                what = f"LSTM {task}, batch {batch}, {steps} steps, {inputs} inputs, {hidden} hidden"
                rows += [
                    row(what, median["ours"], *system, ms, machine(THREADS))
                    for system, ms in median.items()
                    if system != "ours"
                ]
    return rows


def run_on_gpu(program, runs, device):
    """Against cuDNN; `device` is a device name as for `auxlstm --device`."""
    rows = []
    where = f"{torch.cuda.get_device_name(0)}, {device}"
    # cuDNN's default on these GPUs is TF32, which is not float32.
    torch.backends.cudnn.allow_tf32 = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for case in GPU_CASES:
            torch_lstm = Torch(draw(case, folder), case[3], "cuda")
            # burn-nn launches hundreds of kernels per step at any size, so only the first case is measured.
            bodies = ("fused", "burn_nn") if case == GPU_CASES[0] else ("fused",)
            ask = {body: asking(program, folder, device, case, body) for body in bodies}
            check(case, folder, torch_lstm, ask)
            for task in ("forward", "step"):
                systems = {
                    "ours": lambda: ask["fused"](task),
                    ("PyTorch with cuDNN", torch.__version__): lambda: getattr(torch_lstm, task)()[0],
                }
                if "burn_nn" in ask:
                    systems[f"burn-nn Lstm on {device}", BURN] = lambda: ask["burn_nn"](task)
                median = medians(systems, runs, slow=list(systems)[2:])
                batch, steps, inputs, hidden = case
                what = f"LSTM {task}, batch {batch}, {steps} steps, {inputs} inputs, {hidden} hidden"
                rows += [row(what, median["ours"], *system, ms, where) for system, ms in median.items() if system != "ours"]
    return rows
