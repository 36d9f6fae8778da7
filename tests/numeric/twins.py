"""A small network written three times at once: as a spec, as graph IR text, and as an ONNX graph.

Each method appends one operation to all. Weight names are made up here and are the same in all.
"""

from dataclasses import dataclass, field

import numpy as np
from onnx_builder import Builder, pair, sides
from support import spell

WEIGHTS = {"conv": ("weight", "bias"), "conv_transpose": ("weight", "bias"), "linear": ("weight", "bias"), "bias": ("bias",),
           "batch_norm": ("weight", "bias", "running_mean", "running_var")}


@dataclass(frozen=True)
class Both:
    """One value: its name in the spec and the IR, and its tensor in the ONNX graph."""

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
    name: str
    value: Both
    layout: str

    @property
    def shape(self):
        return self.value.shape

    def suffix(self):
        return "" if self.layout == "nchw" else f" {self.layout}"


def is_turned(port):
    """Whether the caller's array has another order of dimensions than the tensor."""
    return port.layout == "nhwc" and len(port.shape) == 4


def to_buffer(array, port):
    """A tensor as the caller's array of that input."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)) if is_turned(port) else array


def from_buffer(array, port):
    return array.transpose(0, 3, 1, 2) if is_turned(port) else array


def buffer_shape(port):
    return tuple(port.shape[i] for i in (0, 2, 3, 1)) if is_turned(port) else port.shape


class Word(str):
    """An attribute's value that is a word: quoted in the language, bare in the IR."""


@dataclass(frozen=True)
class Step:
    operation: str
    operands: tuple
    results: tuple
    attributes: dict  # as the IR has them
    positional: tuple = ()  # the spec's arguments after the operands, in place of attributes
    named: dict = field(default_factory=dict)
    path: str = ""
    weights: tuple = ()  # those that exist


def spell_attribute(value, quoted):
    if isinstance(value, Word):
        return f'"{value}"' if quoted else value
    return repr(value) if isinstance(value, float) else spell(value)


def type_of(shape):
    return f"f32{spell(shape)}".replace(" ", "")


