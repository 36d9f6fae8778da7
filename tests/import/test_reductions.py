"""Reductions, indices, softmax's logarithm and normalisations against ONNX Runtime, as exporters spell them."""

import numpy as np
import pytest
from comparing import compare, import_model
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT
REDUCTIONS = ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"]


def node(operator, inputs, output="y", **attributes):
    return helper.make_node(operator, inputs, [output], output + "_node", **attributes)


def graph(nodes, shape, constants=None, opset=18, type=FLOAT):
    initializers = [helper.make_tensor(name, FLOAT if np.asarray(array).dtype.kind == "f" else TensorProto.INT64,
                                       np.shape(array), np.ravel(array)) for name, array in (constants or {}).items()]
    name, own = "x", shape
    if len(shape) not in (2, 4):  # riffle's inputs have two or four dimensions
        name, own = "own", [1, int(np.prod(shape))]
        initializers.append(helper.make_tensor("own_shape", TensorProto.INT64, [len(shape)], shape))
        nodes = [node("Reshape", ["own", "own_shape"], "x"), *nodes]
    made = helper.make_graph(nodes, "reductions", [helper.make_tensor_value_info(name, FLOAT, own)],
                             [helper.make_tensor_value_info("y", type, None)], initializers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


# ---- reductions ----

@pytest.mark.parametrize("axes", [[0], [1], [2], [3], [2, 3], [-1, -2], [1, 3], [0, 2], [1, 2, 3], [0, 1, 2, 3]], ids=str)
@pytest.mark.parametrize("operator", REDUCTIONS)
def test_axes(operator, axes, tmp_path):
    keep = int(len(axes) != 1 or axes[0] > 1 or operator != "ReduceMax")
    if len(axes) == 4:
        keep = 1
    compare(graph([node(operator, ["x", "axes"], keepdims=keep)], [2, 21, 5, 6], {"axes": axes}), tmp_path)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("operator", REDUCTIONS)
def test_versions(operator, opset, tmp_path):
    """Axes are an attribute, and later an operand; ReduceSum's were one first."""
    if opset == 18 or (opset == 13 and operator == "ReduceSum"):
        model = graph([node(operator, ["x", "axes"], keepdims=0)], [1, 4, 5, 6], {"axes": [2]}, opset)
    else:
        model = graph([node(operator, ["x"], axes=[-2], keepdims=0)], [1, 4, 5, 6], opset=opset)
    compare(model, tmp_path)


def test_all_axes(tmp_path):
    compare(graph([node("ReduceSum", ["x"])], [2, 3, 4, 5]), tmp_path)


def test_no_axes(tmp_path):
    spec = compare(graph([node("ReduceMax", ["x"], "a", noop_with_empty_axes=1), node("Relu", ["a"])], [2, 3, 4, 5]), tmp_path)
    assert "reduce" not in spec


SHAPES = [[7], [3, 5], [1, 40, 2], [2, 3, 40], [2, 3, 4, 5, 6], [2, 1, 3, 2, 4, 5]]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("operator", ["ReduceMean", "ReduceMax", "ReduceL2"])
def test_ranks(operator, shape, tmp_path):
    for axis in range(len(shape)):
        compare(graph([node("Sigmoid", ["x"], "a"), node(operator, ["a", "axes"])], shape, {"axes": [axis]}), tmp_path)


@pytest.mark.parametrize("axes", [[1], [2], [1, 2], [3], [0, 3]], ids=str)
def test_behind_a_transpose(axes, tmp_path):
    """As TensorFlow's exporters write it; nothing is copied for the mean over rows and columns."""
    nodes = [node("Relu", ["x"], "a"), node("Transpose", ["a"], "t", perm=[0, 2, 3, 1]),
             node("ReduceMean", ["t"], axes=axes, keepdims=0)]
    spec = compare(graph(nodes, [2, 5, 3, 4], opset=13), tmp_path)
    if axes == [1, 2]:
        assert "global_avg_pool" in spec


def test_both_poolings(tmp_path):
    """As an attention over channels: the mean and the largest of each pixel, joined."""
    nodes = [node("ReduceMean", ["x"], "mean", axes=[1]), node("ReduceMax", ["x"], "largest", axes=[1]),
             node("Concat", ["mean", "largest"], "both", axis=1), node("Conv", ["both", "w"], "map", pads=[3, 3, 3, 3]),
             node("Sigmoid", ["map"])]
    compare(graph(nodes, [1, 10, 9, 8], {"w": random(1, 2, 7, 7)}, opset=13), tmp_path)


@pytest.mark.parametrize("shape", [[2, 5, 7], [2, 5, 3, 4], [2, 5, 3, 4, 2]], ids=str)
@pytest.mark.parametrize("operator, more", [("GlobalMaxPool", {}), ("GlobalLpPool", {}), ("GlobalLpPool", {"p": 1})])
def test_global_pools(operator, more, shape, tmp_path):
    compare(graph([node(operator, ["x"], **more)], shape), tmp_path)


@pytest.mark.parametrize("axes", [[1], [2, 3], [0], [1, 2, 3]], ids=str)
@pytest.mark.parametrize("operator", ["ReduceLogSum", "ReduceLogSumExp"])
def test_logarithms(operator, axes, tmp_path):
    nodes = [node("Sigmoid", ["x"], "a"), node(operator, ["a", "axes"])]
    compare(graph(nodes, [2, 21, 3, 4], {"axes": axes}), tmp_path)


def test_large_exponents(tmp_path):
    nodes = [node("Mul", ["x", "k"], "a"), node("ReduceLogSumExp", ["a", "axes"])]
    compare(graph(nodes, [2, 21, 3, 4], {"axes": [-1], "k": np.float32(1000)}), tmp_path)


# ---- indices ----

@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
@pytest.mark.parametrize("operator", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize("last", [0, 1])
def test_indices(operator, axis, last, tmp_path):
    nodes = [node("Floor", ["x"], "a"), node(operator, ["a"], axis=axis, keepdims=1, select_last_index=last)]
    compare(graph(nodes, [3, 21, 5, 6], type=TensorProto.INT64), tmp_path)


@pytest.mark.parametrize("shape, axis", [([14], 0), ([4, 9], 1), ([1, 30, 4], 2), ([1, 30, 4], 1), ([2, 3, 4, 5, 6], 3)], ids=str)
def test_indices_of_other_ranks(shape, axis, tmp_path):
    keep = int(len(shape) == 1)
    nodes = [node("ArgMax", ["x"], "i", axis=axis, keepdims=keep), node("Cast", ["i"], to=FLOAT)]
    compare(graph(nodes, shape), tmp_path)


# ---- logarithm of softmax ----

@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_log_softmax(axis, opset, tmp_path):
    compare(graph([node("LogSoftmax", ["x"], axis=axis)], [2, 19, 3, 4], opset=opset), tmp_path)


# ---- normalisations ----

@pytest.mark.parametrize("shape", [[2, 6, 15], [2, 6, 3, 5], [1, 6, 3, 5, 2]], ids=str)
def test_instance_normalization(shape, tmp_path):
    compare(graph([node("InstanceNormalization", ["x", "s", "b"], epsilon=1e-3)], shape,
                  {"s": random(6), "b": random(6)}), tmp_path)


@pytest.mark.parametrize("opset, scales", [(18, 3), (21, 12)])
def test_group_normalization(opset, scales, tmp_path):
    model = graph([node("GroupNormalization", ["x", "s", "b"], num_groups=3)], [2, 12, 3, 5],
                  {"s": random(scales), "b": random(scales)}, opset)
    compare(model, tmp_path)


@pytest.mark.parametrize("shape", [[0, 3, -1], [2, 3, 60]], ids=str)
def test_group_normalization_spelled(shape, tmp_path):
    """As PyTorch exports it: instances of the groups, then factors of the channels."""
    nodes = [node("Reshape", ["x", "groups"], "g"), node("InstanceNormalization", ["g", "ones", "zeros"], "n"),
             node("Reshape", ["n", "back"], "r"), node("Mul", ["r", "s"], "m"), node("Add", ["m", "b"])]
    constants = {"groups": shape, "back": [2, 12, 3, 5], "ones": np.ones(3, np.float32), "zeros": np.zeros(3, np.float32),
                 "s": random(12, 1, 1), "b": random(12, 1, 1)}
    compare(graph(nodes, [2, 12, 3, 5], constants), tmp_path)


@pytest.mark.parametrize("shape", [[2, 7, 24], [1, 5, 3, 24], [6, 24]], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_layer_normalization(shape, bias, tmp_path):
    constants = {"s": random(24), "b": random(24)}
    compare(graph([node("LayerNormalization", ["x", "s", "b"][:3 if bias else 2], axis=-1)], shape, constants), tmp_path)


@pytest.mark.parametrize("axis", [1, 2, -2])
def test_layer_normalization_of_several_dimensions(axis, tmp_path):
    shape = [2, 5, 3, 4]
    constants = {"s": random(*shape[axis:]), "b": random(*shape[axis:])}
    compare(graph([node("LayerNormalization", ["x", "s", "b"], axis=axis)], shape, constants), tmp_path)


def test_layer_normalization_spelled(tmp_path):
    """As PyTorch exports it before opset 17, of tokens from an image."""
    nodes = [node("Reshape", ["x", "tokens"], "t"), node("Transpose", ["t"], "a", perm=[0, 2, 1]),
             node("ReduceMean", ["a"], "mean", axes=[-1]), node("Sub", ["a", "mean"], "d"), node("Pow", ["d", "two"], "p"),
             node("ReduceMean", ["p"], "v", axes=[-1]), node("Add", ["v", "eps"], "w"), node("Sqrt", ["w"], "q"),
             node("Div", ["d", "q"], "n"), node("Mul", ["n", "s"], "m"), node("Add", ["m", "b"])]
    constants = {"tokens": [1, 24, 15], "two": np.float32(2), "eps": np.float32(1e-5), "s": random(24), "b": random(24)}
    compare(graph(nodes, [1, 24, 3, 5], constants, 13), tmp_path)


@pytest.mark.parametrize("axes", [None, [2, 3], [1, 2, 3], [1], [0, 2, 3]], ids=str)
def test_mean_variance_normalization(axes, tmp_path):
    more = {} if axes is None else {"axes": axes}
    compare(graph([node("MeanVarianceNormalization", ["x"], **more)], [2, 6, 3, 5]), tmp_path)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_lp_normalization(axis, p, tmp_path):
    compare(graph([node("LpNormalization", ["x"], axis=axis, p=p)], [2, 6, 3, 5]), tmp_path)


def test_normalize_of_pytorch(tmp_path):
    """torch.nn.functional.normalize, opset 13: the length is clipped and expanded."""
    nodes = [node("ReduceL2", ["x"], "length", axes=[1], keepdims=1), node("Clip", ["length", "least"], "clipped"),
             node("Shape", ["x"], "shape"), node("Expand", ["clipped", "shape"], "expanded"), node("Div", ["x", "expanded"])]
    compare(graph(nodes, [2, 6, 3, 5], {"least": np.float32(1e-12)}, opset=13), tmp_path)


@pytest.mark.parametrize("axis", [1, 3])
def test_unit_length_spelled(axis, tmp_path):
    """x / max(length, eps), and x / (sqrt(sum of squares) + eps) as SSD's L2Norm has it."""
    nodes = [node("ReduceL2", ["x"], "length", axes=[axis]), node("Max", ["length", "eps"], "most"),
             node("Div", ["x", "most"], "a"),
             node("Pow", ["x", "two"], "squares"), node("ReduceSum", ["squares", "axes"], "sum"), node("Sqrt", ["sum"], "root"),
             node("Add", ["root", "eps"], "more"), node("Div", ["x", "more"], "b"), node("Mul", ["b", "s"], "scaled"),
             node("Add", ["a", "scaled"])]
    compare(graph(nodes, [2, 6, 3, 5], {"eps": np.float32(1e-10), "two": np.float32(2), "axes": [axis], "s": random(6, 1, 1)}, 13), tmp_path)


# ---- messages ----

@pytest.mark.parametrize("made, message", [
    (node("ReduceSum", ["x", "axes"]), "the axis 4 lies outside of a tensor of 4 dimensions"),
    (node("GlobalLpPool", ["x"], p=3), "its p is 3; riffle knows 1 and 2"),
    (node("LpNormalization", ["x"], p=3), "its p is 3; riffle knows 1 and 2"),
    (node("ReduceL1", ["x"], noop_with_empty_axes=1), "it names no axes, and is to reduce none"),
    (node("GroupNormalization", ["x", "s", "s"], num_groups=2), "2 groups do not divide 3 channels"),
    (node("InstanceNormalization", ["x", "s", "s"]), "its scale [2] does not fit 3 channels"),
    (node("InstanceNormalization", ["x", "one", "one"]), "its scale [1] does not fit 3 channels"),
    (node("InstanceNormalization", ["x", "s", "s"], epsilon=-1.0), "its epsilon is -1"),
    (node("ReduceLogSum", ["x"], noop_with_empty_axes=1), "it names no axes, and is to reduce none"),
    (node("Expand", ["x", "axes"]), "[1,3,4,5] cannot be expanded to [4]"),
], ids=lambda value: value.op_type if hasattr(value, "op_type") else "")
def test_messages(made, message, tmp_path):
    model = graph([made], [1, 3, 4, 5], {"axes": [4], "s": random(2), "one": random(1)}, 18)
    done, _ = import_model(model, tmp_path)
    assert done.returncode == 1
    assert f"{made.op_type}): {message}\n" in done.stderr, done.stderr
