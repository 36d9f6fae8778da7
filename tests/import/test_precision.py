"""Models in half and double precision: float32 holds every number of half precision, so that a model in it becomes what
the same model in float32 becomes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from comparing import import_model
from onnx import TensorProto, helper, numpy_helper
from small_models import constant, initializer, model, node, values
from support import SHARED, invoke, run_riffle

HALVES = {TensorProto.FLOAT16, TensorProto.BFLOAT16}
NOTE = "model.onnx: note: in half precision in the model, and float32 here, which loses nothing: "


def widen_tensor(tensor):
    if tensor.data_type in HALVES:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))


def widened(made):
    """The same model in float32."""
    made = onnx.ModelProto.FromString(made.SerializeToString())
    del made.graph.value_info[:]
    for slot in [*made.graph.input, *made.graph.output]:
        if slot.type.tensor_type.elem_type in HALVES:
            slot.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in made.graph.initializer:
        widen_tensor(tensor)
    for one in made.graph.node:
        for attribute in one.attribute:
            widen_tensor(attribute.t)
            if one.op_type == "Cast" and attribute.i in HALVES:
                attribute.i = TensorProto.FLOAT
    return made


def half(name, shape, type=np.float16):
    return numpy_helper.from_array(np.random.default_rng(5).normal(size=shape).astype(type), name)


def bfloat(name, shape):
    bits = np.random.default_rng(6).normal(size=shape).astype(np.float32).view(np.uint32) >> 16
    return helper.make_tensor(name, TensorProto.BFLOAT16, shape, bits.astype(np.uint16).tobytes(), raw=True)


def as_numbers(tensor):
    """The same in int32_data, as other writers have it."""
    bits = np.frombuffer(tensor.raw_data, np.uint16).astype(np.int32)
    tensor.ClearField("raw_data")
    tensor.int32_data.extend(bits.tolist())
    return tensor


def layers(type, weight, source="x", last="y"):
    """Weights, a constant that is a node, and one of a computed shape."""
    return [node("Conv", [source, "w", "b"], ["c"], "Conv_1"),
            node("Constant", [], ["k"], "Constant_2", value=numpy_helper.from_array(np.float16(0.3), "")
                 if type == TensorProto.FLOAT16 else helper.make_tensor("", type, [], [0.3])),
            node("Mul", ["c", "k"], ["m"], "Mul_3"),
            node("Constant", [], ["s"], "Constant_4", value_ints=[4, 1, 1]),
            node("ConstantOfShape", ["s"], ["o"], "ConstantOfShape_5",
                 value=helper.make_tensor("", type, [1], [0.1])),
            node("Add", ["m", "o"], [last], "Add_6")], [weight("w", (4, 3, 1, 1)), weight("b", (4,))]


def all_half():
    nodes, weights = layers(TensorProto.FLOAT16, half)
    return model(nodes, [values("x", [1, 3, 8, 8], TensorProto.FLOAT16)],
                 [values("y", [1, 4, 8, 8], TensorProto.FLOAT16)], weights)


def all_bfloat():
    nodes, weights = layers(TensorProto.BFLOAT16, bfloat)
    return model(nodes, [values("x", [1, 3, 8, 8], TensorProto.BFLOAT16)],
                 [values("y", [1, 4, 8, 8], TensorProto.BFLOAT16)], weights)


def float_ends():
    """As converters leave inputs and outputs: float32, with casts inside."""
    nodes, weights = layers(TensorProto.FLOAT16, half, "h", "r")
    return model([node("Cast", ["x"], ["h"], "Cast_0", to=TensorProto.FLOAT16), *nodes,
                  node("Cast", ["r"], ["y"], "Cast_7", to=TensorProto.FLOAT)], None, [values("y", [1, 4, 8, 8])],
                 [as_numbers(weight) for weight in weights])


COUNTS = {all_half: "4 constants, 1 input", all_bfloat: "4 constants, 1 input", float_ends: "4 constants, 1 cast"}


@pytest.mark.parametrize("build", COUNTS, ids=lambda build: build.__name__)
def test_half(build, tmp_path):
    made = build()
    done, spec = import_model(widened(made), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    weights = (tmp_path / "net.safetensors").read_bytes()
    done, again = import_model(made, tmp_path)
    assert (done.returncode, done.stderr) == (0, f"{NOTE}{COUNTS[build]}\n")
    assert again == spec and (tmp_path / "net.safetensors").read_bytes() == weights
    assert_alike(tmp_path, made, [np.random.default_rng(3).normal(size=(1, 3, 8, 8)).astype(np.float32)],
                 half_runs=build is not all_bfloat)


def run_onnx(made, inputs):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    types = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
    return session.run(None, {slot.name: array.astype(types[slot.type])
                              for slot, array in zip(session.get_inputs(), inputs)})


def assert_alike(folder, made, inputs, half_runs=True):
    """Like the model in float32 to its rounding; like ONNX Runtime, which rounds to half precision, to that."""
    twin = run_onnx(widened(made), inputs)
    got = run_riffle(folder / "net.rfl", ["--weights", folder / "net.safetensors"], inputs,
                     [array.shape for array in twin], folder)
    rounded = run_onnx(made, inputs) if half_runs else twin
    for one, other, coarse in zip(got, twin, rounded):
        most = np.abs(other).max()
        assert most > 0 and np.abs(one - other).max() <= 1e-5 * most
        assert np.abs(one - coarse.astype(np.float32)).max() <= 1e-2 * most


REAL = SHARED / "models" / "angle_fp16_io32.onnx"


@pytest.mark.skipif(not REAL.exists(), reason="../shared/models is not there")
def test_real_half(tmp_path):
    made = onnx.load(REAL)
    done = invoke("import", REAL, "-o", tmp_path / "net.rfl", "--weights-out", tmp_path / "net.safetensors")
    assert done.returncode == 0 and done.stderr.endswith(f"{NOTE[10:]}114 constants, 1 cast\n")
    shape = [dimension.dim_value for dimension in made.graph.input[0].type.tensor_type.shape.dim]
    assert_alike(tmp_path, made, [np.random.default_rng(3).normal(size=shape).astype(np.float32)])


def test_double(tmp_path):
    """Numbers that float32 holds, which are the same then."""
    narrow = model([node("Conv", ["x", "w"])], initializers=[initializer("w", (4, 3, 1, 1))])
    done, spec = import_model(narrow, tmp_path)
    weights = (tmp_path / "net.safetensors").read_bytes()
    wide = model([node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), node("Conv", ["d", "w"], ["e"]),
                  node("Cast", ["e"], to=TensorProto.FLOAT)],
                 initializers=[initializer("w", (4, 3, 1, 1), np.float64)])
    done, again = import_model(wide, tmp_path, "--convert-precision")
    assert (done.returncode, again) == (0, spec)
    assert done.stderr == "model.onnx: warning: 2 tensors of other precision were converted to float32\n"
    assert (tmp_path / "net.safetensors").read_bytes() == weights


CASTS = {  # what a list is cast to in turn, and what becomes of it
    "int32": ([TensorProto.INT32, TensorProto.INT64], [1, 3, 64, 0], [1, 3, 64, 0]),
    "float": ([TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64], [1, 3, 64, 0], [1, 3, 64, 0]),
    "bool": ([TensorProto.BOOL, TensorProto.INT64], [5, 0, -2, 1], [1, 0, 1, 1]),
    "bool of float": ([TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64], [5, 0, 7, 1],
                      [1, 0, 1, 1]),
    "int8 that wraps": ([TensorProto.INT8, TensorProto.UINT16, TensorProto.INT64], [257, 128, 3, 1],
                        [1, 65408, 3, 1]),
    "uint8": ([TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT32, TensorProto.INT64], [-1, 1, 2, 3],
              [255, 1, 2, 3]),
}


@pytest.mark.parametrize("name", CASTS)
def test_casts_of_shapes(name, tmp_path):
    types, numbers, result = CASTS[name]
    names = ["c", *(f"c{i}" for i in range(len(types) - 1)), "t"]
    nodes = [node("Cast", [names[i]], [names[i + 1]], f"Cast_{i}", to=type) for i, type in enumerate(types)]
    made = model([*nodes, node("Gather", ["x", "t"], axis=1)], [values("x", [1, 70000, 1, 1])],
                 initializers=[constant("c", numbers)])
    done, spec = import_model(made, tmp_path)
    assert done.returncode == 0 and f"gather({str(result)}" in spec.replace("channels = ", ""), (done.stderr, spec)
