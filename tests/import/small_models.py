"""Making small models of ONNX."""

import numpy as np
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
