"""Every spelling of an op gives the op, and the numbers of ONNX Runtime."""

import os
import subprocess

import numpy as np
import onnx
import pytest
from comparing import compare
from exported import Exporter, shufflenet_v2
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from shuffles import SPELLINGS, shuffle
from support import RIFFLE


def one_layer(build, shape=(1, 12, 5, 6), name="one"):
    b = Exporter(name)
    b.output("y", build(b, b.input("x", shape)))
    return b.model(b.random_weights(seed=4))


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_shuffle(spelling, groups, tmp_path):
    spec = compare(one_layer(lambda b, x: shuffle(b, b.relu(x), groups, spelling)), tmp_path)
    assert spec.count("shuffle(") == 1 and "gather" not in spec and "split" not in spec and "concat" not in spec


@pytest.mark.parametrize("spelling", ["reshape", "shape_chain", "joined_space", "gather", "split", "slices"])
def test_shuffle_of_a_batch(spelling, tmp_path):
    spec = compare(one_layer(lambda b, x: shuffle(b, x, 2, spelling), (3, 12, 5, 6)), tmp_path)
    assert spec.count("shuffle(2)") == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_shuffle_in_the_network(spelling, tmp_path):
    twin = shufflenet_v2(spelling=spelling)
    spec = compare(twin.model(twin.random_weights(seed=2)), tmp_path)
    assert spec.count("shuffle(2)") + spec.count("shuffle(6)") + spec.count("shuffle(10)") == 6
    assert "gather(" not in spec


def test_even_odd_split(tmp_path):
    """Megvii's V2: the halves are taken apart, not joined again."""
    def build(b, x):
        pairs = b.node("Reshape", [x, b.constant([6, 2, 30])], (6, 2, 30))
        turned = b.node("Transpose", [pairs], (2, 6, 30), perm=[1, 0, 2])
        apart = b.node("Reshape", [turned, b.constant([2, -1, 6, 5, 6])], (2, 1, 6, 5, 6))
        even, odd = (b.node("Gather", [apart, b.constant(i)], (1, 6, 5, 6), axis=0) for i in (0, 1))
        return b.concat(even, b.relu(odd))

    spec = compare(one_layer(build), tmp_path)
    assert "split(2, interleaved = true)" in spec


def test_strided_slices(tmp_path):
    spec = compare(one_layer(lambda b, x: b.concat(b.slice(x, 0, 12, 2), b.relu(b.slice(x, 1, 12, 2)))), tmp_path)
    assert "split(2, interleaved = true)" in spec


def test_parts(tmp_path):
    """Slices become one split, with the parts between them left out."""
    spec = compare(one_layer(lambda b, x: b.concat(b.relu(b.slice(x, 8, 12)), b.slice(x, 1, 4))), tmp_path)
    assert "split([1, 3, 4, 4])" in spec


def constant(b, value):
    return b.constant(value, np.float32)


def counted(b, *shape):
    """A constant whose numbers all differ."""
    return constant(b, np.arange(1, 1 + int(np.prod(shape))).reshape(shape) / 7)


def reshaped(b, x, *shape):
    return b.node("Reshape", [x, b.constant(list(shape))], shape)


def biased_beside_another_reader(b, x):
    """A bias of a reshaped convolution whose bare result is read, too."""
    c = b.conv(x, "c", 4, 1)
    return b.concat(b.node("Add", [reshaped(b, c, 1, 4, 5, 6), counted(b, 4, 1, 1)], c.shape), b.relu(c))


def hard(b, x, swish, form):
    """hard_sigmoid or hard_swish out of Add, Clip, Mul and Div."""
    clipped = b.relu6(b.node("Add", [x, constant(b, 3)], x.shape))
    if not swish:
        return b.node("Div", [clipped, constant(b, 6)], x.shape)
    if form == "last":
        return b.node("Div", [b.multiply(x, clipped), constant(b, 6)], x.shape)
    return b.multiply(b.node("Mul", [clipped, constant(b, 1 / 6)], x.shape), x)


@pytest.mark.parametrize("form", ["last", "first"])
@pytest.mark.parametrize("swish", [False, True])
def test_hard(swish, form, tmp_path):
    spec = compare(one_layer(lambda b, x: hard(b, x, swish, form)), tmp_path)
    assert ("hard_swish" if swish else "hard_sigmoid") in spec and "batch_norm" not in spec and "relu6" not in spec


