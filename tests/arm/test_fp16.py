"""--precision fp16 under qemu, which computes as processors with ARMv8.2's FP16 do: small networks against the
interpreter that rounds to nothing but f32, and real weights against reference logits. Older processors widen such
numbers: what is compared then is the interpreter that rounds as the graph says."""

import numpy as np
import pytest
from emulated import Program
from marks import needs_shared
from small_networks import UNITS, WINDOWS
from support import EXAMPLES, SHARED, assert_close, invoke, riffle, riffle_json, run_riffle, settings
from test_emulated import FULL, parameter
from test_reference import PHOTOS, RELEASED, reference

HERE = "aarch64-linux-gnu"
OPTIONS = ("--precision", "fp16", "--cpu")
CPUS = ["cortex-a55", "cortex-a76"]
OLDER = ["cortex-a53", "cortex-a72"]
# Of the largest |number|: rounding takes 2^-11 of each, a few times over; a lane that is wrong takes all of one.
NEAR = 0.01
# The first layer reads floats; what is looked at is the second.
BETWEEN = """network between {{
    input image: f32[{batch}, 3, {size}, {size} + 2]
    x = image |> conv({inputs}, 1) @ first |> relu
    output y = x |> {layer}
}}
"""
LAYERS = [
    "conv(58, 1, bias = true) @ a |> relu", "conv(17, 3, padding = 1) @ a |> relu6",
    "conv(24, 3, stride = 2, padding = 1, groups = 4, bias = true) @ a", "conv(9, 1) @ a |> sigmoid",
    "conv(16, 5, padding = 2) @ a |> hard_swish", "depthwise(3, padding = 1) @ a |> relu",
    "depthwise(5, stride = 2, padding = 2) @ a |> conv(8, 1) @ b", "max_pool(3, stride = 2) |> conv(8, 1) @ b",
    "avg_pool(3, stride = 2, padding = 1) |> conv(8, 1) @ b", "conv(13, 1) @ a |> relu |> global_avg_pool",
    "global_avg_pool |> linear(21, bias = true) @ a", "shuffle(4) |> conv(20, 1, groups = 4) @ a",
    "conv(40, 1) @ a |> silu |> conv(7, 1) @ b", "conv(40, 1) @ a |> leaky_relu(0.1) |> conv(7, 1) @ b",
]
RESIDUAL = """network residual {
    input image: f32[2, 9, 6, 5]
    x = image |> conv(23, 1) @ a |> relu6
    y = add(x |> conv(23, 3, padding = 1) @ b, x) |> relu
    z = multiply(y |> depthwise(3, padding = 1) @ c, y)
    output w = concat(z, x) |> conv(5, 1) @ d |> global_avg_pool
}
"""


def compare(spec, options, inputs, shapes, folder, cpu, near=NEAR):
    program = Program(HERE, folder, spec, *options, *OPTIONS, cpu)
    expected = run_riffle(spec, [*options, "--interpret"], inputs, shapes, folder)
    for got, wanted in zip(program.run(inputs), expected, strict=True):
        assert np.abs(got.reshape(wanted.shape) - wanted).max() <= near * np.abs(wanted).max()


def compare_text(text, shape, shapes, folder, cpu):
    spec = folder / "net.rfl"
    spec.write_text(text)
    image = np.random.default_rng(5).standard_normal(shape, np.float32)
    compare(spec, ["--random-weights", "1"], [image], shapes, folder, cpu)


@pytest.mark.parametrize("target, index", [parameter(HERE, index) for index in range(len(LAYERS))])
def test_layer(target, index, tmp_path):
    batch, inputs = (2, 36) if index % 2 else (1, 100)
    text = BETWEEN.format(layer=LAYERS[index], batch=batch, inputs=inputs, size=7)
    compare_text(text, (batch, 3, 7, 9), [(-1,)], tmp_path, CPUS[index % 2])


@pytest.mark.parametrize("target", [parameter(HERE)])
def test_residual(target, tmp_path):
    compare_text(RESIDUAL, (2, 9, 6, 5), [(-1,)], tmp_path, "cortex-a76")


@pytest.mark.parametrize("target, channels", [parameter(HERE, channels) for channels in (12, 36, 116)])
def test_units(target, channels, tmp_path):
    compare_text(UNITS.format(channels=channels), (1, 10, 9, 7), [(-1,)], tmp_path, "cortex-a76")


@pytest.mark.parametrize("target, channels, size", [parameter(HERE, 8, 17), parameter(HERE, 58, 31)])
def test_windows(target, channels, size, tmp_path):
    compare_text(WINDOWS.format(channels=channels, size=size), (2, 3, size, size + 4), [(-1,), (-1,)], tmp_path,
                 "cortex-a55")


