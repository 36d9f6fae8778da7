"""Nodes of models that cannot be imported. See broken.py."""

import numpy as np
import onnx
from onnx import TensorProto, helper
from small_models import constant, initializer, model, node, one, values


# ---- nodes ----

def convolution_in_space():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 3, 3, 3))])


def row(operator, *inputs, initializers=(), **attributes):
    """A node that works on a line, [1, 3, 8]."""
    return model([node("Squeeze", ["x", "a"], ["l"]), node(operator, ["l", *inputs], **attributes)],
                 [values("x", [1, 3, 1, 8])], None, [constant("a", [2]), *initializers])


def convolution_of_a_line_by_a_square():
    return row("Conv", "w", initializers=[initializer("w", (4, 3, 3, 3))])


def convolution_of_an_image_by_a_line():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 3))])


def pads_of_a_line():
    return row("Conv", "w", initializers=[initializer("w", (4, 3, 3))], pads=[1, 1, 1, 1])


def kernel_of_a_line():
    return row("Conv", "w", initializers=[initializer("w", (4, 3, 3))], kernel_shape=[2])


def pool_without_a_kernel():
    return row("MaxPool", strides=[2])


def pool_of_a_line_by_a_square():
    return row("AveragePool", kernel_shape=[3, 3])


def line_padded_by_a_word():
    return row("Pad", "p", initializers=[constant("p", [0, 1, 1, 0, 0, 1])], mode="mirror")


def convolution_of_computed_weights():
    return model([node("Relu", ["x"], ["w"], "Relu_1"), node("Conv", ["x", "w"], ["y"], "Conv_2")])


def convolution_groups():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 3, 3))], group=2)


def convolution_too_large():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 9, 9))])


def convolution_attribute():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 3, 3))], strides=[2, 2, 2])


def convolution_attribute_type():
    return one("Conv", "w", initializers=[initializer("w", (4, 3, 3, 3))], group=2.0)


def norm_channels():
    return one("BatchNormalization", "w", "w", "w", "w", initializers=[initializer("w", (4,))])


def norm_training():
    return one("BatchNormalization", "w", "w", "w", "w", initializers=[initializer("w", (3,))], training_mode=1)


def norm_training_by_a_number():
    return one("BatchNormalization", "w", "w", "w", "w", initializers=[initializer("w", (3,))], training_mode=1.0)


def reshape_size():
    return one("Reshape", "s", initializers=[constant("s", [1, 5, -1])])


def sum_of_shapes():
    return model([node("GlobalAveragePool", ["x"], ["a"]), node("Flatten", ["a"], ["b"]),
                  node("Add", ["x", "b"], name="Add_3")], [values("x", [1, 3, 8, 8])])


def pad_of_no_number():
    return one("Pad", "p", "v", initializers=[constant("p", [0, 0, 1, 1, 0, 0, 1, 1]), constant("v", -np.inf, np.float32)])


def pad_by_a_word():
    return one("Pad", "p", initializers=[constant("p", [0, 0, 1, 1, 0, 0, 1, 1])], mode="mirror")


def pad_that_leaves_nothing():
    return one("Pad", "p", initializers=[constant("p", [0, 0, -4, 0, 0, 0, -4, 1])])


def resize_cubic():
    return one("Resize", "", "s", initializers=[constant("s", [1, 1, 2, 2], np.float32)], mode="cubic")


def resize_to_a_crop():
    return one("Resize", "r", "s", initializers=[constant("r", [0] * 8, np.float32), constant("s", [1, 1, 2, 2], np.float32)],
               mode="linear", coordinate_transformation_mode="tf_crop_and_resize")


def resize_smoothed():
    return one("Resize", "", "s", initializers=[constant("s", [1, 1, 0.5, 2], np.float32)], mode="linear", antialias=1)


def resize_between_channels():
    return one("Resize", "", "s", initializers=[constant("s", [1, 2, 1, 2], np.float32)], mode="linear")


def transposed_channels():
    return one("ConvTranspose", "w", initializers=[initializer("w", (4, 3, 3, 3))])


def transposed_padding():
    return one("ConvTranspose", "w", initializers=[initializer("w", (3, 3, 3, 3))], output_padding=[2**62, 0])


def transposed_stride():
    return one("ConvTranspose", "w", initializers=[initializer("w", (3, 3, 3, 3))], strides=[2, 2], output_padding=[2, 0])


def transposed_size():
    return one("ConvTranspose", "w", initializers=[initializer("w", (3, 3, 3, 3))], output_shape=[16])


def pool_indices():
    return model([node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])], None, [values("y", None), values("i", None)])