def test_part_of_a_hard_swish(tmp_path):
    """x + 3 alone, and relu6 of it, are what they are."""
    spec = compare(one_layer(lambda b, x: b.multiply(b.relu6(b.node("Add", [x, constant(b, 3)], x.shape)), b.relu(x))),
                   tmp_path)
    assert "bias @" in spec and "relu6" in spec


def test_hard_sigmoid_of_another_slope(tmp_path):
    compare(one_layer(lambda b, x: b.node("HardSigmoid", [x], x.shape, alpha=0.2, beta=0.4)), tmp_path)


SINGLE = {
    "mean of negative axes": lambda b, x: b.node("ReduceMean", [x, b.constant([-1, -2])], (1, 12), keepdims=0),
    "mean that keeps axes": lambda b, x: b.node("ReduceMean", [x, b.constant([2, 3])], (1, 12, 1, 1)),
    "flatten": lambda b, x: b.flatten(b.relu(x)),
    "reshape to two": lambda b, x: b.node("Reshape", [x, b.constant([0, -1])], (1, 360)),
    "squeeze": lambda b, x: b.node("Squeeze", [b.global_avg_pool(x), b.constant([2, 3])], (1, 12)),
    "classifier": lambda b, x: b.softmax(b.linear(b.global_avg_pool(x), "fc", 7)),
    "matmul": lambda b, x: b.node("Add", [b.node("MatMul", [b.flatten(x), b.weight("w", (360, 5), "filter")], (1, 5)),
                                          b.weight("v", (5,), "bias")], (1, 5)),
    "gemm of the other order": lambda b, x: b.node(
        "Gemm", [b.flatten(x), b.weight("w", (360, 5), "filter"), b.weight("v", (5,), "bias")], (1, 5)),
    "clip below": lambda b, x: b.node("Clip", [x, constant(b, 0)], x.shape),
    "pad and convolution": lambda b, x: b.conv(b.pad(x, [1, 2, 0, 1]), "c", 4, 3),
    "negative pads": lambda b, x: b.node(
        "Pad", [x, b.constant([0, 0, -1, 0, 0, 0, 1, -2])], (1, 12, 5, 4)),
    "rows": lambda b, x: b.crop(x, [1, 2, 1, 0]),
    "columns of some channels": lambda b, x: b.concat(b.global_avg_pool(b.node("Slice", [
        x, b.constant([1, 1]), b.constant([5, 4]), b.constant([1, 3])], (1, 4, 5, 3))), b.global_avg_pool(x)),
    "average over padding": lambda b, x: b.avg_pool(x, 3, 2, 1, count_padding=True),
    "average without padding": lambda b, x: b.avg_pool(x, 3, 2, 1, ceil=True, count_padding=False),
    "max rounding up": lambda b, x: b.max_pool(x, 3, 2, 0, ceil=True),
    "max, same upper": lambda b, x: b.node("MaxPool", [x], (1, 12, 3, 3), kernel_shape=[3, 3], strides=[2, 2],
                                           auto_pad="SAME_UPPER"),
    "norm of responses": lambda b, x: b.local_response_norm(x, 5, 1e-2, 0.75, 2.0),
    "scaled": lambda b, x: b.node("Mul", [x, b.constant(np.arange(1, 13).reshape(1, 12, 1, 1), np.float32)], x.shape),
    "divided and subtracted": lambda b, x: b.node("Sub", [b.node("Div", [x, constant(b, 0.225)], x.shape),
                                                  b.constant(np.arange(12).reshape(12, 1, 1), np.float32)], x.shape),
    "excitation": lambda b, x: b.node(
        "Mul", [b.sigmoid(b.conv(b.global_avg_pool(x), "e", 12, 1, bias=True)), x], x.shape),
    "sum of three": lambda b, x: b.node("Sum", [x, b.relu(x), b.sigmoid(x)], x.shape),
    "bias of its own": lambda b, x: b.bias(b.conv(x, "c", 12, 1), "d"),
    "shared weights": lambda b, x: b.add(b.conv(x, "c", 12, 1), b.node("Conv", [b.relu(x), "c.weight"], x.shape)),
    "transpose that moves nothing": lambda b, x: b.node(
        "Transpose", [b.node("Transpose", [b.global_avg_pool(x)], (1, 1, 1, 12), perm=[0, 2, 3, 1])], (1, 12, 1, 1),
        perm=[0, 3, 1, 2]),
    "constants behind a split": lambda b, x: b.concat(
        b.node("Mul", [b.slice(x, 4, 6), counted(b, 2, 1, 1)], (1, 2, 5, 6)),
        b.node("Div", [b.slice(x, 6, 9), counted(b, 1, 3, 1, 1)], (1, 3, 5, 6))),
    "constants behind a gather": lambda b, x: b.node("Sub", [
        b.node("Gather", [x, b.constant([3, 1, 1])], (1, 3, 5, 6), axis=1), counted(b, 1, 3, 1, 1)], (1, 3, 5, 6)),
    "one number behind a gather of more": lambda b, x: b.node("Add", [
        b.node("Gather", [x, b.constant([3, 1, 1] * 6)], (1, 18, 5, 6), axis=1), constant(b, 0.7)], (1, 18, 5, 6)),
    "constants behind flatten": lambda b, x: b.node("Mul", [b.flatten(x), counted(b, 360)], (1, 360)),
    "norm behind flatten": lambda b, x: b.batch_norm(b.flatten(x), "n"),
    "softmax behind flatten": lambda b, x: b.softmax(b.flatten(x)),
    "one number for groups": lambda b, x: reshaped(
        b, b.node("Mul", [reshaped(b, x, 1, 2, 6, 5, 6), constant(b, 0.7)], (1, 2, 6, 5, 6)), 1, 12, 5, 6),
    "bias beside another reader": biased_beside_another_reader,
    "one less": lambda b, x: b.node("Sub", [constant(b, 1), b.sigmoid(x)], x.shape),
    "one less of a part": lambda b, x: b.node("Sub", [constant(b, 1), b.slice(x, 1, 5)], (1, 4, 5, 6)),
    "channels less": lambda b, x: b.node("Sub", [counted(b, 12, 1, 1), x], x.shape),
    "difference": lambda b, x: b.node("Sub", [x, b.relu(x)], x.shape),
    "less its mean": lambda b, x: b.node("Sub", [x, b.global_avg_pool(x)], x.shape),
    "mean less": lambda b, x: b.node("Sub", [b.global_avg_pool(x), x], x.shape),
    "negative": lambda b, x: b.node("Neg", [x], x.shape),
    "leaky": lambda b, x: b.node("LeakyRelu", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6), alpha=0.2),
    "leaky as it is": lambda b, x: b.node("LeakyRelu", [x], x.shape),
    "tanh": lambda b, x: b.node("Tanh", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6)),
    "exp": lambda b, x: b.node("Exp", [x], x.shape),
    "root and more": lambda b, x: b.node("Sqrt", [b.node("Abs", [b.node("Floor", [x], x.shape)], x.shape)], x.shape),
    "clip": lambda b, x: b.node("Clip", [b.conv(x, "c", 7, 1), constant(b, -0.5), constant(b, 0.25)], (1, 7, 5, 6)),
    "clip from one": lambda b, x: b.node("Clip", [x, constant(b, 0.25)], x.shape),
    "clip to one": lambda b, x: b.node("Clip", [x, "", constant(b, 0.25)], x.shape),
    "elu": lambda b, x: b.node("Elu", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6), alpha=0.5),
    "selu": lambda b, x: b.node("Selu", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6)),
    "celu": lambda b, x: b.node("Celu", [x], x.shape, alpha=0.5),
    "mish": lambda b, x: b.node("Mish", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6)),
    "softsign": lambda b, x: b.node("Softsign", [b.conv(x, "c", 7, 1)], (1, 7, 5, 6)),
    "reciprocal": lambda b, x: b.node("Reciprocal", [b.node("Exp", [x], x.shape)], x.shape),
    "up": lambda b, x: b.node("Ceil", [b.node("Mul", [x, constant(b, 3)], x.shape)], x.shape),
    "larger of three": lambda b, x: b.node("Max", [x, b.conv(x, "c", 12, 1), b.global_avg_pool(x)], x.shape),
    "smaller of two": lambda b, x: b.node("Min", [b.conv(x, "c", 12, 1), x], x.shape),
    "inverse": lambda b, x: b.node("Div", [constant(b, 2), b.node("Exp", [x], x.shape)], x.shape),
    "quotient": lambda b, x: b.node("Div", [x, b.node("Exp", [b.conv(x, "c", 12, 1)], x.shape)], x.shape),
    "weight transposed by a node": lambda b, x: b.node("MatMul", [b.flatten(x), b.node(
        "Transpose", [b.weight("w", (5, 360), "filter")], (360, 5), perm=[1, 0])], (1, 5)),
}


