"""A Spark cluster on this machine, and posts for it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy
import pyarrow
from pyarrow import compute, parquet
import pyspark
from pyspark.sql import SparkSession

WORDS = """a about after again all and at bad because before boss book bus but buy car cat class coffee computer cook day
dog dress drink drive early eat email exam family film food football for friend game garden go good great ha hair happy has
he her home homework hospital hour house husband i in is it job kids kitchen know late laugh life like lol love lunch make
meeting milk money morning movie music my new night not of office old on our party people phone play rain read really road
sad school see she shop sleep so song sun talk tea teacher team test that the they think tired to today tomorrow train tv
very walk want was watch we week went wife with work write year you""".split()


class Cluster:
    """A standalone cluster: one master and workers of one core each, in processes of their own."""

    def __init__(self, folder: Path, workers: int = 2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"spark://127.0.0.1:{port}"
        self._folder = folder
        master = ["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        self.master = start(folder / "master", master)
        self.workers = [self._worker(folder / f"worker-{number}") for number in range(workers)]

    def _worker(self, folder):
        options = ["--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        return start(folder, ["worker.Worker", *options, self.url])

    def session(self, **settings):
        """A session whose executors limit the address space of their Python processes."""
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
        builder = SparkSession.builder.master(self.url)
        for name, value in {
            "spark.local.dir": self._folder / "driver",
            "spark.sql.warehouse.dir": self._folder / "warehouse",
            "spark.ui.port": 0,
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": 4,
            "spark.executor.pyspark.memory": "1g",
            **settings,
        }.items():
            builder = builder.config(name, str(value))
        return builder.getOrCreate()

    def kill_worker(self):
        """Ends the first worker and its executors as a power cut does, and deletes what they stored."""
        worker = self.workers.pop(0)
        for process in [worker.pid, *children(worker.pid)]:
            os.kill(process, signal.SIGKILL)
        worker.wait()
        shutil.rmtree(self._folder / "worker-0")

    def stop(self):
        for process in [*self.workers, self.master]:
            process.terminate()
            process.wait(30)


def start(folder, command):
    """Starts a daemon of Spark that keeps its files in a folder."""
    folder.mkdir(parents=True)
    environment = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_WORKER_DIR": str(folder / "work"),
    }
    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    name, *options = command
    with open(folder.with_suffix(".log"), "wb") as log:
        return subprocess.Popen(
            [program, f"org.apache.spark.deploy.{name}", *options], env=environment, stdout=log, stderr=log
        )


def children(parent):
    """The processes that a process has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == parent:
            found.append(int(status.parent.name))
    return found


def stages(session):
    """The stages of all jobs of a session, as Spark's REST interface describes them."""
    context = session.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def write_posts(folder, posts, *, users, most=1, files=8, seed=7):
    """Writes Parquet files of so many posts, whose order is random: columns `user`, `time` and `text`.

    User 0 has `most` posts, the others share the rest. A post has 15 words on average; one in a hundred is null.
    """
    random = numpy.random.default_rng(seed)
    frequencies = 1 / numpy.arange(3, len(WORDS) + 3)
    words = numpy.array(random.permutation(WORDS))
    lengths = random.integers(3, 13, 20_000)
    drawn = iter(random.choice(words, lengths.sum(), p=frequencies / frequencies.sum()).tolist())
    halves = pyarrow.array([" ".join(next(drawn) for _ in range(length)) for length in lengths])
    user = numpy.concatenate([numpy.zeros(most, "int64"), 1 + numpy.arange(posts - most) % (users - 1)])
    random.shuffle(user)
    folder.mkdir(parents=True)
    for number, (ids, times) in enumerate(
        zip(numpy.array_split(user, files), numpy.array_split(random.permutation(posts), files))
    ):
        first, second = (halves.take(random.integers(0, len(halves), len(ids))) for _ in range(2))
        text = compute.binary_join_element_wise(first, second, " ")
        text = compute.if_else(pyarrow.array(random.random(len(ids)) < 0.01), None, text)
        table = pyarrow.table({"user": ids, "time": times, "text": text})
        parquet.write_table(table, folder / f"{number}.parquet")
