"""Measures predictions on Spark beside the identity function, for docs/scale.md:

    cd python && python -m tests.spark_scale 1000000 4000000 16000000
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

from auxlstm import Model
from auxlstm.spark import predict

from .fixtures import MODELS
from .spark_cluster import Cluster, children, stages, write_posts


def resident(process):
    """The memory of a process that is in RAM, in bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = dict(line.partition(":")[::2] for line in status.splitlines())
    return 1024 * int(lines.get("VmRSS", "0 kB").split()[0])


def descendants(process):
    found = [process]
    for child in children(process):
        found += descendants(child)
    return found


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
        print("posts function seconds executor_seconds shuffle_MB spilled_MB python_MB java_MB", flush=True)
        for posts in map(int, sys.argv[1:]):
            files = Path(folder) / f"posts-{posts}"
            write_posts(files, posts, users=posts // 20)
            frame = spark.read.parquet(str(files))
            partitions = max(8, posts // 500_000)
            shuffled = frame.repartition(partitions, "user").sortWithinPartitions("user", "time")
            for name, frame_ in [
                ("identity", shuffled.mapInArrow(lambda batches: batches, frame.schema)),
                ("predict", predict(frame, model, order="time", partitions=partitions)),
            ]:
                before = {stage["stageId"] for stage in stages(spark)}
                memory.python = memory.java = 0
                started = time.monotonic()
                frame_.write.format("noop").mode("overwrite").save()
                seconds = time.monotonic() - started
                run = [stage for stage in stages(spark) if stage["stageId"] not in before]
                total = {key: sum(stage[key] for stage in run) for key in run[0] if isinstance(run[0][key], int)}
                print(
                    posts,
                    name,
                    f"{seconds:.1f}",
                    f"{total['executorRunTime'] / 1000:.1f}",
                    f"{total['shuffleWriteBytes'] / 1e6:.0f}",
                    f"{total['diskBytesSpilled'] / 1e6:.0f}",
                    f"{memory.python / 1e6:.0f}",
                    f"{memory.java / 1e6:.0f}",
                    flush=True,
                )
        spark.stop()
        cluster.stop()


if __name__ == "__main__":
    main()
