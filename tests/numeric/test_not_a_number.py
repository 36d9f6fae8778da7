"""What becomes of NaN, infinities, denormals and the largest numbers: the same everywhere, and as numpy computes it."""

import numpy as np
import pytest
from marks import target_parameters
from support import SHARED, invoke

# Whole vectors of every width, and a rest; each number meets each op.
SPECIAL = [np.nan, np.inf, -np.inf, 3.4028235e38, -3.4028235e38, 1e-40, -1e-40, -0.0, 0.5, -0.5, 7, -7]
CHANNELS = 29
POOLED = 5

SPEC = f"""network special() {{
    input x: f32[1, {CHANNELS}, 1, 2]
    input w: f32[1, {CHANNELS}, {POOLED}, {POOLED}]
    input rows: f32[4, {CHANNELS}]
    output relu = relu(x)
    output relu6 = relu6(x)
    output sigmoid = sigmoid(x)
    output hard_sigmoid = hard_sigmoid(x)
    output hard_swish = hard_swish(x)
    output padded = max_pool(w, 3, padding=1)
    output bare = max_pool(w, 2, stride=1, padding=0)
    output softmax = softmax(rows)
    output swish = multiply(x, sigmoid(x))
    output weighted = multiply(rows, softmax(rows))
    output log_softmax = log_softmax(rows)
    output largest = reduce(rows, [1], max)
    output smallest = reduce(w, [2, 3], min)
    output column_sums = reduce(w, [2], sum)
    output squares = reduce(w, [1, 3], l2)
    output row_index = arg_max(rows, 1)
    output least_index = arg_max(w, 3, least = true, last = true)
}}
"""
WAYS = [pytest.param(["--interpret"], id="interpreter"),
        *(pytest.param(["--target", *parameter.values], id=parameter.id, marks=parameter.marks)
          for parameter in target_parameters()),
        *(pytest.param(["--backend", "c", "--target", target], id=f"c-{target}") for target in ("generic", "x86-64"))]


