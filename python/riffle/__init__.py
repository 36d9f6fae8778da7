"""riffle compiles small convolutional networks to machine code ahead of time, and this package drives it.

    model = riffle.load("net.rfl", weights="net.safetensors", set={"width": 1.0})
    net = model.compile()          # a shared library for this machine, loaded
    logits = net(image)            # NumPy arrays in, NumPy arrays out
    net.save("out/")               # the library, its header and description, for C and for `load_library`

`load` takes a spec of riffle's language, a model of ONNX or ncnn, an `onnx.ModelProto` or a `torch.nn.Module`.
Whatever riffle has to say against a model is raised as `riffle.Error`, with its `diagnostics`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riffle._answers import Box
    from riffle._diagnostics import Diagnostic, Error, RiffleWarning
    from riffle._frame import Mapping
    from riffle._graph import Graph
    from riffle._load import load
    from riffle._model import Model
    from riffle._network import Network, load_library
    from riffle._pass import Node, Nodes, Pass
    from riffle._reports import Benchmark, Inspection, Verification
    from riffle._tensor import Tensor
    from riffle._tool import program, version

__all__ = [
    "Benchmark",
    "Box",
    "Diagnostic",
    "Error",
    "Graph",
    "Inspection",
    "Mapping",
    "Model",
    "Network",
    "Node",
    "Nodes",
    "Pass",
    "RiffleWarning",
    "Tensor",
    "Verification",
    "load",
    "load_library",
    "program",
    "version",
]

# The command of this package needs no NumPy, so what does is imported when it is first asked for.
_MODULES = ("_diagnostics", "_tool", "_reports", "_pass", "_graph", "_tensor", "_frame", "_answers", "_network", "_model",
            "_load")

if not TYPE_CHECKING:
    import importlib

    def __getattr__(name):
        for module in _MODULES if name in __all__ else ():
            found = getattr(importlib.import_module(f"riffle.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
        raise AttributeError(f"module 'riffle' has no attribute '{name}'")

    def __dir__():
        return [*globals(), *__all__]
