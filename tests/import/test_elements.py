"""What goes element by element: of tensors and constants that ONNX repeats to one shape, in all ranks."""

import numpy as np
import pytest
from comparing import compare
from exported import Exporter
from support import SHARED, invoke


def broadcast(*shapes):
    return tuple(np.broadcast_shapes(*shapes))


def constant(b, shape, low=0.5, high=2.0):
    """Numbers that all differ, none near 0."""
    count = int(np.prod(shape))
    return b.constant(np.linspace(low, high, count).reshape(shape), np.float32)


def alone(build, shape):
    b = Exporter("elements")
    b.output("y", build(b, b.input("x", shape)))
    return b.model(b.random_weights(seed=4))


def times(b, x, y):
    return b.node("Mul", [x, y], x.shape)


# ---- constants on either side ----

SHAPES = {
    "a number": ((1, 6, 5, 4), ()),
    "channels": ((1, 6, 5, 4), (6, 1, 1)),
    "channels of a batch": ((2, 6, 5, 4), (1, 6, 1, 1)),
    "columns": ((1, 6, 5, 4), (4,)),
    "rows": ((1, 6, 5, 4), (5, 1)),
    "pixels": ((1, 6, 5, 4), (5, 4)),
    "all": ((1, 6, 5, 4), (1, 6, 5, 4)),
    "a larger one": ((1, 6, 1, 4), (1, 6, 5, 1)),
    "a batch of constants": ((1, 6, 5, 4), (3, 1, 1, 4)),
    "boxes": ((1, 44, 4), (1, 44, 4)),
    "boxes' heights": ((1, 44, 4), (1, 44, 1)),
    "boxes' deviations": ((1, 44, 4), (4,)),
    "boxes of a batch": ((2, 44, 4), (44, 4)),
    "more dimensions": ((6, 5), (2, 1, 6, 5)),
    "vectors": ((3, 7), (7,)),
    "vectors' columns": ((3, 7), (3, 1)),
    "anchors": ((1, 3, 5, 4, 7), (1, 3, 1, 1, 7)),
    "cells": ((1, 3, 5, 4, 7), (1, 1, 5, 4, 1)),
    "six dimensions": ((2, 3, 2, 5, 1, 4), (3, 1, 5, 1, 4)),
    "many dimensions": ((2, 3, 2, 5, 3, 4), (2, 1, 2, 1, 3, 1)),
}


def viewed(b, shape):
    """An input is [n,c,h,w] or [n,c]: the shape, out of that."""
    if len(shape) in (2, 4):
        return b.input("x", shape)
    x = b.input("x", (shape[0], int(np.prod(shape[1:]))))
    return b.node("Reshape", [x, b.constant(list(shape))], shape)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div", "Max", "Pow"])
@pytest.mark.parametrize("name", SHAPES)
def test_constant(operator, name, first, tmp_path):
    shape, other = SHAPES[name]
    b = Exporter("constants")
    x = viewed(b, shape)
    if operator == "Pow":
        x = b.node("Abs", [x], shape)
    b.output("y", b.node(operator, [constant(b, other), x] if first else [x, constant(b, other)],
                         broadcast(shape, other)))
    compare(b.model({}), tmp_path)


# ---- tensors ----

@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Min"])
@pytest.mark.parametrize("name", [name for name in SHAPES if name != "a number"])
def test_tensors(operator, name, tmp_path):
    shape, other = SHAPES[name]
    b = Exporter("tensors")
    x = viewed(b, shape)
    flat = b.input("z", (1, int(np.prod(other))))
    z = b.node("Reshape", [flat, b.constant(list(other))], other)
    b.output("y", b.node(operator, [z, x], broadcast(shape, other)))
    b.output("v", b.node(operator, [x, z], broadcast(shape, other)))
    compare(b.model({}), tmp_path)


def conv(b, x, channels, name):
    return b.conv(x, name, channels, 1)


