"""The recipes for Snakemake in docs/scale.md, killed in the middle and started again."""

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

    shards = tmp_path / "users"
    complete = kill_and_continue(tmp_path, command, lambda: list(shards.glob("part-*")))
    files = list(shards.glob("part-*"))
    ids = [parquet.read_table(path, columns=["id"])["id"].to_pylist() for path in files]
    ids = sum(ids, [])
    assert len(ids) == USERS and len(set(ids)) == USERS
    assert len(complete) < len(files), "the first was killed before its end"


CORPUS = """
corpus = ["users.jsonl"]
output = "out"
seeds = [1, 2, 3]

[[attributes]]
name = "age"
classes = ["13-20", "21+"]

[[attributes]]
name = "job"
classes = ["student", "IT"]
"""
RUNS = """
[[runs]]
systems = ["svm", "me"]
main = ["age", "job"]

[[runs]]
systems = ["svm"]
main = ["job"]
variant = "two words"
settings = { svm = { costs = [1.0] } }
"""


def test_experiments_killed_in_the_middle_are_complete_and_have_one_record(command, tmp_path):
    snakefile = recipe("Snakefile of the paper's experiments")
    for old, new in [("configs/paper/blogs.toml configs/paper/table3.toml", "corpus.toml runs.toml"), ("runs/paper", "out")]:
        assert old in snakefile
        snakefile = snakefile.replace(old, new)
    for name, content in [("Snakefile", snakefile), ("corpus.toml", CORPUS), ("runs.toml", RUNS)]:
        (tmp_path / name).write_text(content)
    with open(tmp_path / "users.jsonl", "w") as users:
        for user in range(120):
            words = ["school essay", "office server"][user % 2] + " rain tea kitchen" * (user % 5 + 1)
            labels = {"age": [17, 35][user % 2], "job": ["student", "IT"][user // 2 % 2]}
            users.write(json.dumps({"id": user, "posts": [words], **labels}) + "\n")

    def stored():
        return sorted(path.name for path in (tmp_path / "out" / "runs").glob("*.json"))

    complete = kill_and_continue(tmp_path, command, stored)
    listed = subprocess.run(
        [command, "experiment", "corpus.toml", "runs.toml", "--list"], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    names = [line.split("\t")[0] for line in listed.stdout.splitlines()]
    assert len(names) == 15 and stored() == sorted(f"{name}.json" for name in names)
    assert len(complete) < len(names), "the first was killed before its end"
    assert list((tmp_path / "out" / "claims").iterdir()) == []


def kill_and_continue(folder, command, complete):
    """Kills Snakemake once something is complete, which is returned, and runs it again to its end."""
    first = snakemake(folder, command)
    deadline = time.monotonic() + 120
    while not complete():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    before = complete()

    assert snakemake(folder, command, "--unlock").wait() == 0
    second = snakemake(folder, command, "--rerun-incomplete")
    said, _ = second.communicate()
    assert second.returncode == 0, said
    return before
