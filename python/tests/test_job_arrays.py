"""The recipe for Snakemake in docs/scale.md, killed in the middle and started again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("snakemake")
from pyarrow import parquet  # noqa: E402

SCALE = Path(__file__).parents[2] / "docs" / "scale.md"
USERS = 9000


def recipe(name):
    """The code block of the document that begins with the name of a file."""
    blocks = SCALE.read_text().split("```python\n")[1:]
    return next(block.partition("```")[0] for block in blocks if block.startswith(f"# {name}\n"))


def snakemake(folder, command, *flags):
    arguments = [sys.executable, "-m", "snakemake", "--cores", "2", *flags]
    path = str(Path(command).parent) + os.pathsep + os.environ["PATH"]
    return subprocess.Popen(
        arguments, cwd=folder, env={**os.environ, "PATH": path}, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def test_killed_in_the_middle_nothing_is_lost_or_twice(bundle, command, tmp_path):
    (tmp_path / "Snakefile").write_text(recipe("Snakefile"))
    (tmp_path / "model.safetensors").symlink_to(bundle)
    words = "rain tea office kitchen essay football school husband game work".split()
    with open(tmp_path / "posts.jsonl", "w") as posts:
        for post in range(3 * USERS):
            text = " ".join(words[(post * step) % len(words)] for step in range(1, 40))
            posts.write(json.dumps({"user_id": post * 7 % USERS, "text": text}) + "\n")

    first = snakemake(tmp_path, command)
    shards = tmp_path / "users"
    deadline = time.monotonic() + 120
    while not list(shards.glob("part-*")):
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    complete = {path: path.stat().st_mtime_ns for path in shards.glob("part-*")}

    assert snakemake(tmp_path, command, "--unlock").wait() == 0
    second = snakemake(tmp_path, command, "--rerun-incomplete")
    said, _ = second.communicate()
    assert second.returncode == 0, said
    ids = [parquet.read_table(path, columns=["id"])["id"].to_pylist() for path in shards.glob("part-*")]
    ids = sum(ids, [])
    assert len(ids) == USERS and len(set(ids)) == USERS
    assert len(complete) < len(list(shards.glob("part-*"))), "the first was killed before its end"
