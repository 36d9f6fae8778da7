"""Resize, Upsample, ConvTranspose and Pad as exporters write them, against ONNX Runtime."""

import json

import numpy as np
import pytest
from comparing import compare
from onnx import TensorProto, helper
from support import invoke
from test_views import graph, node

COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]


def begin(shape):
    """Nodes and the shape of an input, from which `a` comes in that shape: inputs are images or rows."""
    if len(shape) in (2, 4):
        return [node("Tanh", ["x"], "a")], shape, {}
    return [node("Tanh", ["x"], "t"), node("Reshape", ["t", "shape"], "a")], [1, int(np.prod(shape))], {"shape": shape}


def with_begin(nodes, shape, constants=None, opset=19):
    first, given, more = begin(shape)
    return graph(first + nodes, given, constants=(constants or {}) | more, opset=opset)


def resize(shape, opset=19, names=("a", "", "scales"), constants=None, **attributes):
    return with_begin([node("Resize", list(names), **attributes)], shape, constants, opset)


def floats(*numbers):
    return np.array(numbers, np.float32)


# ---- linear ----


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("scales", [(2, 2), (1, 3), (0.5, 2), (1.5, 0.75), (2.6, 1.3), (0.26, 0.55)])
def test_linear(scales, coordinates, tmp_path):
    model = resize([2, 3, 4, 6], constants={"scales": floats(1, 1, *scales)}, mode="linear",
                   coordinate_transformation_mode=coordinates)
    assert "resize(" in compare(model, tmp_path)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("sizes", [(8, 12), (1, 1), (3, 5), (7, 2)])
def test_linear_to_sizes(sizes, coordinates, tmp_path):
    compare(resize([1, 5, 4, 6], names=("a", "", "", "sizes"), constants={"sizes": [1, 5, *sizes]}, mode="linear",
                   coordinate_transformation_mode=coordinates), tmp_path)


@pytest.mark.parametrize("operator, opset", [("Resize", 10), ("Upsample", 9)])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_with_the_oldest_defaults(mode, operator, opset, tmp_path):
    """They are asymmetric."""
    model = with_begin([node(operator, ["a", "scales"], mode=mode)], [1, 3, 4, 6], {"scales": floats(1, 1, 2, 3)}, opset)
    compare(model, tmp_path)


def test_linear_to_the_size_of_another(tmp_path):
    """As PyTorch writes interpolate(x, size=y.shape[2:]): Shape, Slice, Cast, Concat."""
    nodes = [node("MaxPool", ["x"], "small", kernel_shape=[2, 2], strides=[2, 2]), node("Shape", ["x"], "s"),
             node("Slice", ["s", "two", "four", "zero"], "hw"), node("Shape", ["small"], "t"),
             node("Slice", ["t", "zero", "two", "zero"], "nc"), node("Cast", ["hw"], "hw64", to=TensorProto.INT64),
             node("Concat", ["nc", "hw64"], "sizes", axis=0),
             node("Resize", ["small", "", "", "sizes"], mode="linear", coordinate_transformation_mode="pytorch_half_pixel")]
    compare(graph(nodes, [1, 3, 9, 7], constants={"two": [2], "four": [4], "zero": [0]}, opset=13), tmp_path)


def test_linear_with_axes(tmp_path):
    compare(resize([1, 3, 4, 6], constants={"scales": floats(2, 0.5)}, axes=[3, 2], mode="linear"), tmp_path)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_aspect_ratio(mode, policy, tmp_path):
    compare(resize([1, 3, 4, 6], names=("a", "", "", "sizes"), constants={"sizes": [9, 11]}, axes=[2, 3], mode=mode,
                   keep_aspect_ratio_policy=policy), tmp_path)


@pytest.mark.parametrize("shape, scales", [([1, 3, 7], (1, 1, 2)), ([5, 7], (2, 1.5)), ([1, 4, 6, 3], (1, 2, 2, 1)),
                                           ([1, 2, 3, 4, 5], (1, 1, 1, 2, 2))])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_other_dimensions(mode, shape, scales, tmp_path):
    """A line, a plane, channels last, and five dimensions of which two change."""
    compare(resize(shape, constants={"scales": floats(*scales)}, mode=mode), tmp_path)


