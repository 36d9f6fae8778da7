"""What public files of these networks need, one small graph for each feature, spelled as the opset has it.

`python features.py` prints the table of docs/models.md, and `--update` writes it there."""

import json
import math
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from comparing import import_model
from detectors import Net
from onnx import TensorProto, helper, numpy_helper
from support import invoke

CHANNELS, HEIGHT, WIDTH = 8, 10, 12
PAGE = pathlib.Path(__file__).parents[2] / "docs" / "models.md"

# Rows: (title, number of files that need it or None, graphs).
ROWS = []


class Graph(Net):
    """Begins with a convolution, so that there is a layer in front, which can store as the feature asks."""

    def __init__(self, opset):
        super().__init__(opset)
        self.begin = self.conv(self.input(1, CHANNELS, HEIGHT, WIDTH), CHANNELS, 3)

    def constant(self, array):
        """Numbers that stand in the spec are counted by themselves: how a node's sizes are given differs by the opset."""
        kind = "numbers" if np.asarray(array).dtype == np.float32 and np.size(array) else "sizes"
        name = f"{kind}_{sum(made.name.startswith(kind) for made in self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def of(self, operator, *inputs, outputs=None, **attributes):
        """A node whose shapes nobody asks for; an array among the inputs is a constant."""
        inputs = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        names = [f"{operator.lower()}_{len(self.nodes)}_{i}" for i in range(outputs or 1)]
        self.nodes.append(helper.make_node(operator, inputs, names, f"{operator.lower()}_{len(self.nodes)}", **attributes))
        return names if outputs else names[0]

    def floats(self, *shape, low=-1, high=1):
        return self.random.uniform(low, high, shape).astype(np.float32)

    def with_axes(self, operator, x, axes, since, **attributes):
        """Axes are an attribute, or an input from the opset `since` on."""
        if self.opset >= since:
            return self.of(operator, x, np.array(axes, np.int64), **attributes)
        return self.of(operator, x, axes=list(axes), **attributes)

    def reduce(self, operator, x, *axes, keepdims=1):
        return self.with_axes(operator, x, axes, 13 if operator == "ReduceSum" else 18, keepdims=keepdims)

    def squeeze(self, x, *axes):
        return self.with_axes("Squeeze", x, axes, 13)

    def unsqueeze(self, x, *axes):
        return self.with_axes("Unsqueeze", x, axes, 13)

    def cut(self, x, axis, begin, end, step=1):
        return self.of("Slice", x, *(np.array([number], np.int64) for number in (begin, end, axis, step)))

    def parts(self, x, axis, *sizes):
        if self.opset >= 13:
            return self.of("Split", x, np.array(sizes, np.int64), outputs=len(sizes), axis=axis)
        return self.of("Split", x, outputs=len(sizes), axis=axis, split=list(sizes))

    def view(self, x, *shape):
        return self.of("Reshape", x, np.array(shape, np.int64))

    def turn(self, x, *order):
        return self.of("Transpose", x, perm=list(order))

    def resized(self, x, factor, **attributes):
        region = "" if self.opset >= 13 else np.zeros(0, np.float32)
        return self.of("Resize", x, region, np.array([1, 1, factor, factor], np.float32), **attributes)

    def flat(self, x):
        return self.of("Flatten", self.of("GlobalAveragePool", x), axis=1)

    def scores(self, x, outputs, activation=None):
        y = self.of("Gemm", x, self.floats(outputs, CHANNELS), self.floats(outputs), transB=1)
        return self.of(activation, y) if activation else y

    def model(self, output):
        info = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        return helper.make_model(helper.make_graph(self.nodes, "feature", self.inputs, [info], self.initializers),
                                 opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def row(title, files=None):
    """The function decorated is a graph of the row: from a Graph and the tensor that it begins with to its output."""
    def add(function):
        if not ROWS or ROWS[-1][0] != title:
            ROWS.append((title, files, []))
        ROWS[-1][2].append(function)
        return function
    return add


def build(function, opset):
    """The model; what ends as an image ends with a transpose to NHWC, as heads do: no copy of the output hides the rest."""
    graph = Graph(opset)
    model = graph.model(function(graph, graph.begin))
    [output] = onnx.shape_inference.infer_shapes(model).graph.output
    if len(output.type.tensor_type.shape.dim) == 4 and model.graph.node[-1].op_type != "Transpose":
        model = graph.model(graph.turn(output.name, 0, 2, 3, 1))
    return model


# ---- the rows of files ----

NEAREST = "Resize or Upsample, nearest (x2; x4, x8)"


@row(NEAREST, 27)
def neck_twice(g, x):
    low = g.conv(x, CHANNELS, 3, 2)
    large = g.resized(low, 2, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g.shapes[large] = [1, CHANNELS, HEIGHT, WIDTH]
    return g.conv(g.concat([x, large]), 4)


@row(NEAREST)
def neck_four_times(g, x):
    large = g.resized(x, 4, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g.shapes[large] = [1, CHANNELS, 4 * HEIGHT, 4 * WIDTH]
    return g.conv(large, 4, 3)


@row(NEAREST)
def neck_eight_times(g, x):
    large = g.resized(x, 8, mode="nearest", coordinate_transformation_mode="half_pixel")
    g.shapes[large] = [1, CHANNELS, 8 * HEIGHT, 8 * WIDTH]
    return g.conv(large, 4)


@row(NEAREST)
def size_computed(g, x):
    kept = g.cut(g.of("Shape", x), 0, 0, 2)
    size = g.of("Concat", kept, np.array([2 * HEIGHT, 2 * WIDTH], np.int64), axis=0)
    large = g.of("Resize", x, "" if g.opset >= 13 else np.zeros(0, np.float32), "" if g.opset >= 13 else np.zeros(0, np.float32), size,
                 mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g.shapes[large] = [1, CHANNELS, 2 * HEIGHT, 2 * WIDTH]
    return g.conv(large, 4)


@row("Outputs of rank 3, [1, HW, C]", 25)
def rows_of_pixels(g, x):
    heads = []
    for level in (x, g.conv(x, CHANNELS, 3, 2)):
        heads.append(g.view(g.turn(g.conv(level, 4, activation=None), 0, 2, 3, 1), 1, -1, 4))
    return g.of("Concat", *heads, axis=1)


@row("Transpose from NCHW to NHWC at heads", 18)
def head_of_pixels(g, x):
    return g.turn(g.of("Sigmoid", g.conv(x, 18, activation=None)), 0, 2, 3, 1)


@row("Softmax not along axis 1 after exporting", 16)
def softmax_of_rows(g, x):
    return g.of("Softmax", g.view(g.turn(g.conv(x, 6, activation=None), 0, 2, 3, 1), 1, -1, 2), axis=2)


@row("Softmax not along axis 1 after exporting")
def softmax_between_transposes(g, x):
    y = g.turn(g.of("Softmax", g.turn(g.conv(x, 6, activation=None), 0, 3, 2, 1), axis=3), 0, 3, 2, 1)
    return g.turn(y, 0, 2, 3, 1)


@row("Softmax not along axis 1 after exporting")
def distances_as_distributions(g, x):
    """NanoDet, PicoDet: each side of a box is the mean of a softmax."""
    y = g.view(g.turn(g.conv(x, 32, activation=None), 0, 2, 3, 1), -1, 8)
    sides = g.of("MatMul", g.of("Softmax", y, axis=1), np.arange(8, dtype=np.float32).reshape(8, 1))
    return g.of("Mul", g.view(sides, 1, -1, 4), np.float32(8))


@row("Transpose of rank 3, [N, C, HW]", 8)
def rows_of_numbers(g, x):
    heads = [g.view(g.conv(level, 6, activation=None), 1, 6, -1) for level in (x, g.conv(x, CHANNELS, 3, 2))]
    return g.turn(g.of("Concat", *heads, axis=2), 0, 2, 1)


FIVE = "Transpose of rank 5 and 6 (YOLO heads [1, a, k, h, w]; pixel shuffle)"


@row(FIVE, 7)
def anchors(g, x):
    return g.turn(g.view(g.conv(x, 21, activation=None), 1, 3, 7, HEIGHT, WIDTH), 0, 1, 3, 4, 2)


@row(FIVE)
def anchors_decoded(g, x):
    """YOLOv5: sigmoid, then centres and sizes by constants for each cell and anchor."""
    head = g.of("Sigmoid", g.turn(g.view(g.conv(x, 21, activation=None), 1, 3, 7, HEIGHT, WIDTH), 0, 1, 3, 4, 2))
    centre, size, rest = g.parts(head, 4, 2, 2, 3)
    cells, boxes = g.floats(1, 3, HEIGHT, WIDTH, 2), g.floats(1, 3, HEIGHT, WIDTH, 2, low=1, high=9)
    centre = g.of("Mul", g.of("Add", g.of("Mul", centre, np.float32(2)), cells), np.float32(8))
    size = g.of("Mul", g.of("Pow", g.of("Mul", size, np.float32(2)), np.float32(2)), boxes)
    return g.view(g.of("Concat", centre, size, rest, axis=4), 1, -1, 7)


@row(FIVE)
def pixel_shuffle(g, x):
    y = g.turn(g.view(x, 1, 2, 2, 2, HEIGHT, WIDTH), 0, 1, 4, 2, 5, 3)
    y = g.view(y, 1, 2, 2 * HEIGHT, 2 * WIDTH)
    g.shapes[y] = [1, 2, 2 * HEIGHT, 2 * WIDTH]
    return g.conv(y, 4, 3)


@row("Exp", 7)
def exponential(g, x):
    """YOLOX: the centre is moved by the cell, the size is an exponential."""
    y = g.turn(g.view(g.conv(x, 9, activation=None), 1, 9, -1), 0, 2, 1)
    cells, strides = g.floats(1, HEIGHT * WIDTH, 2), g.floats(1, HEIGHT * WIDTH, 1, low=1, high=8)
    centre = g.of("Mul", g.of("Add", g.cut(y, 2, 0, 2), cells), strides)
    size = g.of("Mul", g.of("Exp", g.cut(y, 2, 2, 4)), strides)
    return g.of("Concat", centre, size, g.of("Sigmoid", g.cut(y, 2, 4, 9)), axis=2)


@row("Resize linear (half_pixel)", 6)
def linear_larger(g, x):
    return g.resized(x, 2, mode="linear", coordinate_transformation_mode="half_pixel")


@row("Resize linear (half_pixel)")
def linear_in_a_neck(g, x):
    large = g.resized(g.conv(x, CHANNELS, 3, 2), 2, mode="linear", coordinate_transformation_mode="pytorch_half_pixel")
    g.shapes[large] = [1, CHANNELS, HEIGHT, WIDTH]
    return g.conv(g.add(x, large), 4, 3)


@row("Resize linear (half_pixel)")
def linear_by_corners(g, x):
    return g.resized(x, 2, mode="linear", coordinate_transformation_mode="align_corners")


@row("LeakyRelu", 5)
def leaky(g, x):
    return g.conv(x, 4, activation="LeakyRelu")


@row("Add, Mul with constants for each position (box decode)", 5)
def priors(g, x):
    """SSD, UltraFace: centre and size by a prior for each box, then two corners."""
    y = g.view(g.turn(g.conv(x, 8, activation=None), 0, 2, 3, 1), 1, -1, 4)
    places, sizes = g.floats(1, 2 * HEIGHT * WIDTH, 2), g.floats(1, 2 * HEIGHT * WIDTH, 2, low=0.1)
    centre = g.of("Add", g.of("Mul", g.of("Mul", g.cut(y, 2, 0, 2), np.float32(0.1)), sizes), places)
    size = g.of("Mul", g.of("Exp", g.of("Mul", g.cut(y, 2, 2, 4), np.float32(0.2))), sizes)
    half = g.of("Div", size, np.float32(2))
    return g.of("Concat", g.of("Sub", centre, half), g.of("Add", centre, half), axis=2)


@row("Pow, Sqrt, Tanh", 3)
def power(g, x):
    return g.of("Pow", g.conv(x, 4, activation="Sigmoid"), np.float32(2))


@row("Pow, Sqrt, Tanh")
def root(g, x):
    return g.of("Sqrt", x)


@row("Pow, Sqrt, Tanh")
def ages(g, x):
    """SSR-Net: products of two kinds of layer, then a weighted sum over the classes."""
    both = g.of("Mul", g.conv(x, CHANNELS, activation="Tanh"), g.conv(x, CHANNELS))
    y = g.flat(both)
    classes = g.of("Mul", g.of("Softmax", g.scores(y, 3), axis=1), g.of("Add", g.scores(y, 3), np.array([0, 1, 2], np.float32)))
    return g.of("Mul", g.reduce("ReduceSum", classes, 1), np.float32(33))


@row("ConvTranspose, ReduceSum", 2)
def transposed(g, x):
    return g.of("Sigmoid", g.of("ConvTranspose", x, g.floats(CHANNELS, 4, 2, 2), g.floats(4), kernel_shape=[2, 2], strides=[2, 2]))


@row("ConvTranspose, ReduceSum")
def transposed_of_each_channel(g, x):
    return g.of("ConvTranspose", x, g.floats(CHANNELS, 1, 4, 4), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4, group=CHANNELS)


@row("ConvTranspose, ReduceSum")
def sum_of_rows(g, x):
    return g.reduce("ReduceSum", x, 2, keepdims=0)


ONCE = "SE gate by Linear layers, Slice with step 2 in space (Focus), PRelu, Pad of channels"


@row(ONCE, 1)
def gate_by_linear(g, x):
    gate = g.of("Sigmoid", g.scores(g.scores(g.flat(x), CHANNELS, "Relu"), CHANNELS))
    return g.of("Mul", x, g.view(gate, 1, CHANNELS, 1, 1))


@row(ONCE)
def focus(g, x):
    parts = [g.cut(g.cut(x, 2, i, 2**31, 2), 3, j, 2**31, 2) for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    y = g.of("Concat", *parts, axis=1)
    g.shapes[y] = [1, 4 * CHANNELS, HEIGHT // 2, WIDTH // 2]
    return g.conv(y, CHANNELS, 3)


@row(ONCE)
def slopes(g, x):
    return g.of("PRelu", g.conv(x, 4, activation=None), g.floats(4, 1, 1))


@row(ONCE)
def more_channels(g, x):
    """BlazeFace: a unit that widens adds channels of zeros to what it goes past."""
    y = g.conv(x, 2 * CHANNELS, 3, activation=None)
    pads = [0, 0, 0, 0, 0, CHANNELS, 0, 0]
    z = g.of("Pad", x, np.array(pads, np.int64), mode="constant")
    return g.of("Relu", g.of("Add", y, z))


# ---- what small graphs showed ----

@row("Clip(0, 1)")
def clip(g, x):
    return g.of("Clip", g.conv(x, 4, activation=None), np.float32(0), np.float32(1))


@row("ReduceMean and ReduceMax over channels, gates of one channel")
def spatial_attention(g, x):
    """CBAM, equations 3 and its figure 2: a gate for each pixel, of the mean and the largest of its channels."""
    both = g.of("Concat", g.reduce("ReduceMean", x, 1), g.reduce("ReduceMax", x, 1), axis=1)
    return g.of("Mul", x, g.of("Sigmoid", g.of("Conv", both, g.floats(1, 2, 7, 7), pads=[3] * 4)))


@row("Sub of tensors, 1 - x")
def difference(g, x):
    return g.of("Sub", x, g.conv(x, CHANNELS))


@row("Sub of tensors, 1 - x")
def rest_of_one(g, x):
    return g.of("Sub", np.float32(1), g.conv(x, 4, activation="Sigmoid"))


@row("GlobalMaxPool")
def channel_attention(g, x):
    """CBAM: a gate for each channel, of its mean and its largest."""
    weights = g.constant(g.floats(CHANNELS, CHANNELS, 1, 1))
    both = [g.of("Conv", g.of(pool, x), weights) for pool in ("GlobalAveragePool", "GlobalMaxPool")]
    return g.of("Mul", x, g.of("Sigmoid", g.of("Add", *both)))


@row("ArgMax")
def class_of_pixel(g, x):
    return g.of("Cast", g.of("ArgMax", g.conv(x, 5, activation=None), axis=1, keepdims=0), to=TensorProto.FLOAT)


@row("Conv1d (ECA)")
def efficient_attention(g, x):
    """ECA-Net: a convolution of one dimension along the channels' means."""
    y = g.turn(g.squeeze(g.of("GlobalAveragePool", x), -1), 0, 2, 1)
    y = g.turn(g.of("Conv", y, g.floats(1, 1, 3), pads=[1, 1]), 0, 2, 1)
    gate = g.of("Sigmoid", g.unsqueeze(y, -1))
    return g.of("Mul", x, g.of("Expand", gate, np.array([1, CHANNELS, HEIGHT, WIDTH], np.int64)))


@row("Pooling along rows and columns (coordinate attention)")
def coordinate_attention(g, x):
    columns = g.turn(g.reduce("ReduceMean", x, 2), 0, 1, 3, 2)
    y = g.of("Concat", g.reduce("ReduceMean", x, 3), columns, axis=2)
    y = g.of("Relu", g.of("Conv", y, g.floats(CHANNELS, CHANNELS, 1, 1)))
    rows, columns = g.parts(y, 2, HEIGHT, WIDTH)
    weights = g.constant(g.floats(CHANNELS, CHANNELS, 1, 1))
    gates = [g.of("Sigmoid", g.of("Conv", part, weights)) for part in (rows, g.turn(columns, 0, 1, 3, 2))]
    return g.of("Mul", g.of("Mul", x, gates[0]), gates[1])


@row("ReduceL2, L2 normalisation")
def unit_vectors_of_pixels(g, x):
    length = g.of("Clip", g.reduce("ReduceL2", x, 1), np.float32(1e-12))
    return g.of("Div", x, g.of("Expand", length, g.of("Shape", x)))


@row("ReduceL2, L2 normalisation")
def unit_vector(g, x):
    y = g.flat(x)
    squares = g.reduce("ReduceSum", g.of("Mul", y, y), 1)
    return g.of("Div", y, g.of("Sqrt", g.of("Add", squares, np.float32(1e-6))))


@row("Instance, group and layer normalisation")
def instances(g, x):
    return g.of("InstanceNormalization", x, g.floats(CHANNELS), g.floats(CHANNELS))


@row("Instance, group and layer normalisation")
def groups(g, x):
    y = g.of("InstanceNormalization", g.view(x, 0, 4, -1), np.ones(4, np.float32), np.zeros(4, np.float32))
    y = g.view(y, 1, CHANNELS, HEIGHT, WIDTH)
    return g.of("Add", g.of("Mul", y, g.floats(CHANNELS, 1, 1)), g.floats(CHANNELS, 1, 1))


@row("Instance, group and layer normalisation")
def layers(g, x):
    y = g.turn(g.view(x, 1, CHANNELS, HEIGHT * WIDTH), 0, 2, 1)
    centred = g.of("Sub", y, g.reduce("ReduceMean", y, -1))
    variance = g.reduce("ReduceMean", g.of("Pow", centred, np.float32(2)), -1)
    return g.of("Div", centred, g.of("Sqrt", g.of("Add", variance, np.float32(1e-5))))


@row("LogSoftmax")
def logarithm_of_softmax(g, x):
    return g.of("LogSoftmax", g.scores(g.flat(x), 5), axis=1)


@row("Elu, Softplus, Mish, Gelu, SiLU, HardSwish")
def activations(g, x):
    for name in ("Elu", "Softplus"):
        x = g.conv(x, CHANNELS, activation=name)
    y = g.conv(x, CHANNELS, activation=None)
    y = g.of("Mul", y, g.of("Tanh", g.of("Softplus", y)))
    z = g.of("Add", g.of("Erf", g.of("Div", y, np.float32(math.sqrt(2)))), np.float32(1))
    y = g.of("Mul", g.of("Mul", y, z), np.float32(0.5))
    y = g.of("Mul", y, g.of("Sigmoid", y))
    six = g.of("Clip", g.of("Add", y, np.float32(3)), np.float32(0), np.float32(6))
    return g.of("Div", g.of("Mul", y, six), np.float32(6))


@row("DepthToSpace, SpaceToDepth")
def depth_to_space(g, x):
    return g.of("DepthToSpace", x, blocksize=2, mode="CRD")


@row("DepthToSpace, SpaceToDepth")
def space_to_depth(g, x):
    return g.of("SpaceToDepth", x, blocksize=2)


@row("Max and Min of tensors, Neg")
def extremes(g, x):
    y = g.conv(x, CHANNELS, activation=None)
    return g.of("Min", g.of("Max", x, y), g.of("Neg", y))


@row("Pad by reflection and by the edge")
def reflection(g, x):
    y = g.of("Pad", x, np.array([0, 0, 1, 2, 0, 0, 1, 2], np.int64), mode="reflect")
    return g.of("Conv", y, g.floats(4, CHANNELS, 3, 3))


@row("Pad by reflection and by the edge")
def edge(g, x):
    y = g.of("Pad", x, np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="edge")
    return g.of("Conv", y, g.floats(4, CHANNELS, 3, 3))


@row("Flatten or Reshape that shuffles channels at the same time")
def flatten_and_shuffle(g, x):
    return g.of("Flatten", g.turn(g.view(x, 1, 2, 4, HEIGHT, WIDTH), 0, 2, 1, 3, 4), axis=1)


@row("Landmarks: vectors of several levels joined (PFLD)")
def landmarks(g, x):
    low = g.conv(x, CHANNELS, 3, 2)
    vectors = [g.flat(x), g.flat(low), g.of("Flatten", g.of("Relu", g.of("Conv", low, g.floats(CHANNELS, CHANNELS, 5, 6))))]
    return g.of("Gemm", g.of("Concat", *vectors, axis=1), g.floats(20, 3 * CHANNELS), g.floats(20), transB=1)


@row("Text: columns as a sequence of classes (OCR)")
def text(g, x):
    y = g.squeeze(g.of("AveragePool", x, kernel_shape=[HEIGHT, 1]), 2)
    y = g.of("Add", g.of("MatMul", g.turn(y, 0, 2, 1), g.floats(CHANNELS, 30)), g.floats(30))
    return g.of("Softmax", y, axis=2)


@row("Pooling of several sizes (SPP)")
def pyramid(g, x):
    pools = [g.of("MaxPool", x, kernel_shape=[size] * 2, pads=[size // 2] * 4, strides=[1, 1]) for size in (5, 9)]
    y = g.of("Concat", x, *pools, axis=1)
    g.shapes[y] = [1, 3 * CHANNELS, HEIGHT, WIDTH]
    return g.conv(y, 4)


# ---- the table ----

def moved(function, folder):
    """Bytes that are moved for layout alone, as the graph is written and as riffle compiles it."""
    done, _ = import_model(build(function, 13), folder)
    assert done.returncode == 0, done.stderr
    done = invoke("inspect", "net.rfl", "--routing", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)["layout_bytes"]
    return counted["as_written"], counted["routed"]


def table(folder):
    lines = ["| feature | of 48 files | graph | bytes moved as written | by riffle |", "|---|--:|---|--:|--:|"]
    for title, files, functions in ROWS:
        for function in functions:
            first = function is functions[0]
            written, routed = moved(function, folder)
            lines.append(f"| {title if first else ''} | {(files or '') if first else ''} | `{function.__name__}` | "
                         f"{written:,} | {routed:,} |")
    return "\n".join(lines) + "\n"


def main():
    with tempfile.TemporaryDirectory() as folder:
        made = table(pathlib.Path(folder))
    if "--update" not in sys.argv:
        print(made, end="")
        return
    before, _, rest = PAGE.read_text().partition("| feature | of 48 files")
    after = rest[rest.index("\n\n") + 1:]
    PAGE.write_text(before + made + after)


if __name__ == "__main__":
    main()
