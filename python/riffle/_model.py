"""A model that riffle can compile: a spec, its parameters and weights."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from riffle import _tool
from riffle._graph import Graph
from riffle._network import Network, compiled
from riffle._pass import Pass
from riffle._reports import Benchmark, Inspection, Verification
from riffle._tensor import Array
from riffle._tool import Word

Sample = str | os.PathLike[str] | Array
"""A typical input: a picture (JPEG or PNG), a file of raw float32 numbers, or an array of float32."""


class Model:
    """A network with its parameters and weights, as `riffle.load` gives it. Nothing is compiled before `compile`."""

    def __init__(self, spec: Path, settings: Sequence[Word], weights: Sequence[Word], keep: object = None) -> None:
        self.spec = spec
        """The spec: what was loaded, or what was made of an imported model."""
        self._network: list[Word] = [*settings]
        self._weights: list[Word] = [*weights]
        self._keep = keep  # temporary folders

    def __repr__(self) -> str:
        return f"<riffle.Model {self.spec}>"

    def compile(self, target: str = "native", *, precision: str | None = None, calibration: Sequence[Sample] = (),
                options: Sequence[str] = ()) -> Network:
        """The network as a shared library, loaded when it is first called.

        `target` is a row of `riffle targets`, the name of a processor, or "native"; code for another machine can be
        saved, and not called. `precision` is "int8" (with `calibration`: typical inputs), "fp16" or "bf16".
        `options` are words of `riffle compile` ("--winograd=never"). Raises Error with riffle's diagnostics."""
        with tempfile.TemporaryDirectory(prefix="riffle-samples-") as samples:
            words = [f"--target={target}", *_tool.linker_words(),
                     *self._precision(precision, calibration, Path(samples)), *options]
            return compiled(lambda folder: _tool.run(
                ["compile", self.spec, *self._network, *self._weights, *words, "--shared", "-o", folder]))

    def _precision(self, precision: str | None, calibration: Sequence[Sample], folder: Path) -> list[str]:
        words = [] if precision is None else [f"--precision={precision}"]
        for index, sample in enumerate(calibration):
            if isinstance(sample, np.ndarray):
                if sample.dtype != np.float32:
                    raise TypeError(f"arrays for calibration are of float32, and one is {sample.dtype}")
                path = folder / f"{index}.f32"
                sample.astype("<f4").tofile(path)
                sample = path
            words.append(f"--calibration={os.fspath(sample)}")
        return words

    def rewritten(self, *passes: Pass) -> Model:
        """The model with its graph as these passes leave it, to compile, verify and measure. Riffle's own passes come
        after them. Weights are those of this model, under their names."""
        keep = tempfile.TemporaryDirectory(prefix="riffle-")
        path = Path(keep.name) / "rewritten.rir"
        path.write_text(self.graph.run_passes(passes).text, encoding="utf-8")
        return Model(path, [], self._weights, (self._keep, keep))

    def inspect(self, *, cpu: str | None = None, clock: str = "2GHz", options: Sequence[str] = ()) -> Inspection:
        """Shapes, parameters, multiply-accumulates and bytes of each layer. Needs no weights.

        With `cpu` also how long each step should take on that processor (a name of `riffle targets`, of which riffle has
        a model) at that clock: an estimate (docs/predicted_time.md). `options` are words of `riffle inspect`."""
        words = [] if cpu is None else [f"--cpu={cpu}", f"--clock={clock}"]
        record = _tool.run_json(["inspect", self.spec, *self._network, *words, *options])
        return Inspection(record["name"], record["inputs"], record["outputs"], record["layers"], record["totals"],
                          record.get("estimated_time"))

    def verify(self, target: str = "native", *, count: int = 3, tolerance: float | None = None,
               options: Sequence[str] = ()) -> Verification:
        """Compares compiled code with riffle's interpreter on `count` random inputs. Raises Error with the table where a
        difference is larger than the tolerance (1e-4 of the largest number)."""
        words = [f"--count={count}", *([] if tolerance is None else [f"--tolerance={tolerance}"]), *options]
        return Verification(_tool.run(
            ["verify", self.spec, *self._network, *self._weights, f"--target={target}", *words]))

    def bench(self, target: str = "native", *, seconds: float = 1.0, threads: int = 1,
              options: Sequence[str] = ()) -> Benchmark:
        """Times the network on this machine, without Python around it."""
        return Benchmark(_tool.run_json(["bench", self.spec, *self._network, *self._weights, f"--target={target}",
                                         f"--seconds={seconds}", f"--threads={threads}", *options]))

    @property
    def graph(self) -> Graph:
        """The network's graph, as text, before any pass."""
        return Graph(_tool.run(["opt", self.spec, *self._network, "--passes="]))