def gated(b, x, shape, last):
    """Squeeze and excitation by fully connected layers, as Linear and view are exported."""
    few = b.relu(b.linear(b.global_avg_pool(x), "down", 3))
    gate = b.node("Reshape", [last(b, b.linear(few, "up", 12)), shape(b, x)], (1, 12, 1, 1))
    return b.multiply(x, gate)


def computed_shape(b, x):
    """view(b, c, 1, 1) with sizes of the tensor: Shape, Gather, Unsqueeze, Concat."""
    of = b.node("Shape", [x], (4,))
    sizes = [b.node("Unsqueeze", [b.node("Gather", [of, b.constant(i)], (), axis=0), b.constant([0])], (1,))
             for i in (0, 1)]
    return b.node("Concat", [*sizes, b.constant([1, 1])], (4,), axis=0)


def expanded(b, x):
    """x.expand(sizes) of PyTorch, where -1 keeps a size: ConstantOfShape, Mul, Equal, Where."""
    sizes = b.constant([1, -1, -1, 6])
    ones = b.node("ConstantOfShape", [b.constant([4])], (4,), value=numpy_helper.from_array(np.array([1]), ""))
    keeps = b.node("Equal", [sizes, b.node("Mul", [ones, b.constant(-1)], (4,))], (4,))
    return b.node("Expand", [x, b.node("Where", [keeps, ones, sizes], (4,))], x.shape)


