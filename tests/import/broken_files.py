"""Files that cannot be imported: what is no model, and what is wrong with initializers. See broken.py."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from small_models import good, initializer, model, node, one, values


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