GATES = {
    "one channel": lambda b, x: b.node("Sigmoid", [conv(b, x, 1, "gate")], (1, 1, 6, 5)),
    "each channel": lambda b, x: b.node("Sigmoid", [b.global_avg_pool(conv(b, x, 8, "gate"))], (1, 8, 1, 1)),
}


def layout_bytes(folder):
    """What kernels copy, by `inspect --routing`."""
    done = invoke("inspect", "--routing", "net.rfl", cwd=folder)
    row = [line.split() for line in done.stdout.splitlines() if line.startswith("routed ")]
    return int(row[0][1].replace(",", ""))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("first", [False, True])
def test_gate(gate, first, tmp_path):
    """Gates are read where they lie."""
    b = Exporter("gated")
    x = b.input("x", (1, 12, 6, 5))
    y, z = b.relu(conv(b, x, 8, "layer")), GATES[gate](b, x)
    product = b.node("Mul", [z, y] if first else [y, z], (1, 8, 6, 5))
    b.output("y", b.flatten(b.global_avg_pool(conv(b, product, 3, "last"))))
    compare(b.model(b.random_weights(seed=4)), tmp_path)
    without = Exporter("plain")
    x = without.input("x", (1, 12, 6, 5))
    without.output("y", without.flatten(without.global_avg_pool(conv(without, x, 3, "last"))))
    bytes_of_gate = layout_bytes(tmp_path)
    compare(without.model(without.random_weights(seed=4)), tmp_path)
    assert bytes_of_gate == layout_bytes(tmp_path)


def test_boxes(tmp_path):
    """Corners of boxes by centres and sizes, as single-shot detectors decode them: nothing is copied."""
    b = Exporter("boxes")
    x = b.input("x", (1, 8, 6, 5))
    heads = [b.node("Reshape", [b.node("Transpose", [conv(b, x, 4 * anchors, f"head{anchors}")],
                                       (1, 6, 5, 4 * anchors), perm=[0, 2, 3, 1]), b.constant([1, -1, 4])],
                    (1, 30 * anchors, 4)) for anchors in (2, 3)]
    boxes = b.node("Concat", heads, (1, 150, 4), axis=1)
    centres, sizes = (b.node("Slice", [boxes, b.constant([begin]), b.constant([begin + 2]), b.constant([2])],
                             (1, 150, 2)) for begin in (0, 2))
    half = (1, 150, 2)
    centres = b.node("Add", [b.node("Mul", [b.node("Mul", [centres, constant(b, ())], half), constant(b, half)], half),
                             constant(b, half)], half)
    sizes = b.node("Mul", [b.node("Exp", [b.node("Mul", [sizes, constant(b, ())], half)], half), constant(b, half)], half)
    sizes = b.node("Div", [sizes, b.constant(2, np.float32)], half)
    b.output("y", b.node("Concat", [b.node("Sub", [centres, sizes], half), b.node("Add", [centres, sizes], half)],
                         (1, 150, 4), axis=2))
    compare(b.model(b.random_weights(seed=4)), tmp_path)
    assert layout_bytes(tmp_path) == 0


