"""Reading and grouping: `auxlstm corpus convert` beside DuckDB and Polars, from a CSV file of posts to a JSONL file of users.

Usage as a program: python scripts/bench/grouping.py make POSTS.csv NUMBER
                    python scripts/bench/grouping.py (duckdb | polars) POSTS.csv USERS.jsonl
"""

import csv
import hashlib
import itertools
import json
import pathlib
import random
import statistics
import sys
import tempfile

POSTS = 10_000_000
POSTS_OF_A_USER = 20
# The most memory of posts that are grouped, in GiB, for each system that has such a limit.
MEMORY = 4
PEERS = ["duckdb", "polars"]


def make(path, posts):
    """Writes made-up posts in random order: each has its user, its time, which no other post has, and a text."""
    import numpy

    chance = random.Random(1)
    syllables = [first + second for first in "bdfgklmnprst" for second in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 3))) for _ in range(2000)] + ["été", "你好", "😀", '"so"', "no,", "oh;"]
    # Half of a text each.
    halves = [" ".join(chance.choices(words, k=chance.randint(2, 10))) for _ in range(20_000)]
    chance = numpy.random.default_rng(1)
    # Some users write much more than others.
    users = (chance.random(posts) ** 2 * (posts // POSTS_OF_A_USER)).astype(int)
    times = numpy.datetime64("2024-01-01T00:00:00") + chance.permutation(posts)
    texts = chance.integers(len(halves), size=(2, posts))
    with open(path, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["user", "time", "text"])
        for start in range(0, posts, 1 << 16):
            part = slice(start, start + (1 << 16))
            columns = users[part].tolist(), numpy.datetime_as_string(times[part]).tolist(), *texts[:, part].tolist()
            rows.writerows([f"u{user}", when, f"{halves[one]} {halves[other]}"] for user, when, one, other in zip(*columns))


def group_duckdb(path, output):
    import duckdb

    columns = "{'user': 'VARCHAR', 'time': 'VARCHAR', 'text': 'VARCHAR'}"
    duckdb.execute(f"SET memory_limit = '{MEMORY}GiB'")
    # `list(text ORDER BY time)` runs out of memory even with 10 GiB; a list that is sorted after grouping does not.
    posts = "list_transform(list_sort(list({'time': time, 'text': text})), lambda post: post.text)"
    duckdb.execute(
        f"COPY (SELECT user AS id, {posts} AS posts FROM read_csv('{path}', header = true, columns = {columns}) GROUP BY user) "
        f"TO '{output}' (FORMAT json)"
    )


def group_polars(path, output):
    import polars

    posts = polars.scan_csv(path, schema=dict.fromkeys(["user", "time", "text"], polars.String))
    users = posts.group_by(id="user").agg(posts=polars.col("text").sort_by("time"))
    users.sink_ndjson(output)


def summary(output):
    """The numbers of users and posts, and a checksum that does not depend on the order of the users."""
    users = posts = checksum = 0
    with open(output, encoding="utf-8") as lines:
        for user in map(json.loads, lines):
            users += 1
            posts += len(user["posts"])
            text = "\0".join([user["id"], *user["posts"]])
            checksum += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return users, posts, checksum % (1 << 64)


def run(auxlstm, runs, posts=POSTS):
    from importlib.metadata import version

    from common import THREADS, machine, measure, row

    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = folder / "posts.csv"
        make(path, posts)
        ours = [auxlstm, "corpus", "convert", path, "--keep-ids", "--max-memory", MEMORY, "-o"]
        systems = {"ours": ours} | {peer: [sys.executable, __file__, peer, path] for peer in PEERS}
        measured = {system: [] for system in systems}
        summaries = {}
        for turn, (system, command) in itertools.product(range(runs), systems.items()):
            output = folder / f"{system}.jsonl"
            output.unlink(missing_ok=True)
            measured[system].append(measure([*command, output]))
            if turn == 0:
                summaries[system] = summary(output)
        if len(set(summaries.values())) > 1:
            raise SystemExit(f"the users differ: {summaries}")
        users, found, _ = summaries["ours"]
        wall, cores, memory = ({s: statistics.median(m[i] for m in all_of) for s, all_of in measured.items()} for i in range(3))
        for peer in PEERS:
            case = (
                f"{found:,} posts of {users:,} users, {path.stat().st_size / 1e9:.2f} GB; seconds of all cores ours {cores['ours']:.1f}, "
                f"peer {cores[peer]:.1f}; memory ours {memory['ours']:.2f} GiB, peer {memory[peer]:.2f} GiB"
            )
            made.append(row(case, wall["ours"] * 1e3, peer, version(peer), wall[peer] * 1e3, machine(THREADS)))
    return made


if __name__ == "__main__":
    system, path, argument = sys.argv[1:]
    if system == "make":
        make(path, int(argument))
    else:
        {"duckdb": group_duckdb, "polars": group_polars}[system](path, argument)
