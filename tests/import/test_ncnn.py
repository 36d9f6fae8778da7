"""Models of ncnn: each layer against ncnn, or what ncnn said of it."""

import json
import os
from pathlib import Path

import broken_ncnn
import classic_onnx
import detectors
import exported
import networks_onnx
import numpy as np
import onnx
import onnx_builder
import pytest
from ncnn_converter import convert
from ncnn_layers import GROUPS, INPUTS, cases, inputs
from ncnn_oracle import RECORDED, ask, ncnn, run_ncnn, summary
from onnx import numpy_helper
from support import SHARED, TOLERANCE, assert_close, invoke, run_riffle


def import_ncnn(folder, *options, stem="model"):
    return invoke("import", f"{stem}.param", "-o", "net.rfl", "--weights-out", "net.safetensors", *options, cwd=folder)


def run_imported(folder, arrays, count, *options):
    return run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors", *options], arrays, [(-1,)] * count,
                      folder)


def run_cases(group, folder):
    """Each result as riffle computes it."""
    model = cases(group)
    model.write(folder)
    done = import_ncnn(folder)
    assert (done.returncode, done.stderr.count("error")) == (0, 0), done.stderr
    read = {name for line in model.lines[len(INPUTS):] for name in line.split()}
    arrays = [array for name, array in inputs().items() if name in read]
    return dict(zip(model.results, run_imported(folder, arrays, len(model.results), "--interpret")))


@pytest.mark.parametrize("group", GROUPS)
def test_layers(group, tmp_path):
    recorded = json.loads(RECORDED.read_text())["results"]
    for name, array in run_cases(group, tmp_path).items():
        expected = recorded[name]
        assert array.size == np.prod(expected["shape"]), name
        difference = np.abs(np.subtract(summary(array), expected["sums"])).max()
        assert difference <= TOLERANCE * expected["sums"][-1], (name, difference)


@pytest.mark.skipif(ncnn is None, reason="the package ncnn is not installed")
@pytest.mark.parametrize("group", GROUPS)
def test_layers_against_ncnn(group, tmp_path):
    expected = ask(group)
    for name, array in run_cases(group, tmp_path).items():
        assert_close(array, expected[name].ravel())


# ---- twins ----

def small_networks():
    return {
        "shufflenet_v2": networks_onnx.shufflenet_v2(0.5, (64, 64)),
        "shufflenet_v2_plus": classic_onnx.shufflenet_v2_plus("small", (64, 64)),
        "squeezenet": exported.squeezenet(),
    }


def onnx_twins():
    for name, builder in small_networks().items():
        yield name, lambda builder=builder: builder.model(builder.random_weights(seed=4))
    yield "fastestdet head", detectors.fastestdet
    yield "yolov5_lite head", detectors.yolov5_lite
    yield "fastestdet", lambda: real_model("fastestdet.onnx")


def real_model(name):
    path = SHARED / "models" / name
    if not path.exists():
        pytest.skip(f"{name} of ../shared is not here")
    return onnx.load(path)


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in onnx_twins()])
@pytest.mark.parametrize("halves", [False, True], ids=["float32", "float16"])
def test_twin(make, halves, tmp_path):
    """The ONNX model and its twin have the same results; in half precision, with weights that are no others there."""
    model = make()
    if halves:
        for tensor in model.graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.dtype == np.float32 and array.ndim > 1:
                tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16).astype(np.float32), tensor.name))
    twin = convert(model, halves)
    twin.write(tmp_path)
    done = import_ncnn(tmp_path)
    assert done.returncode == 0, done.stderr
    assert ("half precision" in done.stderr) == halves
    session = onnx_builder.session(model)
    arrays = [np.random.default_rng(3).normal(size=slot.shape).astype(np.float32) for slot in session.get_inputs()]
    expected = session.run(None, {slot.name: array for slot, array in zip(session.get_inputs(), arrays)})
    outputs = {name: array for name, array in zip([one.name for one in model.graph.output], expected)}
    got = run_imported(tmp_path, arrays, len(expected))
    for name, array in zip([name for name in written_order(twin) if name in outputs], got):
        assert_close(array, outputs[name].ravel())
    if ncnn is not None:
        blobs = {slot.name: array[0] for slot, array in zip(session.get_inputs(), arrays)}
        for name, array in run_ncnn(tmp_path, blobs, list(outputs)).items():
            assert_close(array.ravel(), outputs[name].ravel())


def written_order(twin):
    """The blobs in the order of their layers, which is that of the outputs."""
    for line in twin.lines:
        words = line.split()
        yield from words[4 + int(words[2]):][:int(words[3])]


# ---- what cannot be imported ----

MISTAKES = Path(__file__).with_name("ncnn_mistakes.txt")


def said(case, folder):
    """The message; nothing is written then."""
    text, data, options = broken_ncnn.CASES[case]
    (folder / "model.param").write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "model.bin").write_bytes(data)
    done = import_ncnn(folder, *options)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["model.bin", "model.param"], "something was written"
    return done.stderr


def test_file_of_mistakes(tmp_path_factory):
    """RIFFLE_UPDATE=1 writes what riffle says now into it (then read the diff!)."""
    if "RIFFLE_UPDATE" in os.environ:
        MISTAKES.write_text("".join(f"==== {case}\n{said(case, tmp_path_factory.mktemp('case'))}"
                                    for case in broken_ncnn.CASES))
    assert list(mistakes()) == list(broken_ncnn.CASES)


def mistakes():
    sections = MISTAKES.read_text().split("==== ")[1:] if MISTAKES.exists() else []
    return dict(section.split("\n", 1) for section in sections)


@pytest.mark.parametrize("case", broken_ncnn.CASES)
def test_mistake(case, tmp_path):
    assert said(case, tmp_path) == mistakes()[case]


def test_weights_elsewhere(tmp_path):
    """--weights; a cut that leaves broken weights out; and a file that is not there."""
    (tmp_path / "model.param").write_text(broken_ncnn.SOUND)
    done = import_ncnn(tmp_path)
    assert done.stderr == "riffle: error: cannot open 'model.bin': No such file or directory\n"
    (tmp_path / "other.bin").write_bytes(broken_ncnn.weights())
    done = import_ncnn(tmp_path, "--weights", "other.bin", "--until", "pool")
    assert (done.returncode, done.stderr) == (0, "")
    spec = (tmp_path / "net.rfl").read_text()
    assert "global_avg_pool" in spec and spec.count("output") == 1


def test_weights_of_onnx(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    done = invoke("import", "model.onnx", "--weights", "w.bin", "-o", "a.rfl", "--weights-out", "b.safetensors",
                  cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "riffle: error: --weights is for models of ncnn, and 'model.onnx' is none"
                                                 "\nhint: an ONNX model names the files of its weights itself\n")


def test_any_name_and_set_shape(tmp_path):
    """A text is known by its first line; sizes that the model leaves open are given."""
    (tmp_path / "net.txt").write_text(broken_ncnn.SOUND.replace(" 0=6 1=6 2=3", ""))
    (tmp_path / "net.txt.bin").write_bytes(broken_ncnn.weights())
    done = invoke("import", "net.txt", "-o", "net.rfl", "--weights-out", "net.safetensors", "--set-shape",
                  "data=1,3,8,8", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and "f32[1, 3, 8, 8]" in (tmp_path / "net.rfl").read_text()