def test_yolo_heads(tmp_path):
    """Heads seen as [1, anchors, h, w, numbers], with grids and anchors: maps read slices of them where they lie, and
    what is left over is copied into the output once."""
    b = Exporter("yolo")
    x, heads, anchors, numbers = b.input("x", (1, 16, 8, 6)), [], 3, 7
    for stride in (1, 2):
        y = b.relu(b.conv(x, f"layer{stride}", 16, 3, stride, 1))
        h, w = y.shape[2:]
        y = b.node("Reshape", [b.conv(y, f"head{stride}", anchors * numbers, 1, bias=True),
                               b.constant([1, anchors, numbers, h, w])], (1, anchors, numbers, h, w))
        y = b.node("Transpose", [y], (1, anchors, h, w, numbers), perm=[0, 1, 3, 4, 2])
        y, half = b.node("Sigmoid", [y], y.shape), (1, anchors, h, w, 2)

        def part(begin, end, y=y):
            return b.node("Slice", [y, b.constant([begin]), b.constant([end]), b.constant([4])],
                          (*y.shape[:4], end - begin))

        two = b.constant(2, np.float32)
        centres = b.node("Sub", [b.node("Mul", [part(0, 2), two], half), b.constant(0.5, np.float32)], half)
        centres = times(b, b.node("Add", [centres, constant(b, half)], half), b.constant(8 * stride, np.float32))
        sizes = b.node("Pow", [times(b, part(2, 4), two), two], half)
        sizes = times(b, sizes, constant(b, (1, anchors, 1, 1, 2)))
        y = b.node("Concat", [centres, sizes, part(4, numbers)], y.shape, axis=4)
        heads.append(b.node("Reshape", [y, b.constant([1, -1, numbers])], (1, anchors * h * w, numbers)))
    boxes = sum(head.shape[1] for head in heads)
    b.output("y", b.node("Concat", heads, (1, boxes, numbers), axis=1))
    compare(b.model(b.random_weights(seed=4)), tmp_path)
    assert layout_bytes(tmp_path) == 2 * 4 * (numbers - 4) * boxes


ULTRAFACE = SHARED / "models" / "ultraface_rfb_320.onnx"


@pytest.mark.skipif(not ULTRAFACE.exists(), reason="../shared/models is not there")
def test_ultraface(tmp_path):
    """Imported whole, with priors as constants and nothing copied. (test_cut.py compares its numbers.)"""
    done = invoke("import", ULTRAFACE, "-o", "net.rfl", "--weights-out", "net.safetensors", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "net.rfl").read_text().count("constant([1, 2, 1, 4420])") == 3
    assert layout_bytes(tmp_path) == 0


# ---- functions ----

FUNCTIONS = {
    "erf": lambda b, x: b.node("Erf", [x], x.shape),
    "log": lambda b, x: b.node("Log", [b.node("Abs", [x], x.shape)], x.shape),
    "round": lambda b, x: b.node("Round", [b.node("Mul", [x, b.constant(4, np.float32)], x.shape)], x.shape),
    "sign": lambda b, x: b.node("Sign", [x], x.shape),
    "softplus": lambda b, x: b.node("Softplus", [x], x.shape),
    "thresholded_relu": lambda b, x: b.node("ThresholdedRelu", [x], x.shape, alpha=0.25),
    "thresholded_relu of 1": lambda b, x: b.node("ThresholdedRelu", [x], x.shape),
    "prelu of channels": lambda b, x: b.node("PRelu", [x, constant(b, (12, 1, 1), -0.5, 1.5)], x.shape),
    "prelu of all": lambda b, x: b.node("PRelu", [x, constant(b, (12, 5, 6), -0.5, 1.5)], x.shape),
    "prelu of one": lambda b, x: b.node("PRelu", [x, constant(b, (1,))], x.shape),
    "root and square": lambda b, x: b.node("Sqrt", [b.node("Mul", [x, x], x.shape)], x.shape),
    "square": lambda b, x: b.node("Pow", [x, b.constant(2, np.float32)], x.shape),
    "square by a whole number": lambda b, x: b.node("Pow", [x, b.constant(2)], x.shape),
    "cube": lambda b, x: b.node("Pow", [x, b.constant([3], np.float32)], x.shape),
    "root": lambda b, x: b.node("Pow", [b.relu(x), b.constant(0.5, np.float32)], x.shape),
    "inverse": lambda b, x: b.node("Pow", [x, b.constant(-1, np.float32)], x.shape),
    "no power": lambda b, x: b.node("Pow", [x, b.constant(0, np.float32)], x.shape),
    "first power": lambda b, x: b.relu(b.node("Pow", [x, b.constant(1, np.float32)], x.shape)),
    "gamma": lambda b, x: b.node("Pow", [b.relu(x), b.constant(2.2, np.float32)], x.shape),
    "powers of two": lambda b, x: b.node("Pow", [b.constant(2, np.float32), x], x.shape),
    "one less": lambda b, x: b.node("Sub", [b.constant(1, np.float32), x], x.shape),
    "a part of": lambda b, x: b.node("Div", [b.constant(3, np.float32), x], x.shape),
    "exact gelu spelled out": lambda b, x: times(b, times(b, x, b.node("Add", [b.node("Erf", [b.node(
        "Div", [x, b.constant(2 ** 0.5, np.float32)], x.shape)], x.shape), b.constant(1, np.float32)], x.shape)),
        b.constant(0.5, np.float32)),
    "max of a number": lambda b, x: b.node("Max", [x, b.constant(0.25, np.float32)], x.shape),
    "max of three": lambda b, x: b.node("Max", [x, constant(b, (6,)), b.constant(0.25, np.float32)], x.shape),
    "min of channels": lambda b, x: b.node("Min", [constant(b, (12, 1, 1)), x], x.shape),
    "rectified by max": lambda b, x: b.node("Max", [x, b.constant(0, np.float32)], x.shape),
    "hard_sigmoid of a slope": lambda b, x: b.node("HardSigmoid", [x], x.shape, alpha=0.25, beta=0.4),
    "hard_sigmoid": lambda b, x: b.node("HardSigmoid", [x], x.shape),
    "negated": lambda b, x: b.node("Neg", [x], x.shape),
    "of constants": lambda b, x: times(b, x, b.node("Exp", [b.node("Log", [constant(b, (12, 1, 1))], (12, 1, 1))],
                                                      (12, 1, 1))),
}

