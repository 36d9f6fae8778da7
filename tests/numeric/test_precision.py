"""--precision int8: compiled code must give the interpreter's bits, since between bytes all is integers, and the
files that come out must say what they compute with. Sizes are odd, so that tails of every kind occur."""

import json
import re

import numpy as np
import pytest
from marks import target_parameters
from small_networks import SMALL_EXAMPLES, UNITS, WINDOWS
from support import EXAMPLES, invoke, riffle, run_riffle, settings, write_weights

pytestmark = pytest.mark.part(2)

TARGETS = [parameter for parameter in target_parameters() if "x86-64-v2" not in parameter.values
           and "x86-64" not in parameter.values]
INT8 = ("--precision", "int8", "--calibration", "random", "--random-weights", "1")

POINTWISE = """network pointwise {{
    input image: f32[{batch}, {inputs}, {height}, {width}] {layout}
    output y = image |> conv({outputs}, 1) @ a |> relu |> conv({last}, 1, bias = true) @ b
}}
"""


def exact(folder, text, target):
    """Layers by themselves, and as many as possible row by row in one kernel."""
    spec = folder / "net.rfl"
    spec.write_text(text)
    for chains in ("never", "always"):
        riffle("verify", spec, *INT8, "--target", target, "--chains", chains, "--tolerance", 0, "--count", 2)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("inputs,outputs,last,height,width,batch,layout", [
    (3, 58, 29, 5, 7, 1, ""), (29, 24, 5, 1, 1, 3, ""), (58, 116, 3, 4, 9, 1, "nhwc"), (7, 67, 33, 7, 7, 2, ""),
    (130, 8, 17, 2, 3, 1, "nhwc")])
def test_pointwise(tmp_path, target, inputs, outputs, last, height, width, batch, layout):
    exact(tmp_path, POINTWISE.format(**locals()), target)


# One to four vectors of 8 or 16 lanes in a panel, the last of them full or not.
WIDTHS = (1, 4, 5, 8, 9, 15, 16, 17, 23, 24, 25, 32, 33, 40, 47, 48, 49, 63, 64, 65, 81, 97, 112, 113)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("groups", [1, 3])
def test_panels_of_every_width(tmp_path, target, groups):
    layers = "".join(f" |> conv({groups * width}, 1, groups = {groups}) @ w{width} |> relu" for width in WIDTHS)
    exact(tmp_path, "network panels {\n    input image: f32[1, 9, 2, 7] nhwc\n"
          f"    output y = image{layers} |> conv(3, 1) @ last\n}}\n", target)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels,size", [(8, 17), (29, 24), (58, 31)])
def test_windows(tmp_path, target, channels, size):
    exact(tmp_path, WINDOWS.format(**locals()), target)


# Weights up to the largest whole numbers; bytes, floats and windows in turn.
EQUAL = """network equal {
    input image: f32[1, 3, 31, 29]
    x = image |> conv(24, 3, stride = 2) @ a |> relu |> max_pool(3, stride = 2)
    z = x |> conv(58, 1) @ b |> relu |> conv(58, 3, groups = 58) @ c |> conv(58, 1) @ d |> relu
    output y = concat(x, z) |> conv(117, 3) @ e |> relu |> conv(150, 1) @ f |> global_avg_pool |> linear(40) @ g
}
"""


@pytest.mark.parametrize("target", ["x86-64-v4", "native"])
def test_all_targets_give_the_same_answers(tmp_path, target):
    """Bit for bit, with products of bytes and with those that are widened."""
    spec = tmp_path / "net.rfl"
    spec.write_text(EQUAL)
    image = np.random.default_rng(3).normal(size=(1, 3, 31, 29)).astype("f4")
    expected, got = (run_riffle(spec, [*INT8, "--target", name], [image], [(1, 40)], tmp_path)[0]
                     for name in ("x86-64-v3", target))
    assert (got.view("u4") == expected.view("u4")).all()
    assert np.ptp(got) > 0


@pytest.mark.parametrize("index", range(len(SMALL_EXAMPLES)))
def test_examples(index):
    """Those with products of bytes and with widened ones in turn, if this machine has both: the interpreter's answers."""
    spec, parameters, tolerance = SMALL_EXAMPLES[index]
    riffle("verify", EXAMPLES / spec, *INT8, *settings(**parameters), "--target", ("x86-64-v3", "native")[index % 2],
           "--tolerance", tolerance, "--count", 1)


