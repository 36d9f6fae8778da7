"""Networks that several tests call, compiled once. The package is that of the folder python/, by PYTHONPATH."""

import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "numeric"), str(TESTS), str(TESTS.parent / "python")]

import riffle  # noqa: E402

TINY = TESTS / "consumers" / "tiny.rfl"

# Two inputs of different shapes, one output.
TWO_INPUTS = """network two(batch = 1) {
    input left: f32[batch, 4, 6, 6]
    input right: f32[batch, 4, 1, 1]
    output sum = left + conv(left, 4, 1) @ mix |> relu
    output scaled = right |> relu
}
"""

ONE_OUTPUT = """network one(batch = 1) {
    input image: f32[batch, 3, 8, 8]
    output result = image |> conv(5, 3, padding = 1) @ first |> relu
}
"""


def write_spec(folder, text, name="net.rfl"):
    path = folder / name
    path.write_text(text)
    return path


def images(tensor, count=None, seed=1):
    shape = tensor.shape if count is None else (count, *tensor.shape[1:])
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.fixture(scope="session")
def tiny():
    return riffle.load(TINY, random_weights=1)


@pytest.fixture(scope="session")
def tiny_net(tiny):
    return tiny.compile()


@pytest.fixture(scope="session")
def one_net(tmp_path_factory):
    """One input, one output, whose weights are known: conv(x)[c] = relu(c * middle pixel of channel c % 3)."""
    weights = {"first.weight": np.zeros((5, 3, 3, 3), np.float32)}
    for channel in range(5):
        weights["first.weight"][channel, channel % 3, 1, 1] = channel
    spec = write_spec(tmp_path_factory.mktemp("one"), ONE_OUTPUT)
    return riffle.load(spec, weights=weights).compile()


def one_answer(image):
    return np.stack([np.maximum(channel * image[:, channel % 3], 0) for channel in range(5)], axis=1)