@pytest.mark.parametrize("form", ["of an input", "of a layer", "of a transposed layer"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name, form, tmp_path):
    def build(b, x):
        if form != "of an input":
            x = conv(b, x, 12, "layer")
        if form == "of a transposed layer":
            x = b.node("Transpose", [x], (1, 5, 6, 12), perm=[0, 2, 3, 1])
            y = FUNCTIONS[name](b, b.node("Transpose", [x], (1, 12, 5, 6), perm=[0, 3, 1, 2]))
            return b.node("Reshape", [y, b.constant([1, 3, 4, 30])], (1, 3, 4, 30))
        return FUNCTIONS[name](b, x)

    compare(alone(build, (1, 12, 5, 6)), tmp_path)


@pytest.mark.parametrize("approximate", [None, "none", "tanh"])
def test_gelu(approximate, tmp_path):
    attributes = {} if approximate is None else {"approximate": approximate}
    spec = compare(alone(lambda b, x: b.node("Gelu", [x], x.shape, **attributes), (1, 12, 5, 6)), tmp_path)
    assert ("gelu_tanh" if approximate == "tanh" else "gelu") in spec


def test_activation_of_a_transposed_head(tmp_path):
    """It becomes one of the convolution: nothing is moved for it."""
    def build(b, x):
        x = b.node("Transpose", [conv(b, x, 6, "head")], (1, 5, 6, 6), perm=[0, 2, 3, 1])
        x = b.node("Sigmoid", [b.node("Reshape", [x, b.constant([1, 30, 6])], (1, 30, 6))], (1, 30, 6))
        return b.node("Mul", [x, b.constant(4, np.float32)], x.shape)

    spec = compare(alone(build, (1, 12, 5, 6)), tmp_path)
    assert spec.index("sigmoid") < min(spec.find(word) % len(spec) for word in ("permute", "reshape", "rearrange"))


def test_division_by_nothing(tmp_path):
    """1 / (x / 0) is 0 or -0: the quotients are infinities."""
    model = alone(lambda b, x: b.node("Add", [x, b.node("Div", [b.constant(1, np.float32), b.node(
        "Div", [x, b.constant(0, np.float32)], x.shape)], x.shape)], x.shape), (1, 12, 5, 6))
    compare(model, tmp_path)
