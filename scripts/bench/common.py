"""Shared by the benchmarks: our program as a process, measuring in turns, rows of the table."""

import contextlib
import json
import lzma
import os
import pathlib
import platform
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
# Every system gets this many threads.
THREADS = len(os.sched_getaffinity(0))
os.environ["RAYON_NUM_THREADS"] = str(THREADS)
BUNDLE = ROOT / "public" / "models" / "en.safetensors"
# One post per line. Without this file, the cases on Chinese are skipped.
WEIBO = ROOT / "data" / "weibo-unlabelled.txt.xz"


class Program:
    """A process that answers each line of JSON with one."""

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
    """Within this context, everything runs on one core, including child processes."""
    cores, threads = os.sched_getaffinity(0), os.environ["RAYON_NUM_THREADS"]
    try:
        os.sched_setaffinity(0, {min(cores)})
        os.environ["RAYON_NUM_THREADS"] = "1"
        yield
    finally:
        os.sched_setaffinity(0, cores)
        os.environ["RAYON_NUM_THREADS"] = threads


def read_users(corpus):
    """The records of a JSONL corpus, in order."""
    opened = lzma.open(corpus, "rt", encoding="utf-8") if str(corpus).endswith(".xz") else open(corpus, encoding="utf-8")
    with opened as lines:
        for line in lines:
            yield json.loads(line)


# Seconds to wait between systems: PyTorch's threads keep spinning for a while on the cores that the next system needs.
PAUSE = 0.25
# Seconds for which a system runs unmeasured before each measurement.
WARM_UP = 0.05


def medians(systems, runs, slow=(), warm_up=WARM_UP):
    """The median of each system's measurements. The systems take turns, so that other load affects all of them alike. The first
    turn is not counted. Systems in `slow` take only three turns."""
    times = {system: [] for system in systems}
    for run in range(runs + 1):
        for system, measure in systems.items():
            if system in slow and run > 3:
                continue
            time.sleep(PAUSE)
            # Wakes the threads, which may start on one core, and raises the clock rate.
            start = time.perf_counter()
            measure()
            while time.perf_counter() - start < warm_up:
                measure()
            value = measure()
            if run:
                times[system].append(value)
    return {system: statistics.median(values) for system, values in times.items()}


def measure(command):
    """Wall-clock seconds, seconds of all cores, and the most memory in GiB of a process."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(list(map(str, command)), stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            errors.seek(0)
            said = errors.read().decode(errors="replace")
            raise SystemExit(f"{command} ended with status {os.waitstatus_to_exitcode(status)}: {said}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1 << 20)


def row(case, ours, peer, version, theirs, machine):
    """One row of the table. Times are in ms; `speedup` is how many times faster we are."""
    made = {
        "case": case,
        "ours_ms": round(ours, 2),
        "peer": peer,
        "peer_version": version,
        "peer_ms": round(theirs, 2),
        "speedup": float(f"{theirs / ours:.3g}"),
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
    """Ends the program if two arrays differ by more than `tolerance` of the largest value."""
    worst = abs(ours.reshape(-1) - theirs.reshape(-1)).max() / abs(theirs).max()
    if not worst < tolerance:
        raise SystemExit(f"{what}: differ by {worst:.1e} of the largest value")