def inputs():
    x = np.resize(np.array(SPECIAL, np.float32), (1, CHANNELS, 1, 2))
    w = np.resize(np.arange(-9, 8, dtype=np.float32), (1, CHANNELS, POOLED, POOLED)).copy()
    for channel in range(CHANNELS - 1):  # NaN at every place of a window, beside infinities
        w[0, channel].flat[channel % (POOLED * POOLED)] = SPECIAL[channel % 3]
        w[0, channel].flat[(channel + 7) % (POOLED * POOLED)] = SPECIAL[channel // 3 % 3]
    w[0, CHANNELS - 1] = -np.inf
    rows = np.resize(np.linspace(-3, 3, 7, dtype=np.float32), (4, CHANNELS)).copy()
    rows[0, 3] = np.nan
    rows[1, 20] = np.inf
    rows[2, 28] = -np.inf
    rows[3] = -np.inf
    return [x, w, rows]


def pool(w, size, padding):
    w = np.pad(w, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(w, (size, size), (2, 3)).max((4, 5))


def index(x, axis, last=False):
    """Of the largest, NaN where a number is."""
    if last:
        found = x.shape[axis] - 1 - np.flip(x, axis).argmax(axis, keepdims=True)
    else:
        found = x.argmax(axis, keepdims=True)
    return np.where(np.isnan(x).any(axis, keepdims=True), np.nan, found)


def expected():
    x, w, rows = (array.astype(np.float64) for array in inputs())
    with np.errstate(all="ignore"):
        hard = np.clip(x + 3, 0, 6)
        shifted = np.exp(rows - rows.max(1, keepdims=True))
        softmax = shifted / shifted.sum(1, keepdims=True)
        sigmoid = 1 / (1 + np.exp(-x))
        return {"relu": np.maximum(x, 0), "relu6": np.clip(x, 0, 6), "sigmoid": sigmoid,
                "hard_sigmoid": hard / 6, "hard_swish": x * hard / 6, "padded": pool(w, 3, 1),
                "bare": pool(w, 2, 0), "softmax": softmax, "swish": x * sigmoid, "weighted": rows * softmax,
                "log_softmax": rows - rows.max(1, keepdims=True) - np.log(shifted.sum(1, keepdims=True)),
                "largest": rows.max(1, keepdims=True), "smallest": w.min((2, 3), keepdims=True),
                "column_sums": w.sum(2, keepdims=True), "squares": np.sqrt((w * w).sum((1, 3), keepdims=True)),
                "row_index": index(rows, 1), "least_index": index(-w, 3, last=True)}


@pytest.mark.parametrize("way", WAYS)
def test_special_numbers(way, tmp_path):
    spec = tmp_path / "special.rfl"
    spec.write_text(SPEC)
    words = ["run", spec, *way]
    for index, array in enumerate(inputs()):
        array.astype("<f4").tofile(tmp_path / f"{index}.f32")
        words += ["--input", tmp_path / f"{index}.f32"]
    wanted = expected()
    for name in wanted:
        words += ["--output", tmp_path / f"{name}.f32"]
    done = invoke(*words)
    assert done.returncode == 3, done.stderr
    for name, values in wanted.items():
        got = np.fromfile(tmp_path / f"{name}.f32", "<f4").reshape(values.shape)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(values), name)
        np.testing.assert_allclose(got, values.astype(np.float32), rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("way", WAYS)
def test_channels_without_plane_stay_apart(way, tmp_path):
    """Zero times infinity is NaN: no matrix may stand for a batch norm or a bias of [n,c]."""
    spec = tmp_path / "rows.rfl"
    spec.write_text(f"""network rows() {{
    input rows: f32[4, {CHANNELS}]
    normed = batch_norm(rows)
    output y = bias(relu(normed))
    output n = normed
}}
""")
    rows = inputs()[2]
    rows.astype("<f4").tofile(tmp_path / "rows.f32")
    done = invoke("run", spec, "--random-weights", "1", "--input", tmp_path / "rows.f32",
                  "--output", tmp_path / "y.f32", "--output", tmp_path / "n.f32", *way)
    assert done.returncode == 3, done.stderr
    normed = np.fromfile(tmp_path / "n.f32", "<f4").reshape(rows.shape)
    y = np.fromfile(tmp_path / "y.f32", "<f4").reshape(rows.shape)
    np.testing.assert_array_equal(np.isnan(normed), np.isnan(rows))
    np.testing.assert_array_equal(np.isinf(normed), np.isinf(rows))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(rows))
    np.testing.assert_array_equal(np.isinf(y), rows == np.inf)


def test_numpy_agrees_with_onnx_runtime():
    """The rule is that of other engines, where their answers agree."""
    import onnxruntime
    from onnx import TensorProto, helper

    x = np.array(SPECIAL, np.float32)
    nodes = [helper.make_node("Relu", ["x"], ["relu"]), helper.make_node("Sigmoid", ["x"], ["sigmoid"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n in ("relu", "sigmoid")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with np.errstate(all="ignore"):
        wanted = [np.maximum(x, 0), 1 / (1 + np.exp(-x.astype(np.float64)))]
    for got, values in zip(session.run(None, {"x": x}), wanted):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(values))


CASES = SHARED / "cases" / "not_a_number"


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no {CASES}")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spec, numbers, places", [("sm", "nan8", range(8)), ("sm", "inf8", range(8)),
                                                   ("sg", "nan8", [7]), ("mp", "nan9", [0]), ("mp", "nan9b", [0])])
def test_given_cases(spec, numbers, places, way, tmp_path):
    out = tmp_path / "y.f32"
    done = invoke("run", CASES / f"{spec}.rfl", "--input", CASES / f"{numbers}.f32", "--output", out, *way)
    assert done.returncode == 3, done.stderr
    assert list(np.flatnonzero(np.isnan(np.fromfile(out, "<f4")))) == list(places)
