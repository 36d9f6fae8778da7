"""Models that were quantised elsewhere run with their own numbers: those of ONNX Runtime, or a step beside them."""

import numpy as np
import onnx
import onnxruntime
import pytest
from comparing import import_model
from exported import NETWORKS
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from small_models import model, node, values
from support import SHARED, invoke, run_riffle

# Of the answers, how many may be a step or two beside ONNX Runtime's, which multiplies and rounds in another order
# (its own optimised form differs from the plain one as much).
MOST_STEPS = 2


def run_plainly(made, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    return session.run(None, {slot.name: array for slot, array in zip(session.get_inputs(), inputs)})


def compare(made, folder, inputs, step, share, precisions=("fp32", "int8"), options=()):
    """`step` is that of the answers, of which `share` may differ by a step."""
    if not isinstance(made, bytes):
        made = made.SerializeToString()
    done, spec = import_model(made, folder, *options)
    assert (done.returncode, done.stderr) == (0, "")
    expected = run_plainly(made, inputs)
    for precision in precisions:
        got = run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors", "--precision", precision], inputs,
                         [array.shape for array in expected], folder)
        for one, other in zip(got, expected):
            off = np.abs(one - other) / step
            assert off.max() < MOST_STEPS + 0.01, f"{precision}: {off.max()} steps"
            assert (off > 0.01).mean() <= share, f"{precision}: {(off > 0.01).mean()} of all are off"
    return spec


class Inputs(CalibrationDataReader):
    def __init__(self, shape):
        self.shape, self.left = shape, 4

    def get_next(self):
        self.left -= 1
        return {"image": np.random.default_rng(self.left).normal(size=self.shape).astype(np.float32)} if self.left else None


def quantized(network, folder, form, activations, per_channel):
    twin = network(folded=True)
    made = twin.model(twin.random_weights(seed=2))
    shape = [dimension.dim_value for dimension in made.graph.input[0].type.tensor_type.shape.dim]
    path = folder / "quantized.onnx"
    quantize_static(made, path, Inputs(shape), quant_format=form, activation_type=activations, weight_type=QuantType.QInt8,
                    per_channel=per_channel)
    return path.read_bytes(), [np.random.default_rng(0).normal(size=shape).astype(np.float32)]


def last_step(made):
    """Of the scale of what the network ends with."""
    graph = onnx.ModelProto.FromString(made).graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {one.output[0]: one for one in graph.node}
    last = makers[graph.output[0].name]
    last = makers[last.input[0]] if last.op_type == "Identity" else last
    assert last.op_type == "DequantizeLinear"
    return float(numpy_helper.to_array(constants[last.input[1]]).reshape(-1)[0])