def test_antialias_of_what_grows(tmp_path):
    compare(resize([1, 3, 4, 6], constants={"scales": floats(1, 1, 2, 1.5)}, mode="linear", antialias=1), tmp_path)


def test_linear_into_a_join(tmp_path):
    """A neck: made larger, joined with what it is made as large as, and convolved."""
    weights = np.random.default_rng(1).normal(size=(4, 11, 3, 3)).astype(np.float32)
    nodes = [node("MaxPool", ["x"], "small", kernel_shape=[2, 2], strides=[2, 2]),
             node("Resize", ["small", "", "scales"], "large", mode="linear", coordinate_transformation_mode="align_corners"),
             node("Relu", ["x"], "a"), node("Concat", ["a", "large", "few"], "all", axis=1),
             node("Slice", ["x", "zero", "three", "one"], "few"), node("Conv", ["all", "w"], pads=[1, 1, 1, 1])]
    nodes = [nodes[i] for i in (0, 1, 2, 4, 3, 5)]
    compare(graph(nodes, [1, 4, 8, 6], constants={"scales": floats(1, 1, 2, 2), "w": weights, "zero": [0], "three": [3],
                                                  "one": [1]}), tmp_path)


# ---- transposed convolution ----


def transposed(shape, filters, kernel, groups=1, bias=True, opset=13, **attributes):
    source = np.random.default_rng(1)
    constants = {"w": source.normal(size=(shape[1], filters // groups, *kernel)).astype(np.float32)}
    if bias:
        constants["b"] = source.normal(size=filters).astype(np.float32)
    attributes |= {"group": groups} if groups > 1 else {}
    return with_begin([node("ConvTranspose", ["a", *constants], "c", kernel_shape=kernel, **attributes),
                       node("Relu", ["c"], "y")], shape, constants, opset)


CASES = {
    "2 at 2": ([2, 2], {"strides": [2, 2]}),
    "4 at 2": ([4, 4], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "3 at 2": ([3, 3], {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
    "3 at 2, as small as it gets": ([3, 3], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "3 at 2, all of it": ([3, 3], {"strides": [2, 2]}),
    "3 at 1": ([3, 3], {"pads": [1, 1, 1, 1]}),
    "dilated": ([3, 3], {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
    "dilated, at 2": ([3, 2], {"strides": [2, 2], "dilations": [2, 3]}),
    "5 by 2 at 3 by 1": ([5, 2], {"strides": [3, 1], "pads": [1, 0, 2, 1]}),
    "1 at 2": ([1, 1], {"strides": [2, 2], "output_padding": [1, 0]}),
    "16 at 8": ([16, 16], {"strides": [8, 8], "pads": [4, 4, 4, 4]}),
    "same, upper": ([3, 3], {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    "same, lower": ([3, 3], {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    "valid": ([3, 3], {"strides": [2, 2], "auto_pad": "VALID"}),
    "a size": ([4, 4], {"strides": [2, 2], "output_shape": [9, 12]}),
    "an odd size": ([4, 3], {"strides": [2, 2], "output_shape": [9, 11], "auto_pad": "SAME_UPPER"}),
}


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("case", CASES)
def test_transposed(case, groups, tmp_path):
    kernel, attributes = CASES[case]
    assert "conv_transpose(" in compare(transposed([1, 6, 4, 5], 6, kernel, groups, **attributes), tmp_path)


def test_transposed_line(tmp_path):
    compare(transposed([1, 4, 7], 3, [4], strides=[2], pads=[1, 1]), tmp_path)


def test_transposed_with_batch_norm(tmp_path):
    source = np.random.default_rng(2)
    constants = {"w": source.normal(size=(4, 3, 2, 2)).astype(np.float32)} | {
        name: source.uniform(0.5, 1.5, size=6).astype(np.float32) for name in ("scale", "bias", "mean", "variance")}
    nodes = [node("ConvTranspose", ["x", "w"], "c", strides=[2, 2], group=2),
             node("BatchNormalization", ["c", "scale", "bias", "mean", "variance"], "n"), node("LeakyRelu", ["n"])]
    compare(graph(nodes, [2, 4, 3, 5], constants=constants), tmp_path)


# ---- padding ----


def padded(shape, pads, mode="constant", value=None, axes=None, opset=19):
    constants = {"pads": pads} | ({} if value is None else {"value": floats(value)[0]}) | ({} if axes is None else {"axes": axes})
    names = ["a", "pads", "" if value is None else "value"] + ([] if axes is None else ["axes"])
    return with_begin([node("Pad", names, mode=mode)], shape, constants, opset)


@pytest.mark.parametrize("mode, value", [("constant", None), ("constant", -2.5), ("reflect", None), ("edge", None), ("wrap", None)])
@pytest.mark.parametrize("shape, pads", [([1, 3, 5, 6], [0, 0, 2, 1, 0, 0, 3, 2]), ([2, 4, 3, 3], [0, 1, 0, 2, 0, 3, 0, 0]),
                                         ([1, 4, 7], [0, 1, 2, 0, 0, 3]), ([2, 3], [1, 0, 0, 2]), ([1, 3, 5, 6], [0, 0, -1, 2, 0, 0, 2, -3]),
                                         ([1, 2, 3, 4, 5], [0, 0, 1, 2, 1, 0, 1, 0, 2, 1])])
def test_pad(shape, pads, mode, value, tmp_path):
    compare(padded(shape, pads, mode, value), tmp_path)


def test_pad_of_axes(tmp_path):
    compare(padded([1, 3, 5, 6], [1, 2, 0, 1], "reflect", axes=[-1, 2]), tmp_path)


def test_pad_of_channels_before_a_sum(tmp_path):
    """A shortcut to more channels."""
    weights = np.random.default_rng(1).normal(size=(7, 4, 1, 1)).astype(np.float32)
    nodes = [node("Conv", ["x", "w"], "c"), node("Pad", ["x", "pads"], "p"), node("Add", ["c", "p"])]
    compare(graph(nodes, [1, 4, 5, 6], constants={"w": weights, "pads": [0, 0, 0, 0, 0, 3, 0, 0]}), tmp_path)


# ---- sizes and pads that are computed ----


def test_scales_of_two_sizes(tmp_path):
    """As PyTorch writes interpolate(x, size=...) for opset 9: sizes divided by those of the operand."""
    nodes = [node("MaxPool", ["x"], "small", kernel_shape=[2, 2], strides=[2, 2]), node("Shape", ["small"], "s"),
             node("Slice", ["s"], "hw", axes=[0], starts=[2], ends=[4]), node("Cast", ["hw"], "from", to=TensorProto.FLOAT),
             node("Shape", ["x"], "t"), node("Gather", ["t", "two"], "h"), node("Gather", ["t", "three"], "w"),
             node("Unsqueeze", ["h"], "h1", axes=[0]), node("Unsqueeze", ["w"], "w1", axes=[0]),
             node("Concat", ["h1", "w1"], "wanted", axis=0), node("Cast", ["wanted"], "to", to=TensorProto.FLOAT),
             node("Div", ["to", "from"], "quotients"), node("Concat", ["ones", "quotients"], "scales", axis=0),
             node("Upsample", ["small", "scales"], mode="linear")]
    compare(graph(nodes, [1, 3, 9, 7], constants={"two": 2, "three": 3, "ones": floats(1, 1)}, opset=9), tmp_path)


def test_sizes_times_a_factor(tmp_path):
    """As PyTorch writes interpolate(x, scale_factor=2) while it traces: Gather, Cast, Mul, Cast, Floor, Concat."""
    nodes = [node("Tanh", ["x"], "a"), node("Shape", ["a"], "s")]
    for name, index in (("h", "two"), ("w", "three")):
        nodes += [node("Gather", ["s", index], name), node("Cast", [name], name + "f", to=TensorProto.FLOAT),
                  node("Mul", [name + "f", "factor"], name + "m"), node("Floor", [name + "m"], name + "d"),
                  node("Cast", [name + "d"], name + "i", to=TensorProto.INT64),
                  node("Unsqueeze", [name + "i", "zero"], name + "1")]
    nodes += [node("Concat", ["h1", "w1"], "hw", axis=0), node("Slice", ["s", "zero", "two1", "zero"], "nc"),
              node("Concat", ["nc", "hw"], "sizes", axis=0),
              node("Resize", ["a", "none", "none", "sizes"], mode="linear", coordinate_transformation_mode="half_pixel",
                   cubic_coeff_a=-0.75, nearest_mode="floor")]
    compare(graph(nodes, [1, 3, 5, 7], constants={"two": 2, "three": 3, "factor": np.float32(1.5), "zero": [0], "two1": [2],
                                                  "none": floats()}, opset=13), tmp_path)


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_pads_as_pytorch_orders_them(mode, tmp_path):
    """From the last dimension to the first, turned around by Reshape, Slice of step -1 and Transpose."""
    nodes = [node("Tanh", ["x"], "a"), node("ConstantOfShape", ["count"], "zeros", value=helper.make_tensor("zero", TensorProto.INT64, [1], [0])),
             node("Concat", ["given", "zeros"], "all", axis=0), node("Reshape", ["all", "pairs"], "p"),
             node("Slice", ["p", "last", "least", "zero", "last"], "turned"),
             node("Transpose", ["turned"], "sides", perm=[1, 0]), node("Reshape", ["sides", "last"], "flat"),
             node("Cast", ["flat"], "pads", to=TensorProto.INT64), node("Pad", ["a", "pads"], mode=mode)]
    compare(graph(nodes, [1, 3, 5, 6], constants={"given": [1, 2, 0, 3], "count": [4], "pairs": [-1, 2], "last": [-1],
                                                  "least": [-(2**63) + 1], "zero": [0]}, opset=13), tmp_path)


def test_resize_between_transposes(tmp_path):
    """As TensorFlow's exporter writes a resize of channels last."""
    nodes = [node("Transpose", ["x"], "c", perm=[0, 3, 1, 2]),
             node("Resize", ["c", "none", "none", "sizes"], "r", mode="nearest", coordinate_transformation_mode="tf_half_pixel_for_nn",
                  nearest_mode="floor"),
             node("Transpose", ["r"], perm=[0, 2, 3, 1])]
    compare(graph(nodes, [1, 5, 6, 4], constants={"sizes": [1, 4, 7, 15], "none": floats()}, opset=11), tmp_path)


# ---- what is moved ----


def test_necks_move_nothing(tmp_path):
    """As a segmentation network or a text detector ends: each transposed convolution and each resize stores its result
    where the join wants it, and the last one, of one channel, where the caller does."""
    source = np.random.default_rng(5)
    constants = {"sizes": [1, 8, 16, 20]}

    def weight(name, *shape):
        constants[name] = (source.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        return name

    nodes = [node("Conv", ["x", weight("w0", 8, 3, 3, 3)], "c0", strides=[2, 2], pads=[1, 1, 1, 1]),
             node("Relu", ["c0"], "small"),
             node("ConvTranspose", ["small", weight("w1", 8, 4, 2, 2)], "two", strides=[2, 2]),
             node("ConvTranspose", ["small", weight("w2", 8, 4, 4, 4)], "four", strides=[2, 2], pads=[1, 1, 1, 1]),
             node("ConvTranspose", ["small", weight("w3", 8, 4, 3, 3)], "three", strides=[2, 2], pads=[1, 1, 1, 1],
                  output_padding=[1, 1]),
             node("ConvTranspose", ["small", weight("w4", 8, 1, 4, 4)], "apart", strides=[2, 2], pads=[1, 1, 1, 1], group=8),
             node("Resize", ["small", "", "", "sizes"], "linear", mode="linear"),
             node("Concat", ["two", "four", "three", "apart", "linear"], "all", axis=1), node("Relu", ["all"], "r"),
             node("Conv", ["r", weight("w5", 8, 28, 1, 1)], "c5"),
             node("ConvTranspose", ["c5", weight("w6", 8, 1, 2, 2)], "t6", strides=[2, 2]), node("Sigmoid", ["t6"])]
    compare(graph(nodes, [1, 3, 16, 20], constants=constants), tmp_path)
    done = invoke("inspect", "net.rfl", "--routing", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert report["layout_bytes"]["routed"] == 0
    assert report["layout_bytes"]["as_written"] > 100_000