def size_of(b, x, axis):
    return b.node("Gather", [b.node("Shape", [x], (4,)), b.constant([axis])], (1,), axis=0)


def shuffled_by_numbers(b, x):
    """Channels i, i + 6 in turn: Range, Mod, Div and the like."""
    count = b.node("Squeeze", [size_of(b, x, 1), b.constant([0])], ())
    places = b.node("Range", [b.constant(0), count, b.constant(1)], (12,))
    group = b.node("Mod", [places, b.constant(2)], (12,))
    within = b.node("Div", [places, b.constant(2)], (12,))
    return b.node("Gather", [x, b.node("Add", [b.node("Mul", [group, b.constant(6)], (12,)), within], (12,))], x.shape, axis=1)


def flattened_by_product(b, x):
    rest = b.node("Slice", [b.node("Shape", [x], (4,)), b.constant([1]), b.constant([4])], (3,))
    return b.node("Reshape", [x, b.node("Concat", [size_of(b, x, 0), b.node("ReduceProd", [rest], (1,), keepdims=1)], (2,),
                                        axis=0)], (1, 360))


def halved_up(b, x):
    """The first ceil(5 / 2) rows, counted in floats."""
    rows = b.node("Cast", [size_of(b, x, 2)], (1,), to=TensorProto.FLOAT)
    half = b.node("Ceil", [b.node("Div", [rows, constant(b, 2)], (1,))], (1,))
    end = b.node("Cast", [half], (1,), to=TensorProto.INT64)
    return b.node("Slice", [x, b.constant([0]), end, b.constant([2])], (1, 12, 3, 6))


def backwards(b, x):
    """Channels in reverse: a Range downwards, and remainders of negative numbers."""
    places = b.node("Range", [b.constant(11), b.constant(-1), b.constant(-1)], (12,))
    negative = b.node("Sub", [places, b.constant(12)], (12,))
    return b.node("Gather", [x, b.node("Mod", [negative, b.constant(12)], (12,))], x.shape, axis=1)