def pool_dilation():
    return one("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])


def mean_of_no_axis():
    return one("ReduceMean", "a", initializers=[constant("a", [2, 4])])


def gemm_alpha():
    return one("Gemm", "w", initializers=[initializer("w", (3, 4))], shape=(1, 3), alpha=0.5)


def gather_index():
    return one("Gather", "i", initializers=[constant("i", [0, 3])], axis=1)


def split_sizes():
    return model([node("Split", ["x", "s"], ["y", "z"], axis=1)], initializers=[constant("s", [1, 1])])


def quotient():
    return model([node("Div", ["c", "x"], ["y"])], initializers=[constant("c", [1, 2, 3], np.float32)])


def constant_of_pixels():
    return one("Mul", "c", initializers=[constant("c", np.ones((8, 7)), np.float32)])


def reshaped_between(operator, *inputs, initializers=(), **attributes):
    """A node that works on a tensor of other channels than the layer before it made."""
    return model([node("Reshape", ["x", "s"], ["v"]), node(operator, ["v", *inputs], ["w"], **attributes),
                  node("Reshape", ["w", "t"])],
                 initializers=[constant("s", [8, 3, 8, 1]), constant("t", [1, 3, 8, 8]), *initializers])


def constants_together():
    """Each is small enough, and 24 lists that double have too many elements together."""
    doubled = [node("Concat", [f"c{i}", f"c{i}"], [f"c{i + 1}"], f"double{i}", axis=0) for i in range(24)]
    return model(doubled + [node("Add", ["x", "c24"])], initializers=[constant("c0", [1, 2], np.float32)])


def filled(*shapes, **attributes):
    """Constants that repeat one number, of those shapes."""
    names = ["x", *(f"a{i}" for i in range(len(shapes) - 1)), "y"]
    nodes = [node("ConstantOfShape", [f"s{i}"], [f"f{i}"], f"Fill_{i}", **attributes) for i in range(len(shapes))]
    nodes += [node("Mul", [names[i], f"f{i}"], [names[i + 1]], f"Mul_{i}") for i in range(len(shapes))]
    return model(nodes, initializers=[constant(f"s{i}", shape) for i, shape in enumerate(shapes)])


def filled_too_far():
    return filled([1 << 28], [3], [(1 << 28) + 1])


def filled_beyond_numbers():
    return filled([1 << 40, 1 << 40])


def filled_below():
    return filled([3, -1])


def filled_with_lists():
    return filled([3], value=constant("", [1.0, 2.0], np.float32))


def filled_with_text():
    return filled([3], value=helper.make_tensor("", TensorProto.STRING, [1], [b"a"]))


def too_many_inputs():
    return one("Relu", "x")


def second_result():
    return model([node("Relu", ["x"], ["a", "b"], "Relu_1"), node("Add", ["a", "b"], name="Add_2")])


def sparse_weights():
    made = model([node("Conv", ["x", "w"])])
    made.graph.sparse_initializer.append(helper.make_sparse_tensor(
        initializer("w", (2,)), constant("", [0, 5]), [4, 3, 1, 1]))
    return made


def attribute_twice():
    made = one("Softmax", axis=1)
    made.graph.node[0].attribute.append(helper.make_attribute("axis", 0))
    return made


def flag_of_six():
    return one("MaxPool", kernel_shape=[2, 2], ceil_mode=6)


def constant_of_another_type():
    """It says to be a list and is a number."""
    made = model([node("Constant", [], ["c"], value_ints=[1, 3, 8, 8]), node("Reshape", ["x", "c"])])
    made.graph.node[0].attribute[0].type = onnx.AttributeProto.INT
    return made


def clip_above_infinity():
    return one("Clip", "a", initializers=[constant("a", np.inf, np.float32)])


def reshape_below():
    return one("Reshape", "s", initializers=[constant("s", [1, -5, 24])])


def part_of_a_list(operator, *inputs, **attributes):
    """The shape [1, 192], taken from a longer list by a node that names an axis which the list has not."""
    return model([node(operator, ["l", *inputs], ["s"], name="Part_1", **attributes), node("Reshape", ["x", "s"])],
                 initializers=[constant("l", [1, 192, 7]), constant("i", [0, 1]), constant("b", [0]), constant("e", [2]),
                               constant("a", [1])])


def equal_tensors():
    return one("Equal", "x")


def folded(operator, *inputs, **attributes):
    """A shape that is computed of lists."""
    lists = {"two": [2, 3], "zero": [0, 2], "large": [1 << 62, 4], "none": 0, "one": 1, "last": 1 << 62, "far": -(1 << 62)}
    floats = {"real": [1.5, 2.5]}
    made = [node(operator, inputs, ["s"], **attributes), node("Reshape", ["x", "s"])]
    return model(made, initializers=[*(constant(name, numbers) for name, numbers in lists.items()),
                                     *(constant(name, numbers, np.float32) for name, numbers in floats.items())])


def remainder_of_zero():
    return folded("Mod", "two", "zero")


def remainder_of_floats():
    return folded("Mod", "real", "real")


def product_of_large():
    return folded("ReduceProd", "large")


def range_of_no_step():
    return folded("Range", "none", "one", "none")


def range_without_end():
    return folded("Range", "none", "last", "one")


def range_that_overflows():
    return folded("Range", "far", "last", "one")


def where_of_two_types():
    return folded("Where", "zero", "two", "real")


def where_of_shapes():
    return folded("Where", "zero", "two", "shape_that_is_not_there")


def rounded_integers():
    return folded("Ceil", "two")


def gather_of_no_axis():
    return part_of_a_list("Gather", "i", axis=1)


def slice_of_no_axis():
    return part_of_a_list("Slice", "b", "e", "a")


def concat_of_no_axis():
    return part_of_a_list("Concat", "i", axis=1)


def wide(operator, *inputs, initializers=(), **attributes):
    """Each node makes a constant for each channel of a wide tensor, which costs a small file nothing."""
    names = ["x", *(f"y{i}" for i in range(400)), "y"]
    return model([node(operator, [a, *inputs], [b], f"wide{i}", **attributes)
                  for i, (a, b) in enumerate(zip(names, names[1:]))],
                 [values("x", [1, 1 << 22, 1, 1])], None, initializers)


def wide_scaled():
    return wide("Mul", "c", initializers=[constant("c", 2, np.float32)])


def too_many_nodes():
    return model([node("Sum", ["x"] * 20000)])
