"""Reshapes, transposes, slices, joins and resizes by the nearest, of any dimensions, against ONNX Runtime."""

import numpy as np
import pytest
from comparing import compare
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def graph(nodes, shape, outputs=("y",), constants=None, opset=18):
    initializers = [helper.make_tensor(name, TensorProto.FLOAT if np.asarray(array).dtype.kind == "f" else TensorProto.INT64,
                                       np.shape(array), np.ravel(array)) for name, array in (constants or {}).items()]
    made = helper.make_graph(nodes, "views", [helper.make_tensor_value_info("x", FLOAT, shape)],
                             [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs], initializers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(operator, inputs, output="y", **attributes):
    return helper.make_node(operator, inputs, [output], output + "_node", **attributes)


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (0, 3, 2, 1), (2, 0, 1, 3), (3, 2, 1, 0), (0, 1, 3, 2)])
def test_transpose(order, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Transpose", ["a"], perm=order)]
    compare(graph(nodes, [2, 5, 3, 4]), tmp_path)


@pytest.mark.parametrize("shape", [[60], [1, 60], [1, 12, 5], [1, 3, 4, 5], [3, 2, 2, 5], [1, 2, 3, 2, 5], [1, 1, 3, 2, 2, 5]])
def test_reshape(shape, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"])]
    compare(graph(nodes, [1, 4, 3, 5], constants={"s": shape}), tmp_path)


def test_reshape_between_layers(tmp_path):
    """Channels and rows become others, and a layer reads them."""
    weights = np.random.default_rng(1).normal(size=(6, 12, 3, 3)).astype(np.float32)
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"], "b"), node("Conv", ["b", "w"], pads=[1, 1, 1, 1])]
    compare(graph(nodes, [1, 3, 8, 8], constants={"s": [1, 12, 4, 4], "w": weights}), tmp_path)


@pytest.mark.parametrize("anchors", [1, 3])
def test_head(anchors, tmp_path):
    """As YOLO ends: [1, anchors, h, w, numbers], and as rows of numbers."""
    weights = np.random.default_rng(1).normal(size=(anchors * 7, 4, 1, 1)).astype(np.float32)
    nodes = [node("Conv", ["x", "w"], "a"), node("Reshape", ["a", "five"], "b"),
             node("Transpose", ["b"], "five_dimensions", perm=[0, 1, 3, 4, 2]),
             node("Sigmoid", ["five_dimensions"], "c"), node("Reshape", ["c", "three"], "rows")]
    spec = compare(graph(nodes, [1, 4, 5, 6], ["rows"], {"w": weights, "five": [1, anchors, 7, 5, 6],
                                                         "three": [1, -1, 7]}), tmp_path)
    assert "sigmoid" in spec


def test_heads_of_two_sizes(tmp_path):
    """As a detector ends: two layers whose pixels are rows of one tensor, and softmax of each row."""
    weights = np.random.default_rng(1).normal(size=(6, 4, 1, 1)).astype(np.float32)
    nodes = [node("MaxPool", ["x"], "half", kernel_shape=[2, 2], strides=[2, 2])]
    for name, source in (("a", "x"), ("b", "half")):
        nodes += [node("Conv", [source, "w"], name), node("Transpose", [name], name + "t", perm=[0, 2, 3, 1]),
                  node("Reshape", [name + "t", "s"], name + "r")]
    nodes += [node("Concat", ["ar", "br"], "joined", axis=1), node("Softmax", ["joined"], axis=-1)]
    compare(graph(nodes, [1, 4, 6, 8], constants={"w": weights, "s": [1, -1, 3]}), tmp_path)


@pytest.mark.parametrize("shape", [[1, 5, 8], [2, 3, 5, 8], [1, 2, 3, 5, 8]])
def test_product_along_the_last_dimension(shape, tmp_path):
    """As recognisers of text end: a matrix for each of many rows, and a number for each column."""
    random = np.random.default_rng(1)
    constants = {"w": random.normal(size=(8, 7)).astype(np.float32), "b": random.normal(size=7).astype(np.float32), "s": shape}
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"], "r"), node("MatMul", ["r", "w"], "m"),
             node("Add", ["m", "b"])]
    compare(graph(nodes, [1, 8, 5, int(np.prod(shape)) // 40], constants=constants), tmp_path)


def test_flatten_shuffles(tmp_path):
    """Channels change places, and all dimensions become one, at the same time."""
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"], "b"), node("Transpose", ["b"], "c", perm=[0, 2, 1, 3, 4]),
             node("Flatten", ["c"], axis=1)]
    compare(graph(nodes, [1, 8, 3, 5], constants={"s": [1, 2, 4, 3, 5]}), tmp_path)


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1])
def test_softmax(axis, tmp_path):
    compare(graph([node("Softmax", ["x"], axis=axis)], [2, 5, 3, 4]), tmp_path)


@pytest.mark.parametrize("shape,axis", [([1, 5, 6], 1), ([1, 1, 30], 2), ([5, 6], 1), ([5, 1, 6], 2)])
def test_softmax_of_what_was_a_row(shape, axis, tmp_path):
    """The dimension in the middle is none of the tensor that it is a view of."""
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"], "b"), node("Softmax", ["b"], axis=axis)]
    compare(graph(nodes, [1, 1, 5, 6], constants={"s": shape}), tmp_path)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_softmax_of_early_opsets(axis, tmp_path):
    """The axis and all behind it count as one."""
    compare(graph([node("Softmax", ["x"], axis=axis)], [2, 5, 3, 4], opset=11), tmp_path)


def test_focus(tmp_path):
    """Every other row and column, four times, as channels."""
    nodes = []
    for i, (row, column) in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
        nodes += [node("Slice", ["x", f"b{i}", "e", "axes", "steps"], f"p{i}")]
    nodes += [node("Concat", ["p0", "p1", "p2", "p3"], axis=1)]
    constants = {"e": [8, 10], "axes": [2, 3], "steps": [2, 2]}
    constants |= {f"b{i}": begin for i, begin in enumerate([[0, 0], [1, 0], [0, 1], [1, 1]])}
    compare(graph(nodes, [1, 3, 8, 10], constants=constants), tmp_path)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_join(axis, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Concat", ["a", "x", "a"], axis=axis)]
    compare(graph(nodes, [2, 3, 4, 5]), tmp_path)


@pytest.mark.parametrize("axis, indices", [(2, [3, 0, 3, 1]), (3, [4, 3, 2, 1, 0]), (2, 1), (0, [1, 0])])
def test_gather(axis, indices, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Gather", ["a", "i"], axis=axis)]
    if axis == 0:
        nodes[1:] = [node("Reshape", ["a", "s"], "b"), node("Gather", ["b", "i"], axis=axis)]
    compare(graph(nodes, [1, 6, 4, 5], constants={"i": indices, "s": [2, 3, 20]}), tmp_path)


COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("scales", [(2, 2), (3, 1), (0.5, 2), (1.5, 0.75), (2.6, 1.3)])
def test_resize(scales, coordinates, rounding, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Resize", ["a", "", "scales"], mode="nearest", nearest_mode=rounding,
                                           coordinate_transformation_mode=coordinates)]
    spec = compare(graph(nodes, [1, 3, 4, 6], constants={"scales": np.array([1, 1, *scales], np.float32)},
                         opset=19), tmp_path)
    if scales == (2, 2) and coordinates == "asymmetric" and rounding == "floor":
        assert "upsample(2)" in spec


def test_resize_to_sizes(tmp_path):
    nodes = [node("Resize", ["x", "", "", "sizes"], mode="nearest", nearest_mode="floor")]
    compare(graph(nodes, [1, 3, 4, 6], constants={"sizes": [1, 3, 8, 9]}), tmp_path)


def test_upsample(tmp_path):
    nodes = [node("Upsample", ["x", "scales"], mode="nearest")]
    spec = compare(graph(nodes, [1, 3, 4, 6], constants={"scales": np.array([1, 1, 2, 4], np.float32)}, opset=9), tmp_path)
    assert "upsample([2, 4])" in spec


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode, tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("DepthToSpace", ["a"], blocksize=2, mode=mode)]
    compare(graph(nodes, [1, 12, 4, 5]), tmp_path)


def test_space_to_depth(tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("SpaceToDepth", ["a"], blocksize=2)]
    compare(graph(nodes, [1, 3, 4, 6]), tmp_path)


def test_channels_last_network(tmp_path):
    """As exported from TensorFlow: a transpose in front of each layer and behind it."""
    weights = np.random.default_rng(1).normal(size=(5, 5, 3, 3)).astype(np.float32)
    nodes, at = [], "x"
    for i in range(2):
        nodes += [node("Transpose", [at], f"t{i}", perm=[0, 3, 1, 2]),
                  node("Conv", [f"t{i}", "w"], f"c{i}", pads=[1, 1, 1, 1]),
                  node("Transpose", [f"c{i}"], f"b{i}", perm=[0, 2, 3, 1]), node("Relu", [f"b{i}"], f"r{i}")]
        at = f"r{i}"
    compare(graph(nodes, [1, 6, 7, 5], [at], {"w": weights}), tmp_path)


def test_constant_for_each_channel_of_another_shape(tmp_path):
    nodes = [node("Relu", ["x"], "a"), node("Reshape", ["a", "s"], "b"), node("Add", ["b", "c"])]
    compare(graph(nodes, [1, 4, 3, 5], constants={"s": [1, 3, 4, 5], "c": np.arange(3, dtype=np.float32).reshape(3, 1, 1)}),
            tmp_path)
