"""Prints the tables of docs/profile.md: how much of the machine's peak arithmetic one LSTM uses, and where its time goes.

Usage: python scripts/bench/roofline.py TARGET_FOLDER [--runs 15] [--shares]

TARGET_FOLDER is cargo's and must hold the example `bench`, which `make bench` builds. With --shares, the program is built again
with line numbers and sampled with Linux' perf; the samples are counted by function, including inlined ones.
"""

import argparse
import bisect
import collections
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import torch

from common import ROOT, THREADS, Program, machine, medians
from lstm import CASES, Torch, asking, draw

# The target, as a share of PyTorch's time.
TARGET = 0.7
SQUARE = 2048
OPERATIONS = {"operations": 1_000_000}
# The size of the recurrent weights of 128 units.
READING = {"reading": {"bytes": 256 << 10, "times": 2_000}}
# Samples per second, and seconds of sampling.
FREQUENCY, SECONDS = 997, 4
NUMBERS = 'profile.release.package.model-core.debug="line-tables-only"'


def arithmetic(task, case):
    """Floating-point operations in the matrix products of a task; a multiply-add counts as two."""
    batch, steps, inputs, hidden = case
    # Forward: W·x and U·h. Backward: the gradients of W and U, and Uᵀ·dz.
    terms = inputs + hidden if task == "forward" else 2 * inputs + 3 * hidden
    return 2 * batch * steps * 4 * hidden * terms


def roofline(bench, runs):
    program = Program(bench)
    square = torch.rand(SQUARE, SQUARE)

    def product():
        start = time.perf_counter()
        square @ square
        return (time.perf_counter() - start) * 1e3

    def limit(which):
        return lambda: program.ask({"limits": which})["per_second"] / 1e9

    lines, products = [], []
    with tempfile.TemporaryDirectory() as name:
        for case in CASES:
            theirs = Torch(draw(case, pathlib.Path(name)), case[3])
            ask = asking(program, name, "cpu", case, "fused")
            for task in ("forward", "step"):
                systems = {"ours": lambda: ask(task), "PyTorch": lambda: getattr(theirs, task)()[0], "product": product}
                lines.append((task, case, medians(systems, runs)))
                products.append(2 * SQUARE**3 / lines[-1][2]["product"] / 1e6)
    most = medians({"operations": limit(OPERATIONS), "reading": limit(READING)}, runs)
    print(
        f"On {machine(THREADS)}: {most['operations']:.0f} GFLOP/s at peak (multiply-adds only), "
        f"{statistics.median(products):.0f} in PyTorch's product of two {SQUARE} x {SQUARE} matrices; "
        f"one core reads the same 256 KiB repeatedly at {most['reading']:.0f} GB/s.\n"
    )
    print("| case | GFLOP | ours, ms | GFLOP/s | share of peak | PyTorch, ms | GFLOP/s at the target | share of peak |")
    print("|---|---|---|---|---|---|---|---|")
    for task, case, ms in lines:
        work = arithmetic(task, case) / 1e9
        speeds = [work / (time / 1e3) for time in (ms["ours"], TARGET * ms["PyTorch"])]
        ours, target = (f"{speed:.0f} | {speed / most['operations']:.2f}" for speed in speeds)
        print(f"| {task}, {named(case)} | {work:.2f} | {ms['ours']:.2f} | {ours} | {ms['PyTorch']:.2f} | {target} |")


def named(case):
    batch, steps, inputs, hidden = case
    texts = "text" if batch == 1 else "texts"
    return f"{batch} {texts} of {steps} words, {inputs} → {hidden}"


def shares(target):
    """Samples our LSTM at work, case by case."""
    command = ["cargo", "build", "-q", "--release", "--locked", "--workspace", "--example", "bench", "--config", NUMBERS]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"CARGO_TARGET_DIR": str(target)})
    bench = target / "release" / "examples" / "bench"
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for case in CASES:
            draw(case, pathlib.Path(name))
            for task in ("forward", "step"):
                data = pathlib.Path(name) / "perf.data"
                record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", FREQUENCY, "-o", data, bench]
                program = Program(*record)
                ask = asking(program, name, "cpu", case, "fused")
                once = ask(task)
                ask(task, max(1, round(SECONDS * 1e3 / once)))
                program.process.stdin.close()
                program.process.wait()
                found[f"{task}, {named(case)}"] = by_kind(bench, data)
    kinds = [kind for kind, _ in sum(found.values(), collections.Counter()).most_common()]
    print("\n| case | " + " | ".join(kinds) + " |\n|---|" + "---|" * len(kinds))
    for case, counts in found.items():
        print(f"| {case} | " + " | ".join(f"{100 * counts[kind] / counts.total():.1f}" for kind in kinds) + " |")


def by_kind(bench, data):
    """The number of samples of each kind."""
    script = ["perf", "script", "-i", data, "-F", "ip,sym,dso", "--show-mmap-events"]
    loads, counts, addresses = [], collections.Counter(), collections.Counter()
    for line in output(*script).splitlines():
        if mapped := re.search(r"\[0x(\w+)\(0x(\w+)\) @ (\w+) .*r-xp .*?(\S+)$", line):
            if mapped[4] == str(bench):
                loads.append([int(number, 16) for number in mapped.groups()[:3]])
        elif sample := re.match(r"\s*([0-9a-f]+) (.*) \((.*)\)$", line):
            if sample[3] == str(bench):
                addresses[int(sample[1], 16)] += 1
            elif "kernel" in sample[3]:
                counts["kernel"] += 1
            else:
                counts["copying and zeroing" if re.search("memmove|memcpy|memset", sample[2]) else "the rest"] += 1
    segments = re.findall(r"LOAD\s+(\S+)\s+(\S+)\s+\S+\s+(\S+)", output("readelf", "-lW", bench))
    segments = [[int(number, 16) for number in segment] for segment in segments]

    def in_file(address):
        """A sample's address as an address within the program's file."""
        start, _, offset = max(load for load in loads if load[0] <= address)
        place = address - start + offset
        first, virtual, _ = segments[bisect.bisect(segments, [place, float("inf")]) - 1]
        return place - first + virtual

    asked = {in_file(address): count for address, count in addresses.items()}
    listing = subprocess.run(
        ["addr2line", "-e", bench, "-a", "-i", "-f", "-C"], input="\n".join(map(hex, asked)), stdout=subprocess.PIPE, text=True
    ).stdout
    for block in re.split("^(?=0x)", listing, flags=re.MULTILINE)[1:]:
        address, *frames = block.splitlines()
        counts[kind(frames[::2], frames[1::2])] += asked[int(address, 16)]
    return counts


def kind(functions, places):
    """The kind of a sample, from its stack of inlined functions, innermost first, and their source locations."""
    names = {re.sub(r"<.*", "", re.sub(r"^<.*>::", "", function)).rsplit("::")[-1] for function in functions}
    if not any("fused-lstm/src/cpu" in place for place in places):
        return "the rest"
    if names & {"new", "gather", "scatter", "get"}:
        return "packing"
    if "multiply_add" in names:
        within = {"project": "W·x", "step": "U·h", "carry": "Uᵀ·dz", "add": "gradients of W, U"}
        return next((what for function, what in within.items() if function in names), "gradients of W, U")
    if names & {"step", "gates", "sigmoid", "tanh", "exp"}:
        return "activations, states"
    return "other loads and stores"


def output(*command):
    return subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--shares", action="store_true")
    options = parser.parse_args()
    if options.shares:
        shares(options.target.resolve())
    else:
        roofline(options.target / "release" / "examples" / "bench", options.runs)


main()