SIZES = """network sizes {
    input image: f32[1, 3, 12, 14]
    x = image |> conv(CHANNELS, 3, stride = 2) @ a |> relu
    up = x |> conv_transpose(CHANNELS, 2, stride = 2) @ up |> relu |> conv(9, 3) @ b |> relu
    border = x |> conv(CHANNELS, 1) @ c |> relu |> pad_reflect(1) |> conv(9, 3, padding = 0) @ d |> relu
    y = concat(up, border |> resize([12, 14]) |> conv(7, 1) @ e |> relu) |> conv(10, 1) @ f
    output heads = y |> reshape([1, 2, 5, 12, 14]) |> permute([0, 1, 3, 4, 2])
    output rows = border |> conv(8, 1) @ g |> reshape([1, 8, 42]) |> permute([0, 2, 1])
}
"""


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels", [5, 24, 70])
def test_other_sizes_and_dimensions(tmp_path, target, channels):
    """What only takes rows and columns passes bytes on; resizes and views of other dimensions are floats between."""
    exact(tmp_path, SIZES.replace("CHANNELS", str(channels)), target)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels", [12, 36, 116])
def test_units(tmp_path, target, channels):
    exact(tmp_path, UNITS.format(**locals()), target)


# So many inputs that they are cut into blocks for the cache, and so few pixels that panels are items.
BLOCKS = """network blocks {
    input image: f32[1, 24, 9, 11] nhwc
    output y = image |> conv(1500, 1) @ a |> relu |> conv(330, 1) @ b |> global_avg_pool |> flatten |> linear(77) @ c
}
"""


@pytest.mark.parametrize("target", TARGETS + ["native"])
def test_blocks_of_inputs(tmp_path, target):
    exact(tmp_path, BLOCKS, target)


# Each kind of code that makes bytes: of planes or vectors of channels, of sums of a tile, of a window. The middle layer
# multiplies by `factor`, the last one gives the bytes as they are.
LARGE = """graph large {{
  input %x : f32[1,{channels},1,11]
  weight @w : f32[{channels},{inputs},1,1]
  weight @last : f32[{channels},1,1,1]
  weight @zero : f32[{channels}]
  weight @one : f32[{channels}]
  weight @factor : f32[{channels}]
  %q = quantize %x factor=@one zero=@zero : u8[1,{channels},1,11]
  %b = quantized_conv %q weight=@w zero=@zero factor=@factor offset=@zero {{groups = {groups}}} : u8[1,{channels},1,11]
  %y = quantized_conv %b weight=@last zero=@zero factor=@one offset=@zero {{groups = {channels}, result = f32}} : f32[1,{channels},1,11]
  output y = %y
}}
"""


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels,groups", [(3, 1), (3, 3), (20, 1), (29, 1), (40, 1), (64, 1), (29, 29), (64, 64)])
@pytest.mark.parametrize("factor", [1, 1e12, -1e12])
def test_numbers_beyond_bytes(tmp_path, target, channels, groups, factor):
    """What is too large becomes 255, too small or NaN 0, however far off it is."""
    inputs = channels // groups
    spec, weights = tmp_path / "large.rir", tmp_path / "w.safetensors"
    spec.write_text(LARGE.format(**locals()))
    vector = np.ones(channels, "f4")
    identity = np.eye(channels, dtype="f4") if groups == 1 else vector
    write_weights(weights, {"w": identity.reshape(channels, inputs, 1, 1), "last": vector.reshape(channels, 1, 1, 1),
                            "zero": 0 * vector, "one": vector, "factor": factor * vector})
    row = [1e3, 1e12, 2.0 ** 31, 3e38, np.inf, -1e3, -1e12, -np.inf, np.nan, 5, 0]
    numbers = np.stack([np.roll(np.array(row, "f4"), c) for c in range(channels)])[None, :, None]
    got, = run_riffle(spec, ["--weights", weights, "--target", target], [numbers], [numbers.shape], tmp_path)
    bytes_in = np.clip(np.nan_to_num(numbers, nan=0), 0, 255)
    assert (got == np.clip(bytes_in * np.float32(factor), 0, 255)).all()
    riffle("verify", spec, "--weights", weights, "--target", target, "--input", tmp_path / "input0.f32", "--tolerance", 0)


