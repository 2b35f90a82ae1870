"""Measures predictions on Spark beside the identity function, and prints the tables of docs/scale.md:

    cd python && python -m tests.spark_scale 1000000 4000000 16000000

The sizes are numbers of posts, in ascending order. On two cores, these take less than 20 minutes.
"""

import os
import sys
import tempfile
import threading
import time
from math import log
from pathlib import Path

from auxlstm import Model
from auxlstm.spark import predict

from .fixtures import MODELS
from .spark_cluster import Cluster, children, stages, write_posts

BILLION = 1e9


def resident(process):
    """The memory of a process that is in RAM, in bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = dict(line.partition(":")[::2] for line in status.splitlines())
    return 1024 * int(lines.get("VmRSS", "0 kB").split()[0])


def processor_time(process):
    """The seconds that a process, its threads and the children for which it has waited have computed."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")


def descendants(process):
    found = [process]
    for child in children(process):
        found += descendants(child)
    return found


def computed(cluster):
    """The processor time of all processes of the workers."""
    return sum(processor_time(process) for worker in cluster.workers for process in descendants(worker.pid))


class Memory(threading.Thread):
    """Watches the largest memory of the Python processes and of the JVMs of the workers."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.python = self.java = 0

    def run(self):
        while True:
            for worker in self.cluster.workers:
                for process in descendants(worker.pid):
                    try:
                        name = Path(f"/proc/{process}/comm").read_text().strip()
                    except OSError:
                        continue
                    kind = "java" if name == "java" else "python"
                    setattr(self, kind, max(getattr(self, kind), resident(process)))
            time.sleep(0.5)


def main():
    model = Model.load(MODELS / "en.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        spark = cluster.session(**{"spark.ui.retainedStages": 10_000})
        memory = Memory(cluster)
        memory.start()
        # The first job also starts the Python processes and compiles Java's code.
        warm_up = spark.range(1000, numPartitions=8).mapInArrow(lambda batches: batches, "id long")
        warm_up.write.format("noop").mode("overwrite").save()
        measured = []
        for posts in map(int, sys.argv[1:]):
            files = Path(folder) / f"posts-{posts}"
            write_posts(files, posts, users=posts // 20)
            frame = spark.read.parquet(str(files))
            partitions = max(8, posts // 500_000)
            shuffled = frame.repartition(partitions, "user").sortWithinPartitions("user", "time")
            for name, function in [
                ("identity", shuffled.mapInArrow(lambda batches: batches, frame.schema)),
                ("predictions", predict(frame, model, order="time", partitions=partitions)),
            ]:
                before = {stage["stageId"] for stage in stages(spark)}
                memory.python = memory.java = 0
                started, computed_before = time.monotonic(), computed(cluster)
                function.write.format("noop").mode("overwrite").save()
                seconds = time.monotonic() - started
                run = [stage for stage in stages(spark) if stage["stageId"] not in before]
                measured.append({
                    "posts": posts,
                    "function": name,
                    "wall s": seconds,
                    "processor s": computed(cluster) - computed_before,
                    "shuffled MB": sum(stage["shuffleWriteBytes"] for stage in run) / 1e6,
                    "spilled MB": sum(stage["diskBytesSpilled"] for stage in run) / 1e6,
                    "Python MB": memory.python / 1e6,
                    "JVM MB": memory.java / 1e6,
                })
                print(measured[-1], file=sys.stderr, flush=True)
        spark.stop()
        cluster.stop()
    rows = [[format(value, ",.0f") if not isinstance(value, str) else value for value in row.values()] for row in measured]
    print(table(list(measured[0]), rows))
    print(table(["a billion posts", "core-hours", "shuffled GB"], extrapolated(measured)))


def extrapolated(measured):
    """For each function, processor time and shuffled bytes of a billion posts."""
    rows = []
    for function in ("identity", "predictions"):
        of_function = [row for row in measured if row["function"] == function]
        posts = [row["posts"] for row in of_function]
        hours = [row["processor s"] / 3600 for row in of_function]
        gigabytes = [row["shuffled MB"] / 1e3 for row in of_function]
        rows.append([function, at_a_billion(posts, hours), at_a_billion(posts, gigabytes)])
    return rows


def at_a_billion(posts, costs):
    """What a billion posts cost, from what the largest number of them did: if the cost grows in proportion, and if it goes on
    growing as between the two largest numbers. How far the two are apart is the error of the extrapolation."""
    proportional = costs[-1] * BILLION / posts[-1]
    if len(posts) == 1:
        return f"{proportional:,.0f}"
    exponent = log(costs[-1] / costs[-2]) / log(posts[-1] / posts[-2])
    growing = costs[-1] * (BILLION / posts[-1]) ** exponent
    return f"{proportional:,.0f} (proportional), {growing:,.0f} (posts^{exponent:.2f})"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
