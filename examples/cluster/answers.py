"""The folder of answers: what is done, so that nothing is lost or doubled when a run ends half-way.

A run writes to `run-ID`. When it ends, or when the next one begins, that becomes `answers-ID`; files that were not
finished go. So a writer that outlives its run, on a node that was thought dead, writes to a folder that is no more.
`answers-*/*.parquet` are the answers."""

import contextlib
import shutil
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

RUN, ANSWERS = "run-", "answers-"


@contextlib.contextmanager
def run(output):
    """The paths that have answers, and the folder for those that come. One run at a time."""
    output.mkdir(parents=True, exist_ok=True)
    for left in output.glob(f"{RUN}*"):
        _seal(left)
    for file in _files(output):
        if not _is_whole(file):
            file.unlink()
    folder = output.resolve() / f"{RUN}{uuid.uuid4().hex[:12]}"
    folder.mkdir()
    yield _paths(output), folder
    _seal(folder)


def _seal(folder):
    """From now on nothing is added to it."""
    sealed = folder.with_name(ANSWERS + folder.name.removeprefix(RUN))
    if sealed.exists():  # made anew by a late writer, after its folder was renamed
        shutil.rmtree(folder)
    else:
        folder.rename(sealed)


def _is_whole(file):
    try:
        pa.parquet.read_metadata(file)
    except (pa.ArrowInvalid, OSError):
        return False
    return True


def _files(output):
    return sorted(Path(output).glob(f"{ANSWERS}*/*.parquet"))


def _paths(output):
    columns = [pa.parquet.read_table(file, columns=["path"])["path"].combine_chunks() for file in _files(output)]
    return pa.concat_arrays([pa.array([], pa.string()), *columns])


def counts(output):
    """How many rows there are, and how many of them have an error."""
    total = errors = 0
    for file in _files(output):
        column = pa.parquet.read_table(file, columns=["error"])["error"]
        total, errors = total + len(column), errors + len(column) - column.null_count
    return total, errors


def without(batch, done):
    """The rows of a table whose path is not among those that are done."""
    return batch.filter(pa.compute.invert(pa.compute.is_in(batch["path"].cast(pa.string()), value_set=done)))