def test_files_say_the_precision(tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(UNITS.format(channels=12))
    for precision, options in (("fp32", ("--random-weights", "1")), ("int8", INT8)):
        riffle("compile", spec, *options, "--target", "x86-64-v3", "-o", tmp_path)
        description = json.loads((tmp_path / "units.json").read_text())
        assert description["precision"] == precision
        assert ("quantize" in description["pipeline"]) == (precision == "int8")
        assert f"computes with {precision}" in (tmp_path / "units.h").read_text()


def test_answers_are_compared_with_floats(tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(POINTWISE.format(inputs=3, outputs=16, last=10, height=1, width=1, batch=1, layout=""))
    (tmp_path / "x.f32").write_bytes(bytes(12))
    report = riffle("verify", spec, *INT8, "--evaluate", tmp_path / "x.f32")
    assert "int8 and fp32 on 1 inputs: the same first class on 1" in report


def test_calibration_must_fit(tmp_path):
    spec = tmp_path / "net.rfl"
    spec.write_text(POINTWISE.format(inputs=3, outputs=16, last=10, height=2, width=2, batch=1, layout=""))
    (tmp_path / "x.f32").write_bytes(bytes(12))
    done = invoke("run", spec, "--random-weights", "1", "--precision", "int8", "--calibration", tmp_path / "x.f32",
                  "--input", tmp_path / "x.f32")
    assert done.returncode == 1 and "x.f32" in done.stderr


# ---- calibration that says nothing ----

CALIBRATED = """network calibrated {
    input x: f32[1, 3, 32, 32]
    t = x |> conv(16, 3, bias = true) @ c0 |> relu
    output y = t |> conv(8, 1) @ c1 |> global_avg_pool |> linear(10) @ f
}
"""
NUMBERS = np.random.default_rng(1).standard_normal(3 * 32 * 32)
WITHOUT_WIDTH = "net.rfl:2:11: warning: calibration: the range of input 'x' has no width, since no channel of it changes"
OUTLIER = ("net.rfl:2:11: warning: calibration: the range of input 'x' is over 100 times as wide as 99.9 % of its numbers need, "
           "since a few are far larger")


def calibrated(folder, numbers, *options):
    """`riffle verify` of what is calibrated with the numbers and evaluated on others."""
    (folder / "net.rfl").write_text(CALIBRATED)
    np.asarray(numbers, "<f4").tofile(folder / "x.f32")
    NUMBERS.astype("<f4").tofile(folder / "other.f32")
    return invoke("verify", "net.rfl", "--random-weights", "1", "--precision", "int8", "--calibration", "x.f32",
                  "--evaluate", "other.f32", *options, cwd=folder)


def with_number(number):
    numbers = NUMBERS.copy()
    numbers[100] = number
    return numbers


@pytest.mark.parametrize("number,name", [(np.nan, "NaN"), (np.inf, "+infinity"), (-np.inf, "-infinity")])
def test_calibration_must_be_finite(tmp_path, number, name):
    done = calibrated(tmp_path, with_number(number))
    assert done.returncode == 1
    assert done.stderr == (
        f"net.rfl:2:11: error: calibration: input 'x' has the number {name} on 'x.f32', which no range of bytes can cover\n"
        "    input x: f32[1, 3, 32, 32]\n          ^\n"
        "hint: give inputs of the kind that the network will see\n")


def test_layers_must_be_finite(tmp_path):
    done = calibrated(tmp_path, np.sign(NUMBERS) * 3e38)
    assert done.returncode == 1 and done.stderr.count("error:") == 1
    assert re.match(r"net.rfl:3:\d+: error: calibration: 'c0' \(conv\) has the number [+-]infinity on 'x.f32', which no range "
                    r"of bytes can cover\n", done.stderr)
    assert done.stderr.endswith("hint: the weights may be too large, or not finite themselves\n")


@pytest.mark.parametrize("number", [0, 7])
def test_range_without_width(tmp_path, number):
    done = calibrated(tmp_path, np.full(NUMBERS.shape, number))
    assert WITHOUT_WIDTH in done.stderr and done.stderr.count("warning:") == 1
    assert ("; the same holds for 'c0' (conv)" in done.stderr) == (number == 0)  # others meet the padding


@pytest.mark.parametrize("number,warns", [(1000, True), (-1000, True), (100, False)])
def test_range_of_an_outlier(tmp_path, number, warns):
    done = calibrated(tmp_path, with_number(number), "--tolerance", 1)
    assert (OUTLIER in done.stderr) == warns == ("warning" in done.stderr)
    assert done.returncode == 0


def test_good_calibration_is_silent(tmp_path):
    done = calibrated(tmp_path, NUMBERS)
    assert (done.returncode, done.stderr) == (0, "")


def test_answers_that_are_too_far_off_fail(tmp_path):
    done = calibrated(tmp_path, 1e-3 * NUMBERS)
    assert done.returncode == 1
    assert done.stderr == (
        "riffle: error: the answers of int8 differ from those of fp32 by more than 0.5 of the largest |value|\n"
        "hint: calibrate with inputs like those that are evaluated, or allow more with --tolerance\n")
    assert calibrated(tmp_path, 1e-3 * NUMBERS, "--tolerance", 1).returncode == 0
