"""examples/cluster on two Ray nodes of this machine, of which one is killed while they work, beside a single process."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow as pa
import pyarrow.parquet
import pytest
import ray
from ray.cluster_utils import Cluster
from support import EXAMPLES, compile_digits, digits, write_digits

sys.path.insert(0, str(EXAMPLES / "cluster"))
import answers  # noqa: E402
import classifier  # noqa: E402
import classify  # noqa: E402

PICTURES, BLOCK = 480, 20


class Slow(classifier.Classifier):
    """Takes time, so that something happens meanwhile; and leaves word of each block, in a file for each node. The first
    waits for the other node."""

    seen = None  # a folder

    def __call__(self, pictures):
        with open(f"{self.seen}/{os.getppid()}", "a") as file:  # the node's raylet has started this process
            file.write("x")
        wait_for(lambda: len(os.listdir(self.seen)) == 2)
        time.sleep(0.25)
        return super().__call__(pictures)


def wait_for(condition):
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def rows_of(output):
    """All answers, in the order of paths; each is there once."""
    found = pa.concat_tables(map(pa.parquet.read_table, sorted(output.glob("answers-*/*.parquet")))).sort_by("path")
    assert found.schema.equals(classifier.ANSWERS)
    assert found["path"].combine_chunks().value_counts().field("counts").to_pylist() == [1] * len(found)
    assert not list(output.glob("run-*"))
    return found.to_pylist()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures, one of them broken, a library, and weights to replace its own."""
    place = tmp_path_factory.mktemp("cluster")
    write_digits(place / "pictures", PICTURES - 1)
    (place / "pictures" / "broken.jpg").write_bytes(b"no picture")
    compile_digits(place / "library", "--weights-file")
    compile_digits(place / "other", "--weights-file", weights=("--random-weights", "1"))
    return place


def alone(place, output):
    classify.main([str(place / "pictures"), "--library", str(place / "library"), "--output", str(place / output),
                   "--alone", "--block", str(BLOCK)])
    return rows_of(place / output)


@pytest.fixture(scope="module")
def expected(place):
    return alone(place, "expected")


def test_alone(expected):
    assert len(expected) == PICTURES
    (broken,) = [row for row in expected if row["error"]]
    assert broken["path"].endswith("broken.jpg") and broken["classes"] == []
    assert broken["error"] == "no format that PIL knows"
    labels = digits()[1]
    right = [row["classes"][0] == labels[index % 360] for index, row in enumerate(expected[:-1])]
    assert sum(right) / len(right) > 0.98  # as JPEG


def test_killed_job(place, expected):
    """The whole job is killed, and started again: nothing is lost, nothing is there twice."""
    output = place / "killed"
    words = [sys.executable, EXAMPLES / "cluster" / "classify.py", place / "pictures", "--library", place / "library",
             "--output", output, "--alone", "--block", "5"]
    with subprocess.Popen(words) as job:
        while not list(output.glob("run-*/*7.parquet")) and job.poll() is None:
            time.sleep(0.001)
        job.kill()
    assert job.returncode == -9 and len(list(output.glob("run-*/*.parquet"))) < PICTURES // 5
    (next(output.glob("run-*")) / "99999999.parquet").write_bytes(b"PAR1 that was not finished")
    (run,) = output.glob("run-*")
    assert alone(place, "killed") == expected
    run.mkdir()  # by a writer that nobody heard of any more
    pa.parquet.write_table(pa.Table.from_pylist(expected[:3], classifier.ANSWERS), run / "late.parquet")
    assert alone(place, "killed") == expected


def test_parquet(place, expected):
    """Pictures in Parquet; what some other run answered is left out."""
    files = sorted((place / "pictures").iterdir())
    pictures = pa.table({"path": [str(file) for file in files], "other": range(len(files)),
                         "bytes": [file.read_bytes() for file in files]})
    pa.parquet.write_table(pictures, place / "pictures.parquet", row_group_size=100)
    with answers.run(place / "from_parquet") as (done, folder):
        assert len(done) == 0
        pa.parquet.write_table(pa.Table.from_pylist(expected[50:150], classifier.ANSWERS), folder / "some.parquet")
    classify.main([str(place / "pictures.parquet"), "--library", str(place / "library"), "--output",
                   str(place / "from_parquet"), "--alone"])
    assert rows_of(place / "from_parquet") == expected


@pytest.fixture
def two_nodes(monkeypatch):
    """A cluster of two nodes with a CPU each, and the second."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    logs = tempfile.mkdtemp(prefix="ray-")  # names of sockets must be short
    monkeypatch.setenv("RAY_TMPDIR", logs)
    os.mkdir(os.path.join(logs, "ray"))  # where Ray writes its address, and does not make the folder
    options = {"num_cpus": 1, "object_store_memory": 10**8, "temp_dir": logs}
    cluster = Cluster()
    try:
        cluster.add_node(**options)
        node = cluster.add_node(**options)
        cluster.wait_for_nodes()
        yield cluster, node
    except Exception as error:
        if "timed out during startup" not in str(error):  # after 30 seconds, which Ray does not let one change
            raise
        pytest.skip(f"this machine is too busy for Ray: {error}")
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(logs, ignore_errors=True)


def test_killed_node(place, expected, two_nodes, monkeypatch):
    """Two nodes; one is killed while both work; then the weights are replaced."""
    plain = classifier.Classifier
    monkeypatch.setattr(Slow, "seen", str(place / "nodes"))
    monkeypatch.setattr(classifier, "Classifier", Slow)
    (place / "nodes").mkdir()
    disturbed, output = threading.Event(), place / "on_cluster"

    cluster, node = two_nodes

    def blocks():
        return [file.stat().st_size for file in (place / "nodes").iterdir()]

    def disturb():
        wait_for(lambda: len(blocks()) == 2 and sum(blocks()) >= 4)
        cluster.remove_node(node, allow_graceful=False)
        before = sum(blocks())
        wait_for(lambda: sum(blocks()) >= before + 2)
        os.replace(place / "other" / "digits.weights", place / "library" / "digits.weights")
        disturbed.set()

    ray.init(address=cluster.address, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    disturber = threading.Thread(target=disturb)
    disturber.start()
    classify.main([str(place / "pictures"), "--library", str(place / "library"), "--output", str(output),
                   "--block", str(BLOCK)])
    disturber.join()
    assert len([entry for entry in ray.nodes() if entry["Alive"]]) == 1 and disturbed.is_set()

    monkeypatch.setattr(classifier, "Classifier", plain)
    found, other = rows_of(output), alone(place, "of_others")
    by_weights = {rows[0]["weights"]: rows for rows in (expected, other)}
    assert found == [by_weights[row["weights"]][index] for index, row in enumerate(found)]
    assert {row["weights"] for row in found} == set(by_weights) and len(by_weights) == 2
