"""--precision int8: compiled code must give the interpreter's bits, since between bytes all is integers, and the
files that come out must say what they compute with. Sizes are odd, so that tails of every kind occur."""

import json

import pytest
from marks import target_parameters
from small_networks import UNITS, WINDOWS
from support import invoke, riffle

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
