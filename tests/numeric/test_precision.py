"""--precision int8: compiled code must give the interpreter's bits, since between bytes all is integers, and the
files that come out must say what they compute with. Sizes are odd, so that tails of every kind occur."""

import json

import numpy as np
import pytest
from marks import target_parameters
from small_networks import UNITS, WINDOWS
from support import invoke, riffle, run_riffle, write_weights

TARGETS = [parameter for parameter in target_parameters() if "x86-64-v2" not in parameter.values
           and "x86-64" not in parameter.values]
INT8 = ("--precision", "int8", "--calibration", "random", "--random-weights", "1")

POINTWISE = """network pointwise {{
    input image: f32[{batch}, {inputs}, {height}, {width}] {layout}
    output y = image |> conv({outputs}, 1) @ a |> relu |> conv({last}, 1, bias = true) @ b
}}
"""


def exact(folder, text, target):
    spec = folder / "net.rfl"
    spec.write_text(text)
    riffle("verify", spec, *INT8, "--target", target, "--tolerance", 0, "--count", 2)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("inputs,outputs,last,height,width,batch,layout", [
    (3, 58, 29, 5, 7, 1, ""), (29, 24, 5, 1, 1, 3, ""), (58, 116, 3, 4, 9, 1, "nhwc"), (7, 67, 33, 7, 7, 2, ""),
    (130, 8, 17, 2, 3, 1, "nhwc")])
def test_pointwise(tmp_path, target, inputs, outputs, last, height, width, batch, layout):
    exact(tmp_path, POINTWISE.format(**locals()), target)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels,size", [(8, 17), (29, 24), (58, 31)])
def test_windows(tmp_path, target, channels, size):
    exact(tmp_path, WINDOWS.format(**locals()), target)


@pytest.mark.parametrize("target", TARGETS + ["native"])
@pytest.mark.parametrize("channels", [12, 36, 116])
def test_units(tmp_path, target, channels):
    exact(tmp_path, UNITS.format(**locals()), target)


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
@pytest.mark.parametrize("channels,groups", [(3, 1), (3, 3), (29, 1), (64, 1), (29, 29), (64, 64)])
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