class Twin:
    def __init__(self, name="small"):
        self.name = name
        self.onnx = Builder(name)
        self.steps, self.inputs, self.outputs = [], [], []
        self._count = 0

    # ---- the whole ----

    def spec(self):
        lines = [f"network {self.name}() {{"]
        for port in self.inputs:
            lines.append(f"  input {port.name}: {type_of(port.shape)}{port.suffix()}")
        for step in self.steps:
            arguments = [each.name for each in step.operands]
            arguments += [spell_attribute(value, quoted=True) for value in step.positional]
            arguments += [f"{name} = {spell_attribute(value, quoted=True)}" for name, value in step.named.items()]
            results = ", ".join(each.name for each in step.results)
            path = f" @ {step.path}" if step.path else ""
            lines.append(f"  let {results} = {step.operation}({', '.join(arguments)}){path}")
        lines += [f"  output {port.name}{port.suffix()} = {port.value.name}" for port in self.outputs]
        return "\n".join([*lines, "}", ""])

    def graph_text(self):
        lines = [f"graph {self.name} {{"]
        lines += [f"  input %{port.name} : {type_of(port.shape)}{port.suffix()}" for port in self.inputs]
        lines += [f"  weight @{name} : {type_of(want.shape)}" for name, want in self.onnx.weights.items()]
        for step in self.steps:
            words = [", ".join(f"%{each.name}" for each in step.results), "=", step.operation,
                     ", ".join(f"%{each.name}" for each in step.operands)]
            words += [f"{name}=@{step.path}.{name}" for name in step.weights]
            if step.attributes:
                said = (f"{name} = {spell_attribute(value, quoted=False)}" for name, value in step.attributes.items())
                words.append("{" + ", ".join(said) + "}")
            words += [":", ", ".join(type_of(each.shape) for each in step.results)]
            lines.append("  " + " ".join(words))
        lines += [f"  output {port.name} = %{port.value.name}{port.suffix()}" for port in self.outputs]
        return "\n".join([*lines, "}", ""])

    def random_inputs(self, seed, scale=1.0):
        source = np.random.default_rng(seed)
        return [source.normal(0, scale, port.shape).astype(np.float32) for port in self.inputs]

    def input(self, channels, height, width, batch=1, layout="nchw"):
        name = f"in{len(self.inputs)}"
        both = Both(name, self.onnx.input(name, (batch, channels, height, width)))
        self.inputs.append(Port(name, both, layout))
        return both

    def output(self, x, layout="nchw"):
        name = f"out{len(self.outputs)}"
        self.outputs.append(Port(name, x, layout))
        self.onnx.output(name, x.tensor)

    # ---- one operation ----

    def _path(self):
        return f"layer{len(self.steps)}"

    def _results(self, tensors):
        names = range(self._count, self._count + len(tensors))
        self._count += len(tensors)
        return tuple(Both(f"v{number}", tensor) for number, tensor in zip(names, tensors))

    def _append(self, operation, operands, tensor, attributes=None, positional=(), named=None, path=""):
        """For operations of one result. Without `named` the spec's named arguments are the attributes."""
        results = self._results([tensor])
        attributes = attributes or {}
        weights = tuple(name for name in WEIGHTS.get(operation, ()) if f"{path}.{name}" in self.onnx.weights)
        self.steps.append(Step(operation, tuple(operands), results, attributes, positional,
                               attributes if named is None else named, path, weights))
        return results[0]

    def conv(self, x, channels, kernel, stride=1, padding=0, dilation=1, groups=1, bias=False):
        path = self._path()
        tensor = self.onnx.conv(x.tensor, path, channels, kernel, stride, padding, dilation, groups, bias)
        attributes = {"stride": pair(stride), "padding": sides(padding), "dilation": pair(dilation), "groups": groups}
        return self._append("conv", [x], tensor, attributes, (channels, pair(kernel)), attributes | {"bias": bias}, path)

    def depthwise(self, x, kernel, stride=1, padding=0, dilation=1, bias=False):
        return self.conv(x, x.channels, kernel, stride, padding, dilation, x.channels, bias)

    def conv_transpose(self, x, channels, kernel, stride=1, padding=0, added=0, groups=1, bias=False):
        path = self._path()
        tensor = self.onnx.conv_transpose(x.tensor, path, channels, kernel, stride, padding, added, groups, bias)
        attributes = {"stride": pair(stride), "padding": sides(padding), "output_padding": pair(added), "groups": groups}
        return self._append("conv_transpose", [x], tensor, attributes, (channels, pair(kernel)),
                            attributes | {"bias": bias}, path)

    def batch_norm(self, x, epsilon=1e-5):
        path = self._path()
        return self._append("batch_norm", [x], self.onnx.batch_norm(x.tensor, path, epsilon), {"epsilon": epsilon},
                            path=path)

    def bias(self, x):
        path = self._path()
        return self._append("bias", [x], self.onnx.bias(x.tensor, path), path=path)

    def linear(self, x, features, bias=True):
        path = self._path()
        tensor = self.onnx.linear(x.tensor, path, features, bias)
        return self._append("linear", [x], tensor, {}, (features,), {"bias": bias}, path)

    def apply(self, operation, *operands):
        """An operation that has the same name everywhere and no attributes."""
        return self._append(operation, operands, getattr(self.onnx, operation)(*(each.tensor for each in operands)))

    def reduce(self, x, kind, axes):
        return self._append("reduce", [x], self.onnx.reduce(x.tensor, kind, axes), {"kind": kind, "axes": list(axes)})

    def arg_max(self, x, axis, least=False, last=False):
        tensor = self.onnx.arg_max(x.tensor, axis, least, last)
        return self._append("arg_max", [x], tensor, {"axis": axis, "least": least, "last": last})

    def local_response_norm(self, x, size, alpha, beta, k):
        tensor = self.onnx.local_response_norm(x.tensor, size, alpha, beta, k)
        return self._append("local_response_norm", [x], tensor, {"size": size, "alpha": alpha, "beta": beta, "k": k})

    def pad(self, x, padding):
        return self._append("pad", [x], self.onnx.pad(x.tensor, padding), {"padding": sides(padding)})

    def crop(self, x, margins):
        return self._append("crop", [x], self.onnx.crop(x.tensor, margins), {"margins": sides(margins)})

    def resize(self, x, size, mode="linear", coordinates="half_pixel", rounding="round_prefer_floor"):
        tensor = self.onnx.resize(x.tensor, size, mode, coordinates, rounding)
        words = {"mode": Word(mode), "coordinates": Word(coordinates), "rounding": Word(rounding)}
        return self._append("resize", [x], tensor, {"size": list(size)} | words)

    def take(self, x, rows, columns):
        return self._append("take", [x], self.onnx.take(x.tensor, rows, columns),
                            {"rows": list(rows), "columns": list(columns)})

    # ---- channels ----

    def _split(self, x, tensors, positional, named, attributes):
        results = self._results(tensors)
        self.steps.append(Step("split", (x,), results, attributes, positional, named))
        return list(results)

    def split(self, x, sizes):
        ends = np.cumsum(sizes).tolist()
        tensors = [self.onnx.slice(x.tensor, end - size, end) for size, end in zip(sizes, ends)]
        return self._split(x, tensors, (list(sizes),), {}, {"sizes": list(sizes)})

    def split_interleaved(self, x, parts):
        tensors = [self.onnx.slice(x.tensor, i, x.channels, parts) for i in range(parts)]
        sizes = [x.channels // parts] * parts
        return self._split(x, tensors, (parts,), {"interleaved": True}, {"sizes": sizes, "interleaved": True})

    def shuffle(self, x, groups, form="paper"):
        shuffled = {"paper": self.onnx.shuffle, "megvii": self.onnx.shuffle_megvii}[form](x.tensor, groups)
        return self._append("shuffle", [x], shuffled, {"groups": groups, "form": Word(form)}, (groups,),
                            {"form": Word(form)})

    def gather(self, x, channels):
        channels = list(channels)
        tensor = self.onnx.gather(x.tensor, channels)
        return self._append("gather", [x], tensor, {"channels": channels}, (channels,), {})

    # ---- pooling ----

    def _pool(self, operation, x, kernel, stride, padding, ceil, **more):
        tensor = getattr(self.onnx, operation)(x.tensor, kernel, stride, padding, ceil, **more)
        attributes = {"kernel": pair(kernel), "stride": pair(stride), "padding": sides(padding), "ceil": ceil} | more
        named = {name: value for name, value in attributes.items() if name != "kernel"}
        return self._append(operation, [x], tensor, attributes, (pair(kernel),), named)

    def max_pool(self, x, kernel, stride=1, padding=0, ceil=False):
        return self._pool("max_pool", x, kernel, stride, padding, ceil)

    def avg_pool(self, x, kernel, stride=1, padding=0, ceil=False, count_padding=True):
        return self._pool("avg_pool", x, kernel, stride, padding, ceil, count_padding=count_padding)
