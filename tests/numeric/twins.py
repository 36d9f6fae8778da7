"""A small network written twice at once: as a spec in riffle's language and as an ONNX graph.

Each method appends one operation to both. Weight names are made up here and are the same in both.
"""

from dataclasses import dataclass

import numpy as np
from onnx_builder import Builder, pair, sides
from support import spell


@dataclass(frozen=True)
class Both:
    """One value: its name in the spec, and its tensor in the ONNX graph."""

    name: str
    tensor: object

    @property
    def shape(self):
        return self.tensor.shape

    @property
    def channels(self):
        return self.tensor.channels


@dataclass(frozen=True)
class Port:
    shape: tuple  # batch, channels, height, width
    layout: str


class Twin:
    def __init__(self, name="small"):
        self.name = name
        self.onnx = Builder(name)
        self.lines, self.inputs, self.outputs = [], [], []
        self._count = 0

    # ---- the whole ----

    def spec(self):
        return "\n".join([f"network {self.name}() {{", *(f"  {line}" for line in self.lines), "}", ""])

    def random_inputs(self, seed, scale=1.0):
        source = np.random.default_rng(seed)
        return [source.normal(0, scale, port.shape).astype(np.float32) for port in self.inputs]

    def input(self, channels, height, width, batch=1, layout="nchw"):
        shape = (batch, channels, height, width)
        name = f"in{len(self.inputs)}"
        word = "" if layout == "nchw" else f" {layout}"
        self.lines.append(f"input {name}: f32{spell(shape)}{word}")
        self.inputs.append(Port(shape, layout))
        return Both(name, self.onnx.input(name, shape))

    def output(self, x, layout="nchw"):
        name = f"out{len(self.outputs)}"
        word = "" if layout == "nchw" else f" {layout}"
        self.lines.append(f"output {name}{word} = {x.name}")
        self.outputs.append(Port(x.shape, layout))
        self.onnx.output(name, x.tensor)

    # ---- one operation ----

    def _path(self):
        self._count += 1
        return f"w{self._count}"

    def _say(self, call, tensor, path=None):
        """`let` of a call for one result."""
        self._count += 1
        name = f"v{self._count}"
        self.lines.append(f"let {name} = {call}" + (f" @ {path}" if path else ""))
        return Both(name, tensor)

    def conv(self, x, channels, kernel, stride=1, padding=0, dilation=1, groups=1, bias=False):
        path = self._path()
        tensor = self.onnx.conv(x.tensor, path, channels, kernel, stride, padding, dilation, groups, bias)
        call = (f"conv({x.name}, {channels}, {spell(pair(kernel))}, stride = {spell(pair(stride))}, "
                f"padding = {spell(sides(padding))}, dilation = {spell(pair(dilation))}, groups = {groups}, "
                f"bias = {spell(bias)})")
        return self._say(call, tensor, path)

    def depthwise(self, x, kernel, stride=1, padding=0, dilation=1, bias=False):
        return self.conv(x, x.channels, kernel, stride, padding, dilation, x.channels, bias)

    def batch_norm(self, x, epsilon=1e-5):
        path = self._path()
        tensor = self.onnx.batch_norm(x.tensor, path, epsilon)
        return self._say(f"batch_norm({x.name}, epsilon = {epsilon!r})", tensor, path)

    def bias(self, x):
        path = self._path()
        return self._say(f"bias({x.name})", self.onnx.bias(x.tensor, path), path)

    def linear(self, x, features, bias=True):
        path = self._path()
        tensor = self.onnx.linear(x.tensor, path, features, bias)
        return self._say(f"linear({x.name}, {features}, bias = {spell(bias)})", tensor, path)

    def apply(self, operation, *operands):
        """An operation that has the same name here and there and no attributes."""
        tensor = getattr(self.onnx, operation)(*(operand.tensor for operand in operands))
        return self._say(f"{operation}({', '.join(operand.name for operand in operands)})", tensor)

    def local_response_norm(self, x, size, alpha, beta, k):
        tensor = self.onnx.local_response_norm(x.tensor, size, alpha, beta, k)
        call = f"local_response_norm({x.name}, size = {size}, alpha = {alpha!r}, beta = {beta!r}, k = {k!r})"
        return self._say(call, tensor)

    # ---- channels ----

    def split(self, x, sizes):
        names, parts, begin = [], [], 0
        for size in sizes:
            self._count += 1
            names.append(f"v{self._count}")
            parts.append(self.onnx.slice(x.tensor, begin, begin + size))
            begin += size
        self.lines.append(f"let {', '.join(names)} = split({x.name}, {spell(list(sizes))})")
        return [Both(*pair_) for pair_ in zip(names, parts)]

    def split_interleaved(self, x, parts):
        names = []
        for _ in range(parts):
            self._count += 1
            names.append(f"v{self._count}")
        tensors = [self.onnx.slice(x.tensor, i, x.channels, parts) for i in range(parts)]
        self.lines.append(f"let {', '.join(names)} = split({x.name}, {parts}, interleaved = true)")
        return [Both(*pair_) for pair_ in zip(names, tensors)]

    def shuffle(self, x, groups, form="paper"):
        onnx_shuffle = {"paper": self.onnx.shuffle, "megvii": self.onnx.shuffle_megvii}[form]
        return self._say(f'shuffle({x.name}, {groups}, form = "{form}")', onnx_shuffle(x.tensor, groups))

    def gather(self, x, channels):
        return self._say(f"gather({x.name}, {spell(list(channels))})", self.onnx.gather(x.tensor, channels))

    # ---- pooling ----

    def _pool(self, operation, x, kernel, stride, padding, ceil, more):
        tensor = getattr(self.onnx, operation)(x.tensor, kernel, stride, padding, ceil, **more)
        words = "".join(f", {key} = {spell(value)}" for key, value in more.items())
        call = (f"{operation}({x.name}, {spell(pair(kernel))}, stride = {spell(pair(stride))}, "
                f"padding = {spell(sides(padding))}, ceil = {spell(ceil)}{words})")
        return self._say(call, tensor)

    def max_pool(self, x, kernel, stride=1, padding=0, ceil=False):
        return self._pool("max_pool", x, kernel, stride, padding, ceil, {})

    def avg_pool(self, x, kernel, stride=1, padding=0, ceil=False, count_padding=True):
        return self._pool("avg_pool", x, kernel, stride, padding, ceil, {"count_padding": count_padding})
