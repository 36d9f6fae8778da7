"""Code for ARM and Android, run under qemu between guard pages: against the interpreter and reference logits.

By default each case of the single layers runs on one of the two ARM architectures; all on both with
RIFFLE_FULL_MATRIX=1.
"""


import numpy as np
import pytest
from emulated import EMULATORS, Program, missing
from marks import needs_shared
from support import EXAMPLES, FULL, assert_close, riffle, run_riffle, settings
from test_reference import RELEASED, reference
from test_single_layers import CASES, write_case
from twins import buffer_shape, to_buffer

GNU = ["aarch64-linux-gnu", "armv7-linux-gnueabihf"]
ANDROID = ["aarch64-linux-android24", "armv7a-linux-androideabi24", "x86_64-linux-android24"]
SHARE = 6  # by default one case of so many runs on a target


def parameter(target, *values):
    lacks = missing(target)
    skip = pytest.mark.skipif(bool(lacks), reason=f"no programs for {target}: lacking {lacks}")
    return pytest.param(target, *values, marks=skip, id="-".join([target, *map(str, values)]))


def single_layers():
    return [parameter(target, name) for index, name in enumerate(CASES) for turn, target in enumerate(GNU)
            if FULL or index % SHARE == turn * SHARE // len(GNU)]


def compare(target, spec, options, inputs, shapes, folder):
    """The program's outputs with the interpreter's."""
    program = Program(target, folder, spec, *options)
    expected = run_riffle(spec, [*options, "--interpret"], inputs, shapes, folder)
    for index, (got, wanted) in enumerate(zip(program.run(inputs), expected, strict=True)):
        try:
            assert_close(got.reshape(wanted.shape), wanted)
        except AssertionError as fault:
            raise AssertionError(f"output {index} of\n{spec.read_text()}{fault}") from None


@pytest.mark.parametrize("target, name", single_layers())
def test_single_layer(target, name, tmp_path):
    twin, spec, _ = write_case(name, tmp_path)
    inputs = [to_buffer(array, port) for array, port in zip(twin.random_inputs(seed=4, scale=1.0), twin.inputs)]
    shapes = [buffer_shape(port) for port in twin.outputs]
    compare(target, spec, ["--random-weights", "3"], inputs, shapes, tmp_path)


@pytest.mark.parametrize("target", [parameter(target) for target in [*ANDROID, *GNU]])
def test_small_network(target, tmp_path):
    """All of ShuffleNet V2, at a small size."""
    options = [*settings(width=0.5, size=(64, 64)), "--random-weights", "1"]
    image = np.random.default_rng(5).standard_normal((1, 3, 64, 64), np.float32)
    compare(target, EXAMPLES / "shufflenet_v2.rfl", options, [image], [(1, 1000)], tmp_path)


PICTURES = """network pictures {
    input image: u8[1, 3, 23, 39] nhwc = pixels(rgb, scale = 1 / 255, mean = [0.485, 0.456, 0.406], std = 0.25)
    output y = image |> conv(20, 3, stride = 2, padding = 1) @ stem |> relu |> max_pool(3, stride = 2, padding = 1)
}
"""


@pytest.mark.parametrize("target", [parameter(target) for target in GNU])
def test_pictures(target, tmp_path):
    """A first layer of bytes."""
    spec = tmp_path / "net.rfl"
    spec.write_text(PICTURES)
    riffle("verify", spec, "--random-weights", 1, "--target", target, "--count", 1, "--runner",
           " ".join(EMULATORS[target]))


@needs_shared
@pytest.mark.parametrize("network", RELEASED)
@pytest.mark.parametrize("target", [parameter(target) for target in GNU])
def test_logits(target, network, tmp_path):
    released = RELEASED[network]
    program = Program(target, tmp_path, EXAMPLES / released.spec, *released.options())
    for photo in ("dog", "pelican") if FULL else ("dog",):
        image, logits = reference(network, photo)
        (got,) = program.run([image])
        assert_close(got.reshape(logits.shape), logits)


def test_every_target_is_known():
    """So that none is left out by a spelling."""
    assert {*GNU, *ANDROID} == set(EMULATORS)
