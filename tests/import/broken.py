"""Models that cannot be imported. Each function returns the bytes of a model, or (bytes, options of riffle)."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def values(name, shape, type=FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


def initializer(name, shape, type=np.float32, value=0.5):
    return numpy_helper.from_array(np.full(shape, value, type), name)


def model(nodes, inputs=None, outputs=None, initializers=(), opset=18):
    graph = helper.make_graph(nodes, "g", inputs if inputs is not None else [values("x", [1, 3, 8, 8])],
                              outputs if outputs is not None else [values("y", None)], list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def node(operator, inputs, outputs=("y",), name=None, **attributes):
    return helper.make_node(operator, list(inputs), list(outputs), name=name or f"{operator}_1", **attributes)


def good():
    return model([node("Conv", ["x", "w"], kernel_shape=[3, 3])], initializers=[initializer("w", (4, 3, 3, 3))])


def one(operator, *inputs, initializers=(), shape=(1, 3, 8, 8), opset=18, **attributes):
    return model([node(operator, ["x", *inputs], **attributes)], [values("x", list(shape))], None, initializers, opset)


def constant(name, numbers, type=np.int64):
    return numpy_helper.from_array(np.asarray(numbers, type), name)


# ---- the file ----

def empty_file():
    return b""


def text_file():
    return b"this is no model\n" * 20


def truncated():
    return good().SerializeToString()[:-40]


def no_graph():
    return helper.make_model(helper.make_graph([], "g", [], []), ir_version=10).SerializeToString()[:2]


def old_opset():
    made = good()
    made.opset_import[0].version = 7
    return made


def new_opset():
    made = good()
    made.opset_import[0].version = 99
    return made


def no_opset():
    made = good()
    del made.opset_import[:]
    return made


def name_is_no_utf8():
    made = model([node("Relu", ["x"], name="NAME-HERE")])
    return made.SerializeToString().replace(b"NAME-HERE", b"NAME-\xff\xfeRE")


# ---- initializers ----

def missing_initializer():
    made = good()
    del made.graph.initializer[:]
    return made


def short_data():
    made = good()
    made.graph.initializer[0].raw_data = made.graph.initializer[0].raw_data[:-4]
    return made


def short_float_data():
    made = good()
    made.graph.initializer[0].ClearField("raw_data")
    made.graph.initializer[0].float_data.extend([1.0] * 100)
    return made


def huge_dimensions():
    made = good()
    del made.graph.initializer[0].dims[:]
    made.graph.initializer[0].dims.extend([2**40, 2**40, 3, 3])
    return made


def overflowing_dimensions():
    """Their product is 0 modulo 2 to the 64."""
    made = good()
    del made.graph.initializer[0].dims[:]
    made.graph.initializer[0].dims.extend([2**32, 2**32, 1, 1])
    made.graph.initializer[0].raw_data = b""
    return made


def negative_dimension():
    made = good()
    made.graph.initializer[0].dims[0] = -4
    return made


def not_a_number():
    made = good()
    array = numpy_helper.to_array(made.graph.initializer[0]).copy()
    array[1, 2, 0, 0] = np.nan
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    return made


def infinite():
    made = good()
    array = numpy_helper.to_array(made.graph.initializer[0]).copy()
    array[0, 0, 0, 1] = -np.inf
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    return made


def double_precision():
    return model([node("Conv", ["x", "w"])], initializers=[initializer("w", (4, 3, 1, 1), np.float64)])


def cast_to_integers():
    return one("Cast", to=TensorProto.INT8)


def cast_to_double():
    return one("Cast", to=TensorProto.DOUBLE)


def cast_to_nothing():
    return one("Cast", to=99)


def double_input():
    return model([node("Relu", ["x"])], [values("x", [1, 3, 8, 8], TensorProto.DOUBLE)])


def strange_type():
    made = good()
    made.graph.initializer[0].data_type = TensorProto.STRING
    return made


def two_initializers_of_a_name():
    made = good()
    made.graph.initializer.append(initializer("w", (4, 3, 3, 3)))
    return made


def external(location, **entries):
    made = good()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return made


def external_outside():
    return external("../secret.bin")


def external_absolute():
    return external("/etc/passwd")


def external_hidden_outside():
    return external("deep/../../secret.bin")


def external_missing():
    return external("weights.bin")


def external_beyond():
    return external("model.onnx", offset=2**40)


def external_length():
    return external("model.onnx", length=8)


def external_offset():
    return external("model.onnx", offset="-5")


# ---- the graph ----

def cycle():
    return model([node("Add", ["x", "b"], ["a"], "Add_1"), node("Relu", ["a"], ["b"], "Relu_2"),
                  node("Relu", ["b"], ["y"], "Relu_3")])


def missing_input():
    return model([node("Relu", ["nowhere"])])


def duplicate_outputs():
    return model([node("Relu", ["x"], name="Relu_1"), node("Sigmoid", ["x"], name="Sigmoid_2")])


def duplicate_inputs():
    return model([node("Relu", ["x"])], [values("x", [1, 3, 8, 8]), values("x", [1, 3, 8, 8])])


def unmade_output():
    return model([node("Relu", ["x"], ["z"])])


def no_output():
    return model([node("Relu", ["x"])], None, [])


def constant_output():
    return model([node("Constant", [], value_float=1.0)])


def unknown_op():
    return one("Relux")


def unsupported_ops():
    """All of them in one run, those behind a broken one too."""
    return model([node("ConvTranspose", ["x", "w"], ["a"], "ConvTranspose_1"),
                  node("Asinh", ["a"], ["b"], "Asinh_2", alpha=0.1),
                  node("Conv", ["x", "w"], ["c"], "Conv_3", dilation=[1, 1]),
                  node("Add", ["b", "c"], ["d"], "Add_4"), node("Atan", ["d"], ["y"], "Atan_5")],
                 initializers=[initializer("w", (3, 3, 1, 1))])


def many_of_a_kind():
    """One message for each kind, whatever the names and numbers are."""
    weights = [initializer(f"w{i}", (3, 3, 1, i + 1), np.str_ if i < 3 else np.float64) for i in range(5)]
    chain = ["x", *(f"a{i}" for i in range(8)), "y"]
    nodes = [node("Conv", [chain[i], f"w{i}"], [chain[i + 1]], f"Conv_{i}") for i in range(5)]
    nodes += [node(operator, [chain[i], ], [chain[i + 1]], f"{operator}_{i}")
              for i, operator in enumerate(["Xyz", "Xyz", "Xyz", "Zyx"], 5)]
    nodes += [node("DepthToSpace", ["x"], [f"z{i}"], f"DepthToSpace_{i}", blocksize=i) for i in (2, 4, 5)]
    return model(nodes, None, [values(name, None) for name in ("y", "z2", "z4", "z5")], weights)


def attributes_behind_an_unknown_op():
    """What can be said without knowing what the op results in."""
    nodes = [node("Xyz", ["x"], ["a"]), node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], dilations=[2, 1]),
             node("BatchNormalization", ["b", "w", "w", "w", "w"], ["c"], training_mode=1),
             node("AveragePool", ["c"], ["y"], kernel_shape=[2, 2], dilations=[1, 3])]
    return model(nodes, initializers=[initializer("w", (3,))], opset=19)


def other_domain():
    made = one("Relu")
    made.graph.node[0].domain = "com.microsoft"
    return made


def optimized():
    """By ONNX Runtime."""
    made = one("FusedConv", "w", initializers=[initializer("w", (4, 3, 1, 1))])
    made.graph.node[0].domain = "com.microsoft"
    return made


def quantized(*operators):
    names = ["x", *(f"a{i}" for i in range(len(operators) - 1)), "y"]
    return model([node(operator, [names[i], "s", "z"], [names[i + 1]], f"{operator}_{i}")
                  for i, operator in enumerate(operators)],
                 initializers=[initializer("s", ()), constant("z", 3, np.int8)])


def quantized_by_nodes():
    return quantized("QuantizeLinear", "DequantizeLinear", "Relu", "QuantizeLinear", "DequantizeLinear")


def quantized_ops():
    return quantized("QuantizeLinear", "QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearSigmoid", "ConvInteger")


def quantized_and_unknown():
    return quantized("Xyz", "QLinearConv", "Xyz")


def loop():
    body = helper.make_graph([node("Relu", ["x"], ["z"])], "body", [], [values("z", None)])
    return model([node("If", ["x"], then_branch=body, else_branch=body)])


# ---- inputs ----

def dynamic_batch():
    return model([node("Relu", ["x"])], [values("x", ["batch", 3, 8, 8])])


def dynamic_size():
    return model([node("Relu", ["x"])], [values("x", [1, 3, None, "width"])])


def open_in_paddle():
    return model([node("Relu", ["x"])], [values("x", [-1, 3, None, "width"])])


def open_channels_last():
    return model([node("Relu", ["x"])], [values("x", ["N", None, None, 3])])


def open_features():
    return model([node("Relu", ["x"])], [values("x", ["N", "features"])])


def open_size_with_a_batch():
    return model([node("Relu", ["x"])], [values("x", ["N", 3, "size", "size"])]), ["--batch", "4"]


def open_batches():
    """--batch is one option for all, and each shape is its own."""
    inputs = [values("x", ["N", 4]), values("z", [-1, 4]), values("v", [1, "d"]), values("w", [1, "d"])]
    return model([node("Sum", ["x", "z", "v", "w"])], inputs)


def unknown_shape():
    return model([node("Relu", ["x"])], [values("x", None)])


def integer_input():
    return model([node("Relu", ["x"])], [values("x", [1, 3, 8, 8], TensorProto.INT64)])


def input_of_three():
    return one("Relu", shape=(1, 3, 8))


def zero_input():
    return one("Relu", shape=(1, 3, 0, 8))


def shape_of_nothing():
    return one("Relu"), ["--set-shape", "z=1,3,8,8"]


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


def padded_channels_of_a_line():
    return row("Pad", "p", initializers=[constant("p", [0, 1, 1, 0, 0, 1])])


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
    return model([node("GlobalAveragePool", ["x"], ["a"]), node("Flatten", ["x"], ["b"]),
                  node("Add", ["a", "b"], name="Add_3")])


def pad_of_ones():
    return one("Pad", "p", "v", initializers=[constant("p", [0, 0, 1, 1, 0, 0, 1, 1]), constant("v", 1, np.float32)])


def pad_reflected():
    return one("Pad", "p", initializers=[constant("p", [0, 0, 1, 1, 0, 0, 1, 1])], mode="reflect")


def pool_indices():
    return model([node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])], None, [values("y", None), values("i", None)])


def pool_dilation():
    return one("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])


def mean_of_channels():
    return one("ReduceMean", "a", initializers=[constant("a", [1])])


def gemm_alpha():
    return one("Gemm", "w", initializers=[initializer("w", (3, 4))], shape=(1, 3), alpha=0.5)


def gather_index():
    return one("Gather", "i", initializers=[constant("i", [0, 3])], axis=1)


def split_sizes():
    return model([node("Split", ["x", "s"], ["y", "z"], axis=1)], initializers=[constant("s", [1, 1])])


def division():
    return one("Div", "c", initializers=[constant("c", 0, np.float32)])


def quotient():
    return model([node("Div", ["c", "x"], ["y"])], initializers=[constant("c", [1, 2, 3], np.float32)])


def constant_of_pixels():
    return one("Mul", "c", initializers=[constant("c", np.ones((8, 8)), np.float32)])


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


def wide_negated():
    return wide("Neg")


def wide_hard_sigmoids():
    return wide("HardSigmoid")


def too_many_nodes():
    return model([node("Sum", ["x"] * 20000)])


CASES = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == __name__
         and value not in (values, initializer, model, node, good, one, constant, external,
                           reshaped_between, part_of_a_list, folded, quantized, filled, wide, row)]


def make(case):
    made = case()
    made, options = made if isinstance(made, tuple) else (made, [])
    return (made.SerializeToString() if isinstance(made, onnx.ModelProto) else made), options
