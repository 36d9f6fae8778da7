"""The stand-in itself: it runs right programs right, and finds what is wrong with the others."""

import re

import pytest
from shim import HERE, build_program, call

SAMPLE = HERE / "sample" / "sample.cu"
KERNELS = ["turn", "turn_vectors", "sum", "swap_in_warp", "move_twice"]
ORDERS = {"forward": 0, "backward": -1, "shuffled": 5}
# The synchronisation of each kernel, by the comments behind it.
LINES = {match.group(2): number for number, line in enumerate(SAMPLE.read_text().splitlines(), 1)
         if (match := re.search(r"(__sync\w+|__threadfence)\(\); // (.*)", line))}
LEFT_OUT = {
    "between writing and reading": "turn",
    "between reading and writing the next": "turn",
    "between writing and reading vectors": "turn_vectors",
    "before the partial sums are read": "sum",
    "before the neighbour is read": "swap_in_warp",
    "all of the block have arrived": "move_twice",
    "all of the block may go on": "move_twice",
    "publish": "move_twice",
    "take notice": "move_twice",
}
# What a machine that runs one thread after another does right all the same.
ONLY_RACES = {"publish", "take notice"}
MISTAKES = {
    "1": "heap-buffer-overflow|use-after-poison",
    "2": "global-buffer-overflow|index 96 out of bounds",
    "3": "heap-buffer-overflow",
    "4": "misaligned address",
    "5": "waits at the barrier of line",
    "6": "waits at line .* for ever|lane 7",
    "host": "use-after-poison",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    return {build: build_program(build, [SAMPLE], folder / build) for build in ("asan", "races")}


def run(program, *words):
    """(error, races, barriers left out) of the program."""
    said = call([program, *words]).stdout
    error, races, left_out, objects = re.fullmatch(
        r"error (\S+), races (\d+), left out (\d+), objects (\d+)\n", said).groups()
    assert objects == "0"
    return float(error), int(races), int(left_out)


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_right_programs(sample, kernel, order):
    for program in sample.values():
        assert run(program, kernel, order) == (0, 0, 0)


@pytest.mark.parametrize("what", LEFT_OUT)
def test_missing_synchronisation(sample, what):
    """An order in which the result is wrong, unless the machine has no such order; and always a race."""
    kernel, line = LEFT_OUT[what], LINES[what]
    found = [run(sample["asan"], kernel, order, line) for order in ORDERS.values()]
    assert all(left_out > 0 for _, _, left_out in found)
    assert any(error != 0 for error, _, _ in found) == (what not in ONLY_RACES), found
    assert run(sample["races"], kernel, 0, line)[1] > 0


def test_all_synchronisation_is_tried():
    assert set(LINES) - {"not reached by all", "another one", "of no use", "nor this"} == set(LEFT_OUT)


@pytest.mark.parametrize("mistake, message", MISTAKES.items())
def test_mistakes(sample, mistake, message):
    done = call([sample["asan"], mistake, 0], check=False)
    assert done.returncode != 0
    assert re.search(message, done.stderr), done.stderr


def test_read_only_cache(sample):
    """Nor does a barrier help who reads through it what the same launch wrote."""
    assert run(sample["races"], "7", 0)[1] > 0