CHAINS = [expanded, shuffled_by_numbers, flattened_by_product, halved_up, backwards]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.__name__)
def test_computed_shape(chain, tmp_path):
    compare(one_layer(lambda b, x: chain(b, b.relu(x))), tmp_path)


SPELLED_GATES = {
    "constant shape": (lambda b, x: b.constant([-1, 12, 1, 1]), lambda b, x: b.sigmoid(x)),
    "shape of zeros": (lambda b, x: b.constant([0, 0, 1, 1]), lambda b, x: b.sigmoid(x)),
    "computed shape": (computed_shape, lambda b, x: b.sigmoid(x)),
    "hard": (computed_shape, lambda b, x: hard(b, x, False, "last")),
}


@pytest.mark.parametrize("name", SPELLED_GATES)
def test_gate_of_linear_layers(name, tmp_path):
    spec = compare(one_layer(lambda b, x: gated(b, x, *SPELLED_GATES[name])), tmp_path)
    assert spec.count("linear(") == 2 and "rearrange" not in spec and "reshape" not in spec


def line(b, x):
    """[1, 12, 6]: one row of the tensor."""
    return b.node("Squeeze", [b.crop(x, [2, 0, 2, 0]), b.constant([2])], (1, 12, 6))


def image(b, x, *shape):
    return b.node("Unsqueeze", [x, b.constant([2])], shape)


LINES = {
    "convolution": lambda b, x: image(b, b.node(
        "Conv", [line(b, x), b.weight("c.weight", (6, 6, 3), "filter"), b.weight("c.bias", (6,), "bias")], (1, 6, 3),
        group=2, strides=[2], pads=[1, 0], kernel_shape=[3]), 1, 6, 1, 3),
    "dilated convolution": lambda b, x: image(b, b.node(
        "Conv", [line(b, x), b.weight("c.weight", (4, 12, 2), "filter")], (1, 4, 5), dilations=[3], pads=[1, 1]), 1, 4, 1, 5),
    "convolution of the same size": lambda b, x: image(b, b.node(
        "Conv", [line(b, x), b.weight("c.weight", (12, 1, 3), "filter")], (1, 12, 6), group=12, auto_pad="SAME_UPPER"),
        1, 12, 1, 6),
    "max": lambda b, x: image(b, b.node("MaxPool", [line(b, x)], (1, 12, 3), kernel_shape=[3], strides=[2], pads=[1, 0]),
                              1, 12, 1, 3),
    "average": lambda b, x: image(b, b.node("AveragePool", [line(b, x)], (1, 12, 5), kernel_shape=[2]), 1, 12, 1, 5),
    "mean": lambda b, x: image(b, b.node("GlobalAveragePool", [line(b, x)], (1, 12, 1)), 1, 12, 1, 1),
    "pad": lambda b, x: image(b, b.node("Pad", [line(b, x), b.constant([0, 0, 2, 0, 0, -1])], (1, 12, 7)), 1, 12, 1, 7),
    "norm": lambda b, x: image(b, b.batch_norm(line(b, x), "n"), 1, 12, 1, 6),
}


@pytest.mark.parametrize("name", LINES)
def test_one_dimension(name, tmp_path):
    """Layers over [batch, channels, length] are those over a row."""
    compare(one_layer(LINES[name]), tmp_path)


@pytest.mark.parametrize("name", SINGLE)
def test_single(name, tmp_path):
    compare(one_layer(SINGLE[name]), tmp_path)


def test_shared_matmul(tmp_path):
    """A weight that several nodes read, transposed for each, is one."""
    def build(b, x):
        w, x = b.weight("w", (12, 12), "filter"), b.flatten(b.global_avg_pool(x))
        for _ in range(3):
            x = b.node("MatMul", [x, w], (1, 12))
        return x

    spec = compare(one_layer(build), tmp_path)
    assert spec.count("shared = true") == 2 and list(load_file(tmp_path / "net.safetensors")) == ["w.weight"]


def filled(b, number, *shape):
    return b.node("ConstantOfShape", [b.constant(list(shape))], shape, value=numpy_helper.from_array(
        np.full(1, number, np.float32), ""))


