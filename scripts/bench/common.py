"""What the benchmarks share: our program, turns, and the table."""

import contextlib
import json
import lzma
import os
import pathlib
import platform
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
# As many threads for every system.
THREADS = len(os.sched_getaffinity(0))
os.environ["RAYON_NUM_THREADS"] = str(THREADS)
BUNDLE = ROOT / "public" / "models" / "en.safetensors"
# Posts, one a line; it lies beside the repository, or is left out.
WEIBO = ROOT.parent / "shared" / "data" / "weibo-unlabelled.txt.xz"


class Program:
    """A process that takes a line of JSON and gives one."""

    def __init__(self, *command):
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args[0]} ended with status {self.process.wait()}")
        return json.loads(answer)


@contextlib.contextmanager
def one_core():
    """Everything on one core, for as long as it lasts, what is started meanwhile too."""
    cores, threads = os.sched_getaffinity(0), os.environ["RAYON_NUM_THREADS"]
    try:
        os.sched_setaffinity(0, {min(cores)})
        os.environ["RAYON_NUM_THREADS"] = "1"
        yield
    finally:
        os.sched_setaffinity(0, cores)
        os.environ["RAYON_NUM_THREADS"] = threads


def read_users(corpus):
    """The users of a corpus as they are there, with their posts and attributes."""
    opened = lzma.open(corpus, "rt", encoding="utf-8") if str(corpus).endswith(".xz") else open(corpus, encoding="utf-8")
    with opened as lines:
        for line in lines:
            yield json.loads(line)


# PyTorch's threads go on turning for a while after the work, on the cores that the next system needs.
PAUSE = 0.25
# Once, and on for so many seconds.
WARM_UP = 0.05


def medians(systems, runs, slow=(), warm_up=WARM_UP):
    """The median of what each system measures. They take turns, so that what else the machine does hits all alike; the
    first turn does not count, and slow systems take three."""
    times = {system: [] for system in systems}
    for run in range(runs + 1):
        for system, measure in systems.items():
            if system in slow and run > 3:
                continue
            time.sleep(PAUSE)
            # To wake the threads, which the system may put on one core at first, and then for the clock.
            start = time.perf_counter()
            measure()
            while time.perf_counter() - start < warm_up:
                measure()
            value = measure()
            if run:
                times[system].append(value)
    return {system: statistics.median(values) for system, values in times.items()}


def row(case, ours, peer, version, theirs, machine):
    """A line of the table; times in ms."""
    made = {
        "case": case,
        "ours_ms": round(ours, 2),
        "peer": peer,
        "peer_version": version,
        "peer_ms": round(theirs, 2),
        "ratio": round(ours / theirs, 3),
        "machine": machine,
    }
    print(json.dumps(made), flush=True)
    return made


def machine(threads):
    described = pathlib.Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    flags = next((line for line in lines if line.startswith("flags")), "")
    wide = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{model}, {wide}, {threads} thread{'s' if threads > 1 else ''}"


def same(what, ours, theirs, tolerance=1e-4):
    """Ends the program if two arrays are not the same to `tolerance` of the largest value."""
    worst = abs(ours.reshape(-1) - theirs.reshape(-1)).max() / abs(theirs).max()
    if not worst < tolerance:
        raise SystemExit(f"{what}: {worst:.1e} of the largest value apart")
