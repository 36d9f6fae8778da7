"""Every version of ONNX's ops from 9 on: one model for each holds every op that is imported, in each form that the
version has; its outputs are those of ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from comparing import import_model
from onnx import TensorProto, defs, helper, numpy_helper
from small_models import values
from support import assert_close, run_riffle

FIRST, LAST = 9, 28
SHAPE = (1, 4, 6, 7)


class Forms:
    """Collects nodes from "x" to outputs; the branches are named after the op and the form."""

    def __init__(self, version):
        self.version = version
        self.nodes, self.outputs, self.initializers = [], [], []
        self.source = np.random.default_rng(7)

    def constant(self, value, type=None):
        array = np.asarray(value, type)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f"constant{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def numbers(self, *shape):
        return self.constant(self.source.normal(size=shape).astype(np.float32))

    def node(self, operator, *inputs, results=1, **attributes):
        names = [f"{operator}{len(self.nodes)}_{i}" for i in range(results)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=names[0], **attributes))
        return names[0] if results == 1 else names

    def output(self, *names):
        self.outputs += names

    def one(self, operator, *inputs, **attributes):
        self.output(self.node(operator, *inputs, **attributes))

    def with_list(self, operator, source, name, numbers, since, **attributes):
        """A list that is an attribute before a version, and an input from it on."""
        if self.version < since:
            return self.node(operator, source, **{name: numbers}, **attributes)
        return self.node(operator, source, self.constant(numbers, np.int64), **attributes)

    def model(self):
        made = helper.make_graph(self.nodes, "forms", [values("x", list(SHAPE))],
                                 [values(name, None) for name in self.outputs], self.initializers)
        versions = [helper.make_opsetid("", self.version)]
        return helper.make_model(made, opset_imports=versions, ir_version=min(helper.find_min_ir_version_for(versions), 12))


def weighted(f):
    f.one("Conv", "x", f.numbers(6, 2, 3, 3), f.numbers(6), group=2, pads=[1, 0, 1, 2], strides=[2, 1], dilations=[1, 2])
    for pad in ("SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"):
        f.one("Conv", "x", f.numbers(3, 4, 3, 2), auto_pad=pad, strides=[2, 2])
    flat = f.node("Flatten", "x")
    f.one("Gemm", flat, f.numbers(168, 5), f.numbers(5))
    f.one("Gemm", flat, f.numbers(5, 168), f.numbers(1, 5), transB=1, alpha=1.0, beta=1.0)
    f.one("Gemm", flat, f.numbers(168, 5), f.constant(0.25))
    if f.version >= 11:
        f.one("Gemm", flat, f.numbers(168, 5))
    f.one("MatMul", flat, f.numbers(168, 3))
    statistics = [f.numbers(4), f.numbers(4), f.numbers(4), f.constant([0.5, 1, 1.5, 2])]
    training = {"training_mode": 0} if f.version >= 14 else {}
    f.one("BatchNormalization", "x", *statistics, epsilon=1e-3, momentum=0.8, **training)
    f.one("BatchNormalization", flat, *[f.numbers(168)] * 3, f.constant(np.linspace(0.5, 2, 168)))


def pools(f):
    rounded = {"ceil_mode": 1} if f.version >= 10 else {}
    dilated = {"dilations": [1, 1]} if f.version >= 10 else {}
    f.one("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1], storage_order=0, **rounded, **dilated)
    f.one("MaxPool", "x", kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 3])
    f.one("MaxPool", "x", kernel_shape=[1, 1], strides=[4, 4], **rounded)  # whose last window would begin outside
    f.one("AveragePool", "x", kernel_shape=[2, 2], strides=[3, 3], pads=[0, 1, 0, 1], count_include_pad=1, **rounded)
    f.one("AveragePool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1)
    f.one("AveragePool", "x", kernel_shape=[3, 3], auto_pad="SAME_UPPER")
    f.one("AveragePool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], **rounded)
    if f.version >= 19:
        f.one("AveragePool", "x", kernel_shape=[3, 3], dilations=[1, 1])
    f.one("GlobalAveragePool", "x")
    f.output(f.with_list("ReduceMean", "x", "axes", [2, 3], 18, keepdims=1))
    f.output(f.with_list("ReduceMean", "x", "axes", [2, 3], 18, keepdims=0))
    if f.version >= 11:
        f.output(f.with_list("ReduceMean", "x", "axes", [-1, -2], 18))
    f.one("LRN", "x", size=3, alpha=1e-2, beta=0.6, bias=1.5)


def elements(f):
    for operator in ("Relu", "Sigmoid", "Neg"):
        f.one(operator, "x")
    f.one("HardSigmoid", "x")
    f.one("HardSigmoid", "x", alpha=1 / 6, beta=0.5)
    if f.version >= 14:
        f.one("HardSwish", "x")
    if f.version < 11:
        f.one("Clip", "x", min=0.0, max=6.0)
        f.one("Clip", "x", min=0.0)
        f.one("Clip", "x")
    else:
        zero = f.constant(0.0)
        f.one("Clip", "x", zero, f.constant(6.0))
        f.one("Clip", "x", zero)
        f.one("Clip", "x", zero, "")
        f.one("Clip", "x")
        f.one("Clip", "x", "", f.constant(np.inf, np.float32))
    f.one("Softmax", f.node("Flatten", "x"))  # the last axis, whatever the version takes for its default
    f.one("Softmax", f.node("GlobalAveragePool", "x"), axis=1)
    if f.version >= 13:
        f.one("Softmax", "x", axis=1)
        f.one("Softmax", "x", axis=-3)
    other = f.node("Relu", "x")
    for operator in ("Add", "Sub", "Mul"):
        f.one(operator, "x", other)
        f.one(operator, "x", f.numbers(4, 1, 1))
        f.one(operator, "x", f.constant(0.7))
    f.one("Div", "x", f.constant([[[0.5]], [[2.0]], [[3.0]], [[4.0]]]))
    f.one("Sum", "x", other, f.node("Sigmoid", "x"))


def layout(f):
    f.output(*f.with_list("Split", "x", "split", [1, 3], 13, results=2, axis=1))
    if f.version < 18:
        f.output(*f.node("Split", "x", results=2, axis=1))
    else:
        f.output(*f.node("Split", "x", results=2, axis=1, num_outputs=2))
        f.output(*f.node("Split", f.node("Gather", "x", f.constant([0, 3, 2, 1, 0]), axis=1), results=2, axis=1, num_outputs=2))
    if f.version < 10:
        f.one("Slice", "x", axes=[1, 3], starts=[1, -5], ends=[9223372036854775807, -1])
    else:
        f.one("Slice", "x", f.constant([1, -5]), f.constant([9223372036854775807, -1]), f.constant([1, 3]))
        f.one("Slice", "x", f.constant([0]), f.constant([4]), f.constant([-3]), f.constant([2]))
        f.one("Slice", "x", f.constant([-1]), f.constant([-9]), f.constant([1]), f.constant([-1]))
        f.one("Slice", "x", f.constant([0, 1]), f.constant([1, 3]))
    f.one("Gather", "x", f.constant([2, 0]), axis=1)
    if f.version >= 11:
        f.one("Gather", "x", f.constant([-1, 0]), axis=1)
        f.one("Concat", "x", f.node("Relu", "x"), axis=-3)
    f.one("Concat", "x", f.node("Relu", "x"), axis=1)
    mean = f.node("GlobalAveragePool", "x")
    two = f.with_list("Squeeze", mean, "axes", [2, 3], 13)
    f.output(two)
    f.output(f.with_list("Unsqueeze", two, "axes", [2, 3], 13))
    if f.version >= 11:
        f.output(f.with_list("Unsqueeze", f.with_list("Squeeze", mean, "axes", [-1, -2], 13), "axes", [-1, -2], 13))
    f.one("Reshape", "x", f.constant([0, -1]))
    f.one("Reshape", f.node("Transpose", f.node("Reshape", "x", f.constant([0, 2, 2, 6, 7])), perm=[0, 2, 1, 3, 4]),
          f.constant([0, -1, 6, 7]))
    if f.version >= 14:
        f.one("Reshape", "x", f.constant([1, -1]), allowzero=1)
    f.one("Flatten", "x", axis=1)
    if f.version >= 11:
        f.one("Flatten", "x", axis=-3)
    f.one("Expand", "x", f.constant([1, 1, 6, 1]))


def pads(f):
    rounds = [0, 0, 1, 2, 0, 0, 0, 1]
    f.output(f.with_list("Pad", "x", "pads", rounds, 11, mode="constant"))
    f.output(f.with_list("Pad", "x", "pads", [0, 0, -1, 0, 0, 0, 0, -2], 11))
    if f.version < 11:
        f.one("Pad", "x", pads=rounds, value=0.0)
        return
    f.one("Pad", "x", f.constant(rounds), f.constant(0.0))
    if f.version >= 18:
        f.one("Pad", "x", f.constant([1, 2]), "", f.constant([2]))
        f.one("Pad", "x", f.constant([1, 2, 0, 1]), f.constant(0.0), f.constant([-1, 2]))


def inert(f):
    f.one("Relu", f.node("Identity", "x"))
    f.one("Relu", f.node("Cast", "x", to=TensorProto.FLOAT))
    if f.version >= 19:
        f.one("Relu", f.node("Cast", "x", to=TensorProto.FLOAT, saturate=1))
    if f.version < 12:
        f.one("Relu", f.node("Dropout", "x", ratio=0.3))
    else:
        f.one("Relu", f.node("Dropout", "x", seed=3))
        f.one("Relu", f.node("Dropout", "x", f.constant(0.3), f.constant(False)))


def shapes(f):
    """Constants in all forms, and a shape that is computed from that of "x"."""
    shape = f.node("Shape", "x")
    batch = f.node("Gather", shape, f.constant(0), axis=0)
    one = f.with_list("Unsqueeze", batch, "axes", [0], 13)
    rest = f.node("Constant", value=numpy_helper.from_array(np.array([-1]), ""))
    f.one("Relu", f.node("Reshape", "x", f.node("Concat", one, rest, axis=0)))
    double = f.node("Mul", batch, f.constant(2))
    halves = f.node("Concat", f.with_list("Unsqueeze", double, "axes", [0], 13), rest, axis=0)
    f.one("Relu", f.node("Reshape", f.node("Reshape", "x", halves), f.constant([1, 168])))
    filled = {"value": numpy_helper.from_array(np.array([0.3], np.float32), "")}
    f.one("Add", "x", f.node("ConstantOfShape", f.constant([4, 1, 1]), **filled))
    f.one("Add", f.node("Relu", "x"), f.node("ConstantOfShape", f.constant([], np.int64)))
    if f.version >= 12:
        f.one("Mul", "x", f.node("Constant", value_float=0.4))
        f.one("Mul", "x", f.node("Reshape", f.node("Constant", value_floats=[1.0, 2.0, 3.0, 4.0]),
                                 f.node("Constant", value_ints=[4, 1, 1])))
        f.one("Gather", "x", f.with_list("Unsqueeze", f.node("Constant", value_int=2), "axes", [0], 13), axis=1)
    if f.version >= 15:
        space = f.node("Shape", "x", start=-2)
        f.one("Relu", f.node("Reshape", f.node("Flatten", "x"), f.node(
            "Concat", f.node("Shape", "x", start=0, end=2), space, axis=0)))


PARTS = [weighted, pools, elements, layout, pads, inert, shapes]


def signatures(made, version):
    """Names of attributes, inputs and outputs of the ops that the model uses, in that version."""
    schemas = [defs.get_schema(operator, version) for operator in sorted({one.op_type for one in made.graph.node})]
    return [(schema.name, sorted(schema.attributes), [slot.name for slot in [*schema.inputs, *schema.outputs]])
            for schema in schemas]


def expected(made, x):
    """ONNX Runtime's outputs. It may not load the newest versions; then those of the last that it does, where the ops
    are the same."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    version = made.opset_import[0].version
    while True:
        try:
            session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
            return session.run(None, {"x": x})
        except onnxruntime.capi.onnxruntime_pybind11_state.Fail:
            made.opset_import[0].version -= 1
            assert signatures(made, made.opset_import[0].version) == signatures(made, version)


@pytest.mark.parametrize("version", range(FIRST, LAST + 1))
def test_version(version, tmp_path):
    forms = Forms(version)
    for part in PARTS:
        part(forms)
    made = forms.model()
    done, _ = import_model(made, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    x = np.random.default_rng(3).normal(size=SHAPE).astype(np.float32)
    wanted = expected(made, x)
    got = run_riffle(tmp_path / "net.rfl", ["--weights", tmp_path / "net.safetensors"], [x],
                     [array.shape for array in wanted], tmp_path)
    for name, one, other in zip(forms.outputs, got, wanted):
        assert np.abs(other).max() > 0, name
        try:
            assert_close(one, other)
        except AssertionError as fault:
            raise AssertionError(f"{name} in version {version}") from fault