FILLED = {
    "gemm": lambda b, x: b.node("Gemm", [b.flatten(x), filled(b, 0.01, 700, 360), filled(b, 0.5, 700)], (1, 700), transB=1),
    "gemm of the other order": lambda b, x: b.node("Gemm", [b.flatten(x), filled(b, 0.01, 360, 900)], (1, 900)),
    "matmul": lambda b, x: b.node("MatMul", [b.flatten(x), filled(b, 0.01, 360, 900)], (1, 900)),
    "convolution": lambda b, x: b.node("Conv", [x, filled(b, -0.02, 160, 12, 3, 3), filled(b, 1, 160)], (1, 160, 3, 4)),
    "transposed": lambda b, x: b.node("MatMul", [b.flatten(x), b.node(
        "Transpose", [filled(b, 0.01, 900, 360)], (360, 900), perm=[1, 0])], (1, 900)),
    "reshaped": lambda b, x: b.node("MatMul", [b.flatten(x), reshaped(b, filled(b, 0.01, 2, 180, 900), 360, 900)], (1, 900)),
    "factor": lambda b, x: b.node("Mul", [x, filled(b, 0.3, 12, 1, 1)], x.shape),
    "of no value": lambda b, x: b.node("Add", [b.relu(x), b.node("ConstantOfShape", [b.constant([12, 1, 1])], (12, 1, 1))],
                                       x.shape),
}


@pytest.mark.parametrize("name", FILLED)
def test_filled(name, tmp_path):
    compare(one_layer(FILLED[name]), tmp_path)


def test_memory_of_what_is_filled(tmp_path):
    """512 MB that repeat one number are in memory once; in the file of weights they are what they are."""
    with open(RIFFLE, "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("AddressSanitizer takes memory of its own")
    made = one_layer(lambda b, x: b.node("MatMul", [b.flatten(x), filled(b, 0.01, 360, 360 << 10)], (1, 360 << 10)))
    (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
    words = [RIFFLE, "import", "model.onnx", "-o", "net.rfl", "--weights-out", "net.safetensors"]
    process = subprocess.Popen(words, cwd=tmp_path)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0 and (tmp_path / "net.safetensors").stat().st_size > 500 << 20
    assert usage.ru_maxrss < 120 << 10


def test_old_forms(tmp_path):
    """Opset 9: axes, bounds and pads are attributes."""
    nodes = [
        helper.make_node("Slice", ["x"], ["left"], axes=[1], starts=[0], ends=[4]),
        helper.make_node("Slice", ["x"], ["right"], axes=[1], starts=[4], ends=[9223372036854775807]),
        helper.make_node("Clip", ["right"], ["clipped"], min=0.0, max=6.0),
        helper.make_node("Pad", ["clipped"], ["padded"], pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="constant"),
        helper.make_node("AveragePool", ["padded"], ["pooled"], kernel_shape=[3, 3]),
        helper.make_node("Concat", ["left", "pooled"], ["joined"], axis=1),
        helper.make_node("ReduceMean", ["joined"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean"], ["four"], axes=[2, 3]),
        helper.make_node("Squeeze", ["four"], ["two"], axes=[2, 3]),
        helper.make_node("Dropout", ["two"], ["y"], ratio=0.5),
    ]
    graph = helper.make_graph(nodes, "old", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 12, 5, 6])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 12])])
    compare(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4), tmp_path)


def test_nodes_in_any_order(tmp_path):
    model = one_layer(lambda b, x: b.relu(b.conv(x, "c", 4, 3)))
    nodes = list(model.graph.node)
    expected = compare(model, tmp_path)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    (tmp_path / "other").mkdir()
    from comparing import import_model
    done, spec = import_model(model, tmp_path / "other")
    assert (done.stderr, spec) == ("", expected)


def test_external_data(tmp_path):
    model = one_layer(lambda b, x: b.conv(x, "c", 4, 3))
    spec = compare(model, tmp_path)
    before = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "deep").mkdir()
    onnx.save_model(model, tmp_path / "model.onnx", save_as_external_data=True, location="deep/weights.bin",
                    size_threshold=0)
    from support import invoke
    done = invoke("import", "model.onnx", "-o", "net.rfl", "--weights-out", "net.safetensors", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "net.rfl").read_text() == spec and (tmp_path / "net.safetensors").read_bytes() == before
