"""Builds ONNX graphs layer by layer, with the shapes known and the multiply-accumulates counted.

Written from the papers and the ONNX operator documentation, without looking at riffle's own code: what it
says about an operator is a second opinion. Weights are declared by name and shape; their data come later
from a dictionary, so that riffle and ONNX Runtime read the same numbers.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 22  # the first whose pooling leaves out windows that start beyond the input, when rounding up


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple  # batch, channels, height, width; or batch, features

    @property
    def channels(self):
        return self.shape[1]


@dataclass(frozen=True)
class Declared:
    """A weight that the network wants. `kind` says how random numbers for it are drawn."""

    shape: tuple
    kind: str  # "filter", "bias", "scale", "mean" or "variance"


def pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def sides(padding):
    """Top, left, bottom, right from one number, (rows, columns), or all four."""
    if isinstance(padding, int):
        return (padding,) * 4
    if len(padding) == 2:
        return tuple(padding) * 2
    return tuple(padding)


def window_count(size, before, after, kernel, stride, dilation=1, ceil=False):
    """How many windows fit along one axis; the rule of PyTorch and Caffe for rounding up."""
    room = size + before + after - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + before:
        count -= 1
    return count


class Builder:
    def __init__(self, name):
        self.name = name
        self.nodes, self.inputs, self.outputs, self.constants = [], [], [], []
        self.weights = {}  # name -> Declared
        self.parameters = 0  # trained numbers, as the papers count them
        self.macs = 0  # of convolutions and fully connected layers
        self.macs_of = {}  # path -> multiply-accumulates
        self._next = 0

    # ---- graph ----

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return Tensor(name, tuple(shape))

    def output(self, name, tensor):
        self.nodes.append(helper.make_node("Identity", [tensor.name], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, tensor.shape))

    def model(self, weights):
        """The finished model with the data of `weights`, a dictionary of arrays; checked by onnx."""
        initializers = list(self.constants)
        for name, declared in self.weights.items():
            array = weights[name]
            assert tuple(array.shape) == declared.shape, f"{name}: {array.shape} is not {declared.shape}"
            initializers.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
        onnx.checker.check_model(model, full_check=True)
        return model

    def random_weights(self, seed):
        """Numbers under which activations stay near unit scale; every tensor has its own."""
        source = np.random.default_rng(seed)
        draw = {
            "filter": lambda shape: source.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape),
            "bias": lambda shape: source.normal(0, 0.2, shape),
            "scale": lambda shape: source.uniform(0.5, 1.3, shape),
            "mean": lambda shape: source.normal(0, 0.2, shape),
            "variance": lambda shape: source.uniform(0.6, 1.8, shape),
        }
        return {name: draw[want.kind](want.shape).astype(np.float32) for name, want in self.weights.items()}

    def _fresh(self, operator):
        self._next += 1
        return f"{operator.lower()}_{self._next}"

    def node(self, operator, operands, shape, **attributes):
        """Appends any ONNX operator; operands are tensors or names of weights and constants."""
        names = [item.name if isinstance(item, Tensor) else item for item in operands]
        result = self._fresh(operator)
        self.nodes.append(helper.make_node(operator, names, [result], **attributes))
        return Tensor(result, tuple(int(size) for size in shape))

    def constant(self, values, dtype=np.int64):
        name = self._fresh("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, name, shape, kind, trained=True):
        assert name not in self.weights, f"two weights are named {name}"
        shape = tuple(int(size) for size in shape)
        self.weights[name] = Declared(shape, kind)
        if trained:
            self.parameters += int(np.prod(shape))
        return name

    def _count(self, path, macs):
        self.macs += int(macs)
        self.macs_of[path] = self.macs_of.get(path, 0) + int(macs)

    # ---- layers ----

    def conv(self, x, path, channels, kernel, stride=1, padding=0, dilation=1, groups=1, bias=False):
        kernel, stride, dilation, padding = pair(kernel), pair(stride), pair(dilation), sides(padding)
        batch, inward, height, width = x.shape
        assert inward % groups == 0 and channels % groups == 0, f"{path}: {inward} -> {channels} / {groups}"
        rows = window_count(height, padding[0], padding[2], kernel[0], stride[0], dilation[0])
        columns = window_count(width, padding[1], padding[3], kernel[1], stride[1], dilation[1])
        operands = [x, self.weight(f"{path}.weight", (channels, inward // groups, *kernel), "filter")]
        if bias:
            operands.append(self.weight(f"{path}.bias", (channels,), "bias"))
        self._count(path, batch * channels * rows * columns * kernel[0] * kernel[1] * inward // groups)
        return self.node("Conv", operands, (batch, channels, rows, columns), kernel_shape=kernel,
                         strides=stride, pads=padding, dilations=dilation, group=groups)

    def conv_transpose(self, x, path, channels, kernel, stride=1, padding=0, added=0, groups=1, bias=False):
        kernel, stride, padding, added = pair(kernel), pair(stride), sides(padding), pair(added)
        batch, inward, *size = x.shape
        operands = [x, self.weight(f"{path}.weight", (inward, channels // groups, *kernel), "filter")]
        if bias:
            operands.append(self.weight(f"{path}.bias", (channels,), "bias"))
        self._count(path, batch * inward * size[0] * size[1] * kernel[0] * kernel[1] * channels // groups)
        shape = [(size[i] - 1) * stride[i] + kernel[i] + added[i] - padding[i] - padding[i + 2] for i in range(2)]
        return self.node("ConvTranspose", operands, (batch, channels, *shape), kernel_shape=kernel, strides=stride,
                         pads=padding, output_padding=added, group=groups)

    def resize(self, x, size, mode, coordinates, rounding):
        return self.node("Resize", [x, "", "", self.constant([*x.shape[:2], *size])], (*x.shape[:2], *size), mode=mode,
                         coordinate_transformation_mode=coordinates, nearest_mode=rounding)

    def take(self, x, rows, columns):
        y = self.node("Gather", [x, self.constant(rows)], (*x.shape[:2], len(rows), x.shape[3]), axis=2)
        return self.node("Gather", [y, self.constant(columns)], (*y.shape[:3], len(columns)), axis=3)

    def depthwise(self, x, path, kernel, stride=1, padding=0, dilation=1, bias=False):
        return self.conv(x, path, x.channels, kernel, stride, padding, dilation, x.channels, bias)

    def batch_norm(self, x, path, epsilon=1e-5):
        c = (x.channels,)
        operands = [x, self.weight(f"{path}.weight", c, "scale"), self.weight(f"{path}.bias", c, "bias"),
                    self.weight(f"{path}.running_mean", c, "mean", trained=False),
                    self.weight(f"{path}.running_var", c, "variance", trained=False)]
        return self.node("BatchNormalization", operands, x.shape, epsilon=epsilon)

    def bias(self, x, path):
        name = self.weight(f"{path}.bias", (x.channels,), "bias")
        column = self.node("Reshape", [name, self.constant([1, x.channels] + [1] * (len(x.shape) - 2))],
                           (1, x.channels) + (1,) * (len(x.shape) - 2))
        return self.node("Add", [x, column], x.shape)

    def linear(self, x, path, features, bias=True):
        if len(x.shape) == 4:
            x = self.flatten(x)
        operands = [x, self.weight(f"{path}.weight", (features, x.channels), "filter")]
        if bias:
            operands.append(self.weight(f"{path}.bias", (features,), "bias"))
        self._count(path, x.shape[0] * x.channels * features)
        return self.node("Gemm", operands, (x.shape[0], features), transB=1)

    def flatten(self, x):
        return self.node("Flatten", [x], (x.shape[0], np.prod(x.shape[1:])), axis=1)

    def relu(self, x):
        return self.node("Relu", [x], x.shape)

    def relu6(self, x):
        low, high = self.constant(0, np.float32), self.constant(6, np.float32)
        return self.node("Clip", [x, low, high], x.shape)

    def leaky_relu(self, x):
        return self.node("LeakyRelu", [x], x.shape, alpha=0.01)

    def tanh(self, x):
        return self.node("Tanh", [x], x.shape)

    def exp(self, x):
        return self.node("Exp", [x], x.shape)

    def sigmoid(self, x):
        return self.node("Sigmoid", [x], x.shape)

    def hard_sigmoid(self, x):
        return self.node("HardSigmoid", [x], x.shape, alpha=1 / 6, beta=0.5)

    def hard_swish(self, x):
        return self.node("HardSwish", [x], x.shape)

    def softmax(self, x):
        return self.node("Softmax", [x], x.shape, axis=1)

    def log_softmax(self, x):
        return self.node("LogSoftmax", [x], x.shape, axis=1)

    def reduce(self, x, kind, axes):
        name = {"mean": "ReduceMean", "sum": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin", "l1": "ReduceL1",
                "l2": "ReduceL2", "sum_square": "ReduceSumSquare", "mean_square": "ReduceMean"}[kind]
        shape = tuple(1 if i in axes else size for i, size in enumerate(x.shape))
        if kind == "mean_square":
            x = self.node("Mul", [x, x], x.shape)
        return self.node(name, [x, self.constant(axes)], shape, keepdims=1)

    def arg_max(self, x, axis, least, last):
        shape = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
        index = self.node("ArgMin" if least else "ArgMax", [x], shape, axis=axis, keepdims=1, select_last_index=int(last))
        return self.node("Cast", [index], shape, to=1)

    def local_response_norm(self, x, size, alpha, beta, k):
        return self.node("LRN", [x], x.shape, size=size, alpha=alpha, beta=beta, bias=k)

    def add(self, x, y):
        return self.node("Add", [x, self._column(x, y)], x.shape)

    def multiply(self, x, y):
        return self.node("Mul", [x, self._column(x, y)], x.shape)

    def _column(self, x, y):
        """[n,c] as [n,c,1,1] beside a tensor of four dimensions."""
        if len(y.shape) == len(x.shape):
            return y
        return self.node("Reshape", [y, self.constant([*y.shape, 1, 1])], (*y.shape, 1, 1))

    def concat(self, *parts):
        channels = sum(part.channels for part in parts)
        return self.node("Concat", parts, (parts[0].shape[0], channels, *parts[0].shape[2:]), axis=1)

    def slice(self, x, begin, end, step=1):
        operands = [x, *(self.constant([value]) for value in (begin, end, 1, step))]
        return self.node("Slice", operands, (x.shape[0], len(range(begin, end, step)), *x.shape[2:]))

    def gather(self, x, channels):
        shape = (x.shape[0], len(channels), *x.shape[2:])
        return self.node("Gather", [x, self.constant(channels)], shape, axis=1)

    def _transpose_channels(self, x, outer, inner):
        batch, channels, height, width = x.shape
        assert outer * inner == channels, f"{channels} channels are not {outer} x {inner}"
        apart = self.node("Reshape", [x, self.constant([batch, outer, inner, height, width])],
                          (batch, outer, inner, height, width))
        turned = self.node("Transpose", [apart], (batch, inner, outer, height, width), perm=[0, 2, 1, 3, 4])
        return self.node("Reshape", [turned, self.constant([batch, channels, height, width])], x.shape)

    def shuffle(self, x, groups):
        """ShuffleNet V1, section 3.1: channels seen as (groups, n), transposed, flattened."""
        return self._transpose_channels(x, groups, x.channels // groups)

    def shuffle_megvii(self, x, groups):
        """Megvii's ShuffleNet V1 code: channels seen as (n, groups), transposed, flattened."""
        return self._transpose_channels(x, x.channels // groups, groups)

    # ---- rows and columns ----

    def pad(self, x, padding):
        top, left, bottom, right = sides(padding)
        batch, channels, height, width = x.shape
        return self.node("Pad", [x, self.constant([0, 0, top, left, 0, 0, bottom, right])],
                         (batch, channels, height + top + bottom, width + left + right))

    def crop(self, x, margins):
        top, left, bottom, right = sides(margins)
        batch, channels, height, width = x.shape
        ends = [height - bottom, width - right]
        operands = [x, self.constant([top, left]), self.constant(ends), self.constant([2, 3])]
        return self.node("Slice", operands, (batch, channels, ends[0] - top, ends[1] - left))

    # ---- pooling ----

    def _pool(self, operator, x, kernel, stride, padding, ceil, **attributes):
        kernel, stride, padding = pair(kernel), pair(stride), sides(padding)
        rows = window_count(x.shape[2], padding[0], padding[2], kernel[0], stride[0], ceil=ceil)
        columns = window_count(x.shape[3], padding[1], padding[3], kernel[1], stride[1], ceil=ceil)
        return self.node(operator, [x], (*x.shape[:2], rows, columns), kernel_shape=kernel, strides=stride,
                         pads=padding, ceil_mode=int(ceil), **attributes)

    def max_pool(self, x, kernel, stride=1, padding=0, ceil=False):
        return self._pool("MaxPool", x, kernel, stride, padding, ceil)

    def avg_pool(self, x, kernel, stride=1, padding=0, ceil=False, count_padding=True):
        return self._pool("AveragePool", x, kernel, stride, padding, ceil, count_include_pad=int(count_padding))

    def global_avg_pool(self, x):
        return self.node("GlobalAveragePool", [x], (*x.shape[:2], 1, 1))


def session(model, threads=1):
    """An ONNX Runtime session with all optimisations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def run(model, *inputs):
    """The outputs of the model, in order, for inputs in order."""
    opened = session(model)
    return opened.run(None, {slot.name: array for slot, array in zip(opened.get_inputs(), inputs, strict=True)})