def widened(spec, processor, *options):
    """On a processor that has no arithmetic of fp16, whose sums of f32 are as good as the interpreter's: what differs
    is a number of fp16 that is rounded to the next one."""
    riffle("verify", spec, *options, "--precision", "fp16", "--target", HERE, "--cpu", processor, "--runner",
           f"qemu-aarch64 -cpu {processor}", "--tolerance", 0.002, "--count", 1)


@pytest.mark.parametrize("target, index", [parameter(HERE, index) for index in range(len(LAYERS))])
def test_layer_widened(target, index, tmp_path):
    spec = tmp_path / "net.rfl"
    batch, inputs = (2, 100) if index % 2 else (1, 36)
    spec.write_text(BETWEEN.format(layer=LAYERS[index], batch=batch, inputs=inputs, size=7))
    widened(spec, OLDER[index % 2], "--random-weights", 1)


@pytest.mark.parametrize("target, text", [
    parameter(HERE, text) for text in (RESIDUAL, UNITS.format(channels=36), WINDOWS.format(channels=29, size=19))])
def test_network_widened(target, text, tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(text)
    for chains in ("always", "never"):
        widened(spec, OLDER[0], "--random-weights", 1, "--chains", chains)


@pytest.mark.parametrize("target", [parameter(HERE)])
def test_variants(target, tmp_path):
    """Variants share weights in vectors of eight: each computes as alone, but for rounding."""
    spec = tmp_path / "net.rfl"
    spec.write_text("network net(size = 6) {\n    input image: f32[1, 3, size, 5]\n    x = image |> conv(36, 1) @ first |> relu\n"
                    "    output y = x |> conv(58, 3, padding = 1, bias = true) @ a |> relu\n}\n")
    riffle("compile", spec, "--random-weights", 1, "--name", "net", "--variant", "size=6", "--variant", "size=9",
           *OPTIONS, "cortex-a76", "--target", HERE, "-o", tmp_path)
    for size in (6, 9):
        (tmp_path / str(size)).mkdir()
        program = Program(HERE, tmp_path / str(size), spec, *settings(size=size), "--random-weights", "1", *OPTIONS, "cortex-a76")
        image = np.random.default_rng(5).standard_normal((1, 3, size, 5), np.float32)
        alone, = program.run([image])
        program.link(tmp_path / "libnet.a", f"net_{size}_run")
        assert_close(program.run([image])[0], alone, NEAR)


@pytest.mark.parametrize("target, cpu", [parameter(HERE, cpu) for cpu in CPUS])
def test_small_network(target, cpu, tmp_path):
    options = [*settings(width=0.5, size=(64, 64)), "--random-weights", "1"]
    image = np.random.default_rng(5).standard_normal((1, 3, 64, 64), np.float32)
    compare(EXAMPLES / "shufflenet_v2.rfl", options, [image], [(1, 1000)], tmp_path, cpu)


@needs_shared
@pytest.mark.parametrize("photo", ["dog", "pelican"])
@pytest.mark.parametrize("target", [parameter(HERE)])
def test_logits(target, photo, tmp_path):
    """The first class, and all logits within 1 % of the largest."""
    released = RELEASED["v2"]
    program = Program(HERE, tmp_path, EXAMPLES / released.spec, *released.options(), *OPTIONS, "cortex-a76")
    image, logits = reference("v2", photo)
    got = program.run([image])[0].reshape(logits.shape)
    assert got.argmax() == logits.argmax()
    assert np.abs(got - logits).max() <= 0.01 * np.abs(logits).max()


@needs_shared
@pytest.mark.parametrize("target, photo", [parameter(HERE, photo) for photo in PHOTOS if FULL or photo.startswith("c")])
def test_first_class(target, photo, tmp_path):
    released = RELEASED["v2"]
    words = ["run", EXAMPLES / released.spec, *released.options(), "--image", SHARED / "photos" / photo, "--top", 1]
    (got,), = riffle_json(*words, "--target", HERE, *OPTIONS, "cortex-a76", "--runner", "qemu-aarch64")["top"]
    (wanted,), = riffle_json(*words)["top"]
    assert got["class"] == wanted["class"]
    assert got["probability"] == pytest.approx(wanted["probability"], abs=0.01)


@pytest.mark.parametrize("target", ["armv7-linux-gnueabihf", "cortex-a7", "x86-64-v2", "cuda-sm_90"])
def test_other_targets_are_refused(target, tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(RESIDUAL)
    done = invoke("compile", spec, "--random-weights", 1, "--precision", "fp16", "--target", target, "-o", tmp_path)
    assert done.returncode == 1 and f"there is no code for fp16 on '{target}'" in done.stderr
    assert "cortex-a55" in done.stderr


def test_c_source_is_refused(tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(RESIDUAL)
    done = invoke("compile", spec, "--random-weights", 1, "--precision", "fp16", "--target", "cortex-a76", "--emit", "c",
                  "-o", tmp_path)
    assert done.returncode == 1 and "f16" in done.stderr
