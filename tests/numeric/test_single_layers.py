"""Each operation alone, and in the small company that passes fuse, at shapes that no vector width divides.

Every network is verified against the interpreter for every target; and the outputs of both, interpreter and
compiled code, are compared with ONNX Runtime's, which is another's reading of what the operation means.
"""

import itertools

import numpy as np
import onnx_builder
import pytest
from marks import target_parameters
from support import assert_close, best_target, part, run_riffle, verify, write_weights
from twins import Twin, buffer_shape, from_buffer, to_buffer

CHANNELS = [1, 3, 7, 17, 29, 58, 116]
ACTIVATIONS = ["relu", "relu6", "sigmoid", "hard_sigmoid", "hard_swish", "leaky_relu", "tanh"]

CASES = {}


def case(*values):
    """Registers a function that builds a twin; with values, once for each."""

    def register(build):
        for value in values or [None]:
            name = build.__name__ if value is None else f"{build.__name__}-{value}"
            CASES[name.replace(" ", "")] = (build, value)
        return build

    return register


# ---- convolutions ----

@case(17, 20, 34, 58, 116)
def dot_product_tail(t, channels):
    """Output channels that leave a few for a last vector, and enough inputs for them to be dot products."""
    x = t.input(88, 7, 9, batch=2)
    t.output(t.apply("relu", t.conv(x, channels, 1, bias=True)))
    t.output(t.apply("relu6", t.apply("add", t.conv(x, channels, 1), t.conv(x, channels, 1, bias=True))))
    t.output(t.conv(x, 4 * channels, 1, groups=4))
    y = t.apply("concat", t.conv(x, 13, 1), x, t.conv(x, 5, 1))  # inputs in several runs
    keep, work = t.split(t.conv(y, channels, 1, bias=True), [channels // 3, channels - channels // 3])
    t.output(t.apply("relu", t.depthwise(work, 3, padding=1)))
    t.output(keep)


@case((12, "relu"), (20, "relu6"), (24, "relu"))
def planar_stem(t, channels_activation):
    """A convolution of an image and the pooling behind it, at sizes that leave all kinds of edges."""
    channels, activation = channels_activation
    for planes, height, width in ((3, 37, 75), (1, 20, 66), (4, 9, 131), (2, 3, 5)):
        x = t.input(planes, height, width, batch=2)
        for kernel, stride, padding, pooled in ((3, 2, 1, 1), (3, 1, 0, 0), (5, 2, 2, 1), (2, 2, (0, 1, 1, 0), 0)):
            if min(height, width) < 5 and padding != 1:
                continue
            y = t.apply(activation, t.conv(x, channels, kernel, stride, padding, bias=stride == 2))
            t.output(t.apply("relu", t.conv(t.max_pool(y, 3, 2, pooled, ceil=kernel == 5), 7, 1)))


@case(*CHANNELS)
def dense(t, c):
    x = t.input(c, 13, 11, batch=3 if c < 30 else 1)
    for kernel, stride in itertools.product((1, 3, 5, 7), (1, 2, 3)):
        t.output(t.conv(x, {1: 5, 3: 24, 7: 7, 17: 9}.get(c, c), kernel, stride, padding=kernel // 2))


@case(*CHANNELS)
def depthwise(t, c):
    x = t.input(c, 12, 15, batch=3 if c < 30 else 1)
    for kernel, stride in itertools.product((1, 3, 5, 7), (1, 2, 3)):
        t.output(t.depthwise(x, kernel, stride, padding=kernel // 2, bias=stride == 2))


@case((6, 2, 10), (58, 2, 58), (58, 29, 87), (17, 17, 34), (24, 3, 9), (116, 4, 116), (90, 8 + 1, 45), (40, 8, 88))
def grouped(t, channels_groups_out):
    channels, groups, out = channels_groups_out
    x = t.input(channels, 9, 14, batch=3)
    t.output(t.conv(x, out, 1, groups=groups))
    t.output(t.conv(x, out, 1, stride=2, groups=groups, bias=True))
    t.output(t.conv(x, out, 3, padding=1, groups=groups))
    t.output(t.conv(x, out, (5, 2), stride=(2, 3), padding=(2, 1), groups=groups))


@case(*CHANNELS)
def uneven_padding(t, c):
    x = t.input(c, 10, 13)
    for padding in ((0, 1, 2, 0), (1, 0, 0, 2), (2, 2, 1, 1), (0, 0, 3, 3)):
        t.output(t.conv(x, 8, (4, 5), stride=(1, 2), padding=padding))
        t.output(t.depthwise(x, (4, 5), stride=(2, 1), padding=padding))


@case(3, 17, 58)
def dilated(t, c):
    x = t.input(c, 15, 16)
    for kernel, stride, dilation in (((3, 3), 1, 2), ((3, 3), 2, 3), ((2, 5), (1, 2), (4, 1)), ((1, 3), 1, (1, 5))):
        padding = 3
        t.output(t.conv(x, 11, kernel, stride, padding, dilation))
        t.output(t.depthwise(x, kernel, stride, padding, dilation))


@case((1, 1), (1, 19), (19, 1), (2, 2), (3, 40))
def few_pixels(t, size):
    x = t.input(29, *size, batch=3)
    t.output(t.conv(x, 33, 1))
    t.output(t.conv(x, 33, 3, padding=1))
    t.output(t.depthwise(x, 3, padding=1))
    t.output(t.depthwise(x, 5, stride=2, padding=2))
    t.output(t.max_pool(x, 3, 2, 1))
    t.output(t.apply("global_avg_pool", x))


@case(1, 3, 4)
def stem(t, c):
    """Few input channels, as the first convolution has."""
    for layout in ("nchw", "nhwc"):
        x = t.input(c, 33, 27, batch=3, layout=layout)
        t.output(t.apply("relu", t.batch_norm(t.conv(x, 24, 3, stride=2, padding=1))))
        t.output(t.conv(x, 12, 7, stride=2, bias=True), layout=layout)


# ---- what passes fold and fuse into convolutions ----

@case(*ACTIVATIONS)
def epilogue(t, activation):
    x = t.input(29, 9, 10, batch=3)
    for y in (t.conv(x, 29, 1), t.depthwise(x, 3, padding=1), t.conv(x, 29, 3, padding=1, bias=True)):
        t.output(t.apply(activation, t.batch_norm(y, epsilon=1e-3)))
        t.output(t.apply(activation, t.bias(y)))


@case(*ACTIVATIONS)
def residual(t, activation):
    x = t.input(58, 7, 9, batch=3)
    for y in (t.conv(x, 58, 1), t.depthwise(x, 3, padding=1), t.conv(x, 58, 3, padding=1, groups=2)):
        y = t.batch_norm(y)
        t.output(t.apply(activation, t.apply("add", x, y)))
        t.output(t.apply("add", t.apply(activation, y), x))
        t.output(t.apply("relu", t.apply("add", y, t.apply(activation, x))))


@case()
def used_twice(t, _):
    """A convolution whose result is read before and after its activation must not be fused with it."""
    x = t.input(17, 8, 9)
    y = t.batch_norm(t.conv(x, 17, 1))
    z = t.apply("relu", y)
    t.output(y)
    t.output(z)
    t.output(t.apply("add", y, z))
    t.output(t.apply("add", z, z))


@case()
def normalised_alone(t, _):
    """Batch norm and bias with no convolution before them."""
    x = t.input(29, 6, 7, batch=3)
    t.output(t.batch_norm(t.apply("relu", x)))
    t.output(t.bias(t.max_pool(x, 2, 2)))
    t.output(t.batch_norm(t.batch_norm(x)))


# ---- pooling ----

POOLS = [((3, 3), 2, 0), ((3, 3), 2, 1), ((2, 2), 2, 0), ((2, 2), 2, 1), ((5, 5), 3, 2), ((3, 2), (1, 3), (1, 0, 1, 1)),
         ((3, 3), 1, 1), ((4, 4), 3, (0, 1, 2, 1))]


@case(*itertools.product(CHANNELS[:6], (False, True)))
def max_pooling(t, channels_ceil):
    channels, ceil = channels_ceil
    for height, width in ((11, 14), (12, 9)):
        x = t.input(channels, height, width, batch=3)
        for kernel, stride, padding in POOLS:
            t.output(t.max_pool(x, kernel, stride, padding, ceil))


@case(*itertools.product((1, 7, 29, 58), (False, True), (False, True)))
def average_pooling(t, channels_ceil_count):
    channels, ceil, count = channels_ceil_count
    for height, width in ((11, 14), (12, 9)):
        x = t.input(channels, height, width, batch=3)
        for kernel, stride, padding in POOLS:
            t.output(t.avg_pool(x, kernel, stride, padding, ceil, count))


# ---- rows and columns at the borders ----

BORDERS = [(1, 1, 1, 1), (0, 0, 1, 1), (2, 0, 0, 0), (0, 3, 0, 5), (0, 0, 0, 0)]


@case(*itertools.product(CHANNELS, ("nchw", "nhwc")))
def borders(t, channels_layout):
    channels, layout = channels_layout
    x = t.input(channels, 9, 11, batch=3, layout=layout)
    y = t.batch_norm(t.conv(x, channels, 1))
    for sides in BORDERS:
        for z in (x, y):
            t.output(t.pad(z, sides), layout=layout)
            t.output(t.crop(z, sides), layout=layout)


@case(1, 7, 29, 58)
def borders_read(t, channels):
    """Every kind of reader of a tensor that was padded or cropped."""
    x = t.apply("relu", t.input(channels, 10, 9, batch=3))
    for y in (t.pad(x, (1, 0, 1, 1)), t.crop(x, (1, 0, 2, 1))):
        t.output(t.conv(y, 13, 1))
        t.output(t.conv(y, 13, 3, stride=2, padding=1))
        t.output(t.depthwise(y, 3, padding=1))
        t.output(t.max_pool(y, 3, 2, 1))
        t.output(t.avg_pool(y, 3, 2, 0))
        t.output(t.avg_pool(y, 3, 2, 1, count_padding=False))
        t.output(t.apply("global_avg_pool", y))
        t.output(t.linear(t.apply("flatten", y), 5))
        t.output(t.apply("add", t.conv(y, channels, 1), y))
        t.output(t.apply("sigmoid", y))
        t.output(t.apply("softmax", y))
        t.output(t.apply("concat", t.gather(y, [0, channels - 1]), y))


@case(5, 58)
def shifted(t, channels):
    """Pad on one side and crop on the other, as NASNet's factorised reduction; borders in a row."""
    for height, width in ((13, 14), (8, 7)):
        x = t.apply("relu", t.batch_norm(t.input(channels, height, width, batch=2)))
        y = t.crop(t.pad(x, (0, 0, 1, 1)), (1, 1, 0, 0))
        left = t.conv(t.avg_pool(x, 1, 2), 7, 1)
        right = t.conv(t.avg_pool(y, 1, 2), 7, 1)
        t.output(t.batch_norm(t.apply("concat", left, right)))
        t.output(t.conv(y, 7, 1, stride=2))
        t.output(t.conv(t.pad(x, (1, 0, 1, 2)), 6, 3, stride=2))
        t.output(t.avg_pool(t.pad(x, (1, 0, 1, 0)), 3, 2))
        t.output(t.max_pool(t.pad(y, (2, 1, 0, 0)), 3, 2))
        t.output(t.crop(t.pad(t.crop(x, (3, 2, 0, 0)), (4, 1, 0, 0)), (2, 2, 0, 0)))
        t.output(t.conv(t.pad(t.pad(x, (0, 1, 0, 1)), (2, 0, 0, 3)), 4, 3))


@case()
def large_border(t, _):
    """Tensors larger than the second-level cache, computed row by row."""
    x = t.conv(t.input(3, 150, 170), 32, 3, padding=1)
    t.output(t.max_pool(t.pad(t.apply("relu", x), (0, 1, 2, 0)), 3, 2))


@case(*CHANNELS, 1024)
def head(t, c):
    x = t.input(c, 7, 5, batch=3)
    pooled = t.apply("global_avg_pool", x)
    t.output(pooled)
    t.output(t.linear(pooled, 10))
    t.output(t.apply("softmax", t.linear(t.apply("flatten", pooled), 101, bias=False)))
    t.output(t.apply("flatten", x))
    t.output(t.apply("relu", t.linear(t.apply("flatten", x), 17)))


# ---- element by element ----

@case(*CHANNELS)
def activations(t, c):
    x = t.input(c, 5, 7, batch=3)
    for activation in ACTIVATIONS:
        t.output(t.apply(activation, x))


@case(1, 2, 7, 17, 1000)
def softmaxes(t, c):
    x = t.input(c, 3, 5, batch=3)
    t.output(t.apply("softmax", x))
    t.output(t.apply("softmax", t.apply("flatten", x)))


@case(2, 7, 17, 100)
def reductions(t, c):
    x = t.input(c, 9, 14, batch=3)
    kinds = ("mean", "sum", "max", "min", "l1", "l2", "sum_square", "mean_square")
    axes = ([1], [2, 3], [1, 2, 3], [3], [0, 2], [1, 3], [0], [0, 1, 2, 3])
    for i, kind in enumerate(kinds):
        for offset in (0, 3):
            t.output(t.reduce(x, kind, axes[(i + offset) % len(axes)]))
    t.output(t.reduce(t.apply("flatten", x), "max", [1]))
    t.output(t.apply("log_softmax", x))


@case(2, 7, 17, 100)
def indices(t, c):
    x = t.input(c, 5, 7, batch=3)
    for axis in range(4):
        for least in (False, True):
            for last in (False, True):
                t.output(t.arg_max(t.apply("relu6", x), axis, least, last))


@case(*CHANNELS)
def sums_and_products(t, c):
    x, y, column = t.input(c, 5, 7, batch=3), t.input(c, 5, 7, batch=3), t.input(c, 1, 1, batch=3)
    for operation in ("add", "multiply"):
        t.output(t.apply(operation, x, y))
        t.output(t.apply(operation, x, column))
        t.output(t.apply(operation, x, t.apply("flatten", column)))
        t.output(t.apply("relu", t.apply(operation, x, y)))
        t.output(t.apply(operation, x, x))


@case(7, 29, 58)
def squeeze_and_excitation(t, c):
    x = t.input(c, 9, 8, batch=3)
    y = t.apply("relu", t.batch_norm(t.depthwise(x, 3, padding=1)))
    scale = t.apply("relu", t.conv(t.apply("global_avg_pool", y), max(1, c // 4), 1, bias=True))
    scale = t.apply("sigmoid", t.conv(scale, c, 1, bias=True))
    t.output(t.conv(t.apply("multiply", y, scale), c, 1))


@case(*itertools.product((1, 7, 29, 96), (3, 5)))
def response_norm(t, channels_size):
    channels, size = channels_size
    x = t.input(channels, 5, 6, batch=3)
    t.output(t.local_response_norm(x, size, 1e-4, 0.75, 1.0))
    t.output(t.local_response_norm(x, size, 0.5, 0.75, 2.0))
    t.output(t.local_response_norm(x, size, 2.0, 0.25, 0.7))
    t.output(t.local_response_norm(x, size, 1.5, 0.6, 1.0))  # no binary fraction
    t.output(t.local_response_norm(x, size, 0.1, 1.3, 1.0))


# ---- which channel is where ----

@case(*itertools.product((6, 12, 58, 116), (2, 3, 4, 29)))
def shuffles(t, channels_groups):
    channels, groups = channels_groups
    channels = channels // groups * groups or groups
    x = t.input(channels, 4, 5, batch=3)
    t.output(t.shuffle(x, groups))
    t.output(t.shuffle(x, groups, form="megvii"))
    t.output(t.shuffle(t.shuffle(x, groups), groups))
    t.output(t.conv(t.shuffle(t.conv(x, channels, 1, groups=groups), groups), channels, 1, groups=groups))
    t.output(t.depthwise(t.shuffle(t.apply("relu", x), groups, form="megvii"), 3, padding=1))


@case()
def splits(t, _):
    x = t.input(30, 5, 6, batch=3)
    for part in t.split(x, [1, 17, 12]) + t.split_interleaved(x, 2) + t.split_interleaved(x, 3):
        t.output(part)
        t.output(t.conv(part, 7, 1))
    left, right = t.split(x, [13, 17])
    t.output(t.apply("concat", right, left, right))
    t.output(t.conv(t.apply("concat", t.conv(left, 5, 1), right), 9, 3, padding=1))


@case()
def gathers(t, _):
    x = t.input(29, 6, 5, batch=3)
    t.output(t.gather(x, [28, 0, 0, 7, 13, 7]))
    t.output(t.gather(x, list(reversed(range(29)))))
    t.output(t.conv(t.gather(t.conv(x, 29, 1), [3] * 4 + list(range(5, 22))), 12, 1))
    t.output(t.max_pool(t.gather(x, range(0, 29, 3)), 2, 2))


@case(8, 29, 58, 61)
def units(t, half):
    """Four units of ShuffleNet V2: what one of them writes, three later ones read in part."""
    x = t.input(2 * half, 7, 6, batch=3)
    for _ in range(4):
        keep, work = t.split(x, [half, half])
        work = t.apply("relu", t.batch_norm(t.conv(work, half, 1)))
        work = t.batch_norm(t.depthwise(work, 3, padding=1))
        work = t.apply("relu", t.batch_norm(t.conv(work, half, 1)))
        x = t.shuffle(t.apply("concat", keep, work), 2)
    t.output(x)
    t.output(t.conv(x, 5, 1))


@case()
def dense_block(t, _):
    """DenseNet's pattern: each layer reads the concat of all before it."""
    x = t.input(11, 8, 7, batch=3)
    for _ in range(4):
        new = t.conv(t.apply("relu", t.batch_norm(x)), 5, 3, padding=1)
        x = t.apply("concat", x, new)
    t.output(x)
    t.output(t.avg_pool(t.conv(x, 13, 1), 2, 2))


# ---- inputs and outputs ----

@case()
def layouts(t, _):
    x, y = t.input(7, 9, 8, batch=3), t.input(7, 9, 8, batch=3, layout="nhwc")
    total = t.apply("add", t.conv(x, 29, 3, padding=1), t.conv(y, 29, 1))
    t.output(total)
    t.output(total, layout="nhwc")
    t.output(t.apply("relu", y), layout="nhwc")
    t.output(x, layout="nhwc")
    t.output(y)


@case(*CHANNELS)
def resized(t, channels):
    """Into a join, between layers and as outputs of both layouts: more, fewer and as many rows and columns."""
    x = t.conv(t.input(3, 7, 9, batch=2), channels, 1, bias=True)
    large = t.resize(x, (14, 18))
    t.output(t.conv(t.apply("concat", t.conv(t.input(3, 14, 18, batch=2), channels, 1), large), 5, 3, padding=1))
    t.output(t.resize(x, (5, 23), coordinates="align_corners"))
    t.output(t.resize(x, (20, 4), coordinates="asymmetric"), layout="nhwc")
    t.output(t.resize(x, (11, 5), "nearest", "half_pixel", "round_prefer_ceil"))
    t.output(t.apply("relu", t.resize(x, (7, 1), coordinates="pytorch_half_pixel")))
    border = t.take(x, [1, 0, 1, 2, 3, 4, 5, 6, 5], [2, 1, *range(9), 8, 8])
    t.output(t.conv(border, 6, 3))
    t.output(t.take(border, [8, 0], [3]), layout="nhwc")


@case(*CHANNELS)
def transposed(t, channels):
    x = t.apply("relu", t.conv(t.input(3, 5, 6, batch=2), channels, 1))
    large = t.apply("relu", t.batch_norm(t.conv_transpose(x, 12, 2, 2)))
    t.output(t.conv(t.apply("concat", large, t.conv_transpose(x, channels, 4, 2, 1, groups=channels)), 5, 3, padding=1))
    t.output(t.conv_transpose(x, 7, 3, 2, 1, 1, bias=True))
    t.output(t.apply("sigmoid", t.conv_transpose(x, 1, (3, 2), (2, 1), (1, 0, 0, 1))), layout="nhwc")
    t.output(t.conv_transpose(x, 2 * channels, 1, 2, groups=channels))


@case()
def several_inputs(t, _):
    large, small = t.input(3, 16, 12), t.input(5, 8, 6)
    vector = t.input(8, 1, 1)
    joined = t.apply("concat", t.conv(large, 3, 2, stride=2), small)
    t.output(t.apply("multiply", joined, vector))
    t.output(t.apply("softmax", t.apply("flatten", vector)))


# ---- how they are tested ----

def write_case(name, folder):
    build, value = CASES[name]
    twin = Twin()
    build(twin, value)
    spec, graph = folder / "small.rfl", folder / "small.rir"
    spec.write_text(twin.spec())
    graph.write_text(twin.graph_text())
    return twin, spec, graph


@pytest.mark.parametrize("target", target_parameters())
@pytest.mark.parametrize("name", part(CASES, 5))
def test_against_interpreter(name, target, tmp_path):
    _, spec, _ = write_case(name, tmp_path)
    verify(spec, "--random-weights", 3, "--target", target, "--count", 2)


@pytest.mark.part(3)
@pytest.mark.parametrize("how", ["interpreted", "compiled"])
@pytest.mark.parametrize("name", CASES)
def test_against_onnxruntime(name, how, tmp_path):
    twin, spec, graph = write_case(name, tmp_path)
    weights = twin.onnx.random_weights(seed=3)
    source = graph if how == "interpreted" else spec  # so that both spellings are read
    options = ["--interpret"] if how == "interpreted" else ["--target", best_target()]
    if weights:
        write_weights(tmp_path / "weights.safetensors", weights)
        options += ["--weights", tmp_path / "weights.safetensors"]
    model = twin.onnx.model(weights)
    for scale in (1.0, 20.0):  # 20: where sigmoid, softmax and relu6 saturate
        arrays = twin.random_inputs(seed=4, scale=scale)
        expected = onnx_builder.run(model, *arrays)
        buffers = [to_buffer(array, port) for array, port in zip(arrays, twin.inputs)]
        shapes = [buffer_shape(port) for port in twin.outputs]
        got = run_riffle(source, options, buffers, shapes, tmp_path)
        for index, (port, one, other) in enumerate(zip(twin.outputs, got, expected, strict=True)):
            try:
                assert_close(from_buffer(one, port), other)
            except AssertionError as fault:
                raise AssertionError(f"output {index} of\n{source.read_text()}{fault}") from None
