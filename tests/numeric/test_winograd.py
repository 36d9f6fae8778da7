"""Dense 3x3 convolutions by Winograd's algorithm, wherever it can compute them, against the interpreter.

`riffle verify` puts guard bytes round all buffers; on two threads the blocks of tiles go to either.
"""

import json

import numpy as np
import pytest
from marks import target_parameters
from support import EXAMPLES, part, riffle, run_riffle, settings, verify
from twins import Twin, buffer_shape, to_buffer

CASES = {}


def case(*values):
    """Registers a function that builds a twin, once for each value."""

    def register(build):
        for value in values:
            CASES[f"{build.__name__}-{value}".replace(" ", "")] = (build, value)
        return build

    return register


def conv(t, x, channels, padding=1, **options):
    return t.conv(x, channels, 3, padding=padding, **options)


@case(1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 27)
def sizes(t, size):
    """Odd and even, down to a single tile, at all of whose edges pixels are outside."""
    other = 5 if size % 2 == 0 else 28 - size
    for height, width in ((size, size), (size, other), (other, size)):
        x = t.input(17, height, width, layout="nhwc")
        t.output(conv(t, x, 24, bias=True), layout="nhwc")
        if min(height, width) > 2:
            t.output(conv(t, x, 5, padding=0), layout="nhwc")


@case(1, 3, 5, 17, 58, 96)
def tails(t, channels):
    """Of channels, in and out."""
    x = t.input(channels, 9, 10, layout="nhwc")
    for out in (1, 3, 5, 17, 58, 96):
        t.output(t.apply("relu", conv(t, x, out, bias=True)), layout="nhwc")


@case((0, 1, 2, 0), (1, 0, 0, 2), (2, 2, 1, 1), (2, 2, 2, 2), (0, 2, 0, 2))
def paddings(t, padding):
    for height, width in ((6, 7), (7, 6), (1, 2), (11, 64)):
        x = t.input(20, height, width, batch=2, layout="nhwc")
        if height + padding[0] + padding[2] > 2 and width + padding[1] + padding[3] > 2:
            t.output(conv(t, x, 19, padding=padding), layout="nhwc")


@case("relu", "relu6", "sigmoid", "hard_sigmoid", "hard_swish")
def epilogues(t, activation):
    x = t.apply("relu", t.conv(t.input(9, 9, 7, batch=2), 29, 1))
    y = t.batch_norm(conv(t, x, 29))
    t.output(t.apply(activation, y))
    t.output(t.apply(activation, t.apply("add", x, y)))
    t.output(t.apply("add", t.apply(activation, y), x), layout="nhwc")


@case(8, 13, 40)
def runs(t, channels):
    """Inputs, residuals and outputs of several runs: SqueezeNet's concats, ShuffleNet's shuffles."""
    x = t.conv(t.input(6, 7, 9, batch=2), 2 * channels, 1)
    left, right = t.split(x, [channels, channels])
    joined = t.apply("concat", t.apply("relu", conv(t, right, channels)), conv(t, left, 11), left)
    t.output(conv(t, joined, 23))
    mixed = t.shuffle(t.apply("concat", conv(t, x, channels), t.conv(x, channels, 1)), 2)
    t.output(t.apply("relu", t.apply("add", conv(t, mixed, 2 * channels), mixed)))
    t.output(t.conv(mixed, 5, 1))


@case((3, 200), (200, 3), (57, 58))
def large(t, size):
    """Rows that are cut into sections, the last of which overlaps another."""
    x = t.conv(t.input(3, *size), 60, 1)
    t.output(conv(t, x, 33))


def write_case(name, folder):
    build, value = CASES[name]
    twin = Twin()
    build(twin, value)
    spec = folder / "small.rfl"
    spec.write_text(twin.spec())
    return twin, spec


@pytest.mark.parametrize("target", target_parameters())
@pytest.mark.parametrize("tiles", ["2x2", "4x4"])
@pytest.mark.parametrize("name", part(CASES, 5))
def test_against_interpreter(name, tiles, target, tmp_path):
    _, spec = write_case(name, tmp_path)
    verify(spec, "--random-weights", 3, "--target", target, f"--winograd={tiles}", "--threads", 2)


@pytest.mark.parametrize("tiles", ["2x2", "4x4"])
@pytest.mark.parametrize("name", ["sizes-27", "runs-40", "large-(57,58)"])
def test_threads_change_no_bit(name, tiles, tmp_path):
    twin, spec = write_case(name, tmp_path)
    arrays = [to_buffer(array, port) for array, port in zip(twin.random_inputs(seed=4, scale=1.0), twin.inputs)]
    shapes = [buffer_shape(port) for port in twin.outputs]
    options = ["--random-weights", 3, f"--winograd={tiles}"]
    one = run_riffle(spec, options, arrays, shapes, tmp_path)
    two = run_riffle(spec, [*options, "--threads", 2], arrays, shapes, tmp_path)
    for alone, shared in zip(one, two, strict=True):
        assert np.array_equal(alone, shared)


@pytest.mark.part(3)
@pytest.mark.parametrize("tiles", ["2x2", "4x4"])
@pytest.mark.parametrize("name", ["sizes-9", "tails-58", "runs-13"])
def test_in_c(name, tiles, tmp_path):
    _, spec = write_case(name, tmp_path)
    verify(spec, "--random-weights", 3, f"--winograd={tiles}", "--backend", "c")


@pytest.mark.parametrize("when, expected", [("by-cost", 8), ("never", 0), ("always", 8), ("2x2", 8), ("4x4", 8)])
def test_choice(when, expected, tmp_path):
    """SqueezeNet's eight 3x3 layers without stride are worth it; the description says which are computed so."""
    riffle("compile", EXAMPLES / "squeezenet.rfl", "--random-weights", 1, "--target", "x86-64-v3", f"--winograd={when}",
           "-o", tmp_path)
    description = json.loads((tmp_path / "squeezenet_v1_1.json").read_text())
    assert description["winograd"] == when
    labels = [step["label"] for step in description["steps"]]
    assert sum("Winograd" in label for label in labels) == expected


def test_several_levels(tmp_path):
    """Weights in blocks of output channels, which all levels read."""
    verify(EXAMPLES / "squeezenet.rfl", *settings(size=(67, 61)), "--random-weights", 1, "--target", "x86-64-multi",
           "--winograd=always")