@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator], ids=["qdq", "qoperator"])
@pytest.mark.parametrize("activations,per_channel", [(QuantType.QUInt8, True), (QuantType.QInt8, False)], ids=["u8", "s8"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_network(network, activations, per_channel, form, tmp_path):
    made, inputs = quantized(network, tmp_path, form, activations, per_channel)
    spec = compare(made, tmp_path, inputs, last_step(made), 0.7)
    assert "fake_quantize" in spec


def on_target(folder, target, inputs, shape):
    return run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors", "--precision", "int8", "--target", target],
                      inputs, [shape], folder)[0]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_targets_agree(network, tmp_path):
    """Weights are up to 127: the same layers compute with bytes, and answers are equal bit for bit."""
    made, inputs = quantized(network, tmp_path, QuantFormat.QDQ, QuantType.QUInt8, True)
    import_model(made, tmp_path)
    shape = run_plainly(made, inputs)[0].shape
    narrow, wide = (on_target(tmp_path, target, inputs, shape) for target in ("x86-64-v3", "native"))
    assert (narrow.view("u4") == wide.view("u4")).all()
    compiled = invoke("compile", "net.rfl", "--weights", "net.safetensors", "--precision", "int8", "--target", "x86-64-v3",
                      "--emit", "schedule", "-o", "out", cwd=tmp_path)
    assert compiled.returncode == 0, compiled.stderr
    assert "quantized_conv" in next((tmp_path / "out").glob("*.schedule")).read_text()


def test_layers_compute_with_bytes(tmp_path):
    """All of them, at -O2, where weights are whole numbers and scales are one for a tensor."""
    made, inputs = quantized(NETWORKS[0], tmp_path, QuantFormat.QDQ, QuantType.QUInt8, True)
    import_model(made, tmp_path)
    done = invoke("opt", "net.rfl", "--weights", "net.safetensors", "--passes=O2,quantize,dead-code", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert " = conv " not in done.stdout and " = linear " not in done.stdout
    assert done.stdout.count(" = quantized_conv ") == 24
    done = invoke("opt", "net.rfl", "--weights", "net.safetensors",
                  "--passes=O2,quantize{largest-weight=64},dead-code", cwd=tmp_path)
    assert done.stdout.count(" = quantized_conv ") == 0  # weights are up to 127


def scale(name, number):
    return numpy_helper.from_array(np.array(number, np.float32), name)


def zero(name, number, type=np.uint8):
    return numpy_helper.from_array(np.array(number, type), name)


def pair(source, result, scale="s", zero="z", **attributes):
    return [node("QuantizeLinear", [source, scale, zero], [result + "_q"], result + "_q", **attributes),
            node("DequantizeLinear", [result + "_q", scale, zero], [result], result, **attributes)]


INPUT = [np.random.default_rng(4).normal(scale=3, size=(1, 4, 6, 6)).astype(np.float32)]
SLOT = [values("x", [1, 4, 6, 6])]


@pytest.mark.parametrize("type,point", [(np.uint8, 0), (np.uint8, 100), (np.int8, 0), (np.int8, -128), (np.uint16, 30000),
                                        (np.int16, 0)])
def test_rounding(type, point, tmp_path):
    """Numbers that lie beyond the range are brought to its end."""
    made = model(pair("x", "y"), SLOT, None, [scale("s", 0.013), zero("z", point, type)], opset=21)
    compare(made, tmp_path, INPUT, 0.013, 0.001, precisions=["fp32"])


def test_weights_are_quantised_in_the_model(tmp_path):
    """As trained with quantisation: floats, and then a pair of nodes."""
    weight = np.random.default_rng(1).normal(size=(5, 4, 3, 3)).astype(np.float32)
    scales = (np.abs(weight).max((1, 2, 3)) / 127).astype(np.float32)
    nodes = [*pair("x", "a"), *pair("w", "v", "ws", "wz", axis=0), node("Conv", ["a", "v"], ["b"], pads=[1, 1, 1, 1]),
             *pair("b", "y", "t", "z")]
    made = model(nodes, SLOT, None, [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(scales, "ws"),
                                     numpy_helper.from_array(np.zeros(5, np.int8), "wz"), scale("s", 0.05), scale("t", 0.2),
                                     zero("z", 120)], opset=13)
    compare(made, tmp_path, INPUT, 0.2, 0.02)
    done = invoke("opt", "net.rfl", "--weights", "net.safetensors", "--passes=O2,quantize,dead-code", cwd=tmp_path)
    assert " = quantized_conv " in done.stdout


def test_scales_that_differ_stay(tmp_path):
    """A concat of two scales, not rounded again: the layer behind it computes with floats, as it does there."""
    weight = np.random.default_rng(1).integers(-127, 128, size=(5, 8, 1, 1)).astype(np.float32) * np.float32(0.01)
    nodes = [*pair("x", "a"), *pair("x", "b", "t"), node("Concat", ["a", "b"], ["c"], axis=1), node("Conv", ["c", "w"], ["y"])]
    made = model(nodes, SLOT, None, [numpy_helper.from_array(weight, "w"), scale("s", 0.05), scale("t", 0.02), zero("z", 128)])
    compare(made, tmp_path, INPUT, 0.01, 0)
    done = invoke("opt", "net.rfl", "--weights", "net.safetensors", "--passes=O2,quantize,dead-code", cwd=tmp_path)
    assert " = quantized_conv " not in done.stdout


def test_many_ways_to_one_tensor(tmp_path):
    """Each join has the one before it 32 times: it is known once that all of it is rounded already."""
    nodes, last = pair("x", "a"), "a"
    for i in range(7):
        nodes += [node("Concat", [last, "a"] * 32, [f"c{i}"], f"c{i}", axis=2),
                  node("Slice", [f"c{i}", "begin", "end", "axis"], [f"v{i}"], f"v{i}")]
        last = f"v{i}"
    bounds = [numpy_helper.from_array(np.array([number], np.int64), name)
              for name, number in (("begin", 1), ("end", 4), ("axis", 2))]
    made = model([*nodes, *pair(last, "y")], [values("x", [1, 2, 3, 3])], None, [scale("s", 0.05), zero("z", 128), *bounds])
    done, spec = import_model(made, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert spec.count("fake_quantize") == 1


def test_calibration_is_not_needed(tmp_path):
    done, _ = import_model(model(pair("x", "y"), SLOT, None, [scale("s", 0.5), zero("z", 0)]), tmp_path)
    assert done.returncode == 0
    done = invoke("compile", "net.rfl", "--precision", "int8", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


REFUSED = {
    "several scales": (
        model(pair("x", "y", axis=1), SLOT, None, [numpy_helper.from_array(np.ones(4, np.float32), "s"),
                                                   numpy_helper.from_array(np.zeros(4, np.uint8), "z")]),
        "node 'y_q' (QuantizeLinear): it has several scales; those of tensors that are computed must be one"),
    "another scale": (
        model([node("QuantizeLinear", ["x", "s", "z"], ["q"], "q"), node("DequantizeLinear", ["q", "t", "z"], ["y"], "d")], SLOT,
              None, [scale("s", 0.5), scale("t", 0.25), zero("z", 0)]),
        "node 'd' (DequantizeLinear): its input 'q' was not quantised with the scale that it is to be taken apart with"),
    "no number": (
        model(pair("x", "y"), SLOT, None, [scale("s", 0), zero("z", 0)]),
        "node 'y_q' (QuantizeLinear): its scale 0 is no positive number"),
    "computed scale": (
        model([node("GlobalAveragePool", ["x"], ["m"]), *pair("x", "y", "m")], SLOT, None, [zero("z", 0)]),
        "node 'y_q' (QuantizeLinear): its scale 'm' is computed when the network runs"),
    "blocks": (
        model(pair("x", "y", block_size=2), SLOT, None, [scale("s", 0.5), zero("z", 0)], opset=21),
        "node 'y_q' (QuantizeLinear): scales of blocks are not known to riffle"),
    "dynamic": (
        model([node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])], SLOT),
        "it computes with integers in ways that are not known to riffle (DynamicQuantizeLinear)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, tmp_path):
    made, message = REFUSED[name]
    done, _ = import_model(made, tmp_path)
    assert done.returncode == 1
    assert f"model.onnx: error: {message}\n" in done.stderr


def test_angle(tmp_path):
    """A public model (DayBreak-u/chineseocr_lite), quantised by ONNX Runtime: no answer differs."""
    path = SHARED / "models" / "angle_qdq.onnx"
    if not path.exists():
        pytest.skip(f"skipped: no {path.name}")
    inputs = [np.random.default_rng(seed).normal(size=(1, 3, 32, 192)).astype(np.float32) for seed in (0,)]
    compare(path.read_bytes(), tmp_path, inputs, 1 / 255, 0)
