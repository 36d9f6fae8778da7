"""Graphs and inputs of models that cannot be imported. See broken.py."""

import numpy as np
from onnx import TensorProto, helper
from small_models import constant, initializer, model, node, one, values


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
    return model([node("DeformConv", ["x", "w"], ["a"], "DeformConv_1"),
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
