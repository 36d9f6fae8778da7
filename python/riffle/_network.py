"""A compiled network: a shared library and its description, called with arrays."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from riffle import _processor
from riffle._batch import share
from riffle._diagnostics import Error
from riffle._reports import html_table
from riffle._support import Support
from riffle._tensor import Array, Tensor, row_bytes
from riffle._weights import Weights, check_of

_ALIGNMENT = 64  # NAME_WORKSPACE_ALIGNMENT, of every library

_ffi = cffi.FFI()
_allocate = _ffi.new_allocator(should_clear_after_alloc=False)
# A call takes a few microseconds: what it uses is looked up once.
_from_buffer, _ndarray, _empty = _ffi.from_buffer, np.ndarray, np.empty


def _bytes_of_rows(array: Array) -> Any:
    """Of an array with gaps, which has no buffer; the caller keeps it."""
    return _ffi.cast("char *", array.__array_interface__["data"][0])


class _Slot:
    """What one call at a time uses: the pointers to tensors, and a workspace."""

    __slots__ = ("inputs", "memory", "outputs", "row_bytes", "weights", "workspace")

    def __init__(self, inputs: int, outputs: int, workspace_bytes: int) -> None:
        self.inputs = _ffi.new("void *[]", inputs)
        self.outputs = _ffi.new("void *[]", outputs)
        self.row_bytes: Any = None
        self.memory = _allocate("char[]", workspace_bytes + _ALIGNMENT)
        address = int(_ffi.cast("uintptr_t", self.memory))
        self.workspace = self.memory + -address % _ALIGNMENT
        self.weights: Weights | None = None


class Network(Support):
    """A compiled network, loaded. `net(image)` runs it; any number of threads may call it at once, and Python's global
    lock is released while it computes.

    `inputs` and `outputs` are its tensors (`Tensor`: name, shape, dtype, layout), in order; `description` is all of
    NAME.json, and `folder` where the library lies."""

    def __init__(self, folder: Path, description: dict[str, Any], part: dict[str, Any], keep: object = None) -> None:
        self.folder = folder
        self.description = description
        self.name: str = part["name"]
        if not self.name.isidentifier() or not self.name.isascii():
            raise ValueError(f"'{self.name}' is no name of a network")
        super().__init__(part)
        self.workspace_bytes: int = max(level["totals"]["workspace_bytes"] for level in part.get("levels", [part]))
        self._expected = [(tensor.dtype, tensor.shape, tensor) for tensor in self.inputs]
        self._shapes = [(tensor.shape, tensor.dtype) for tensor in self.outputs]
        self._output_names = [tensor.name for tensor in self.outputs]
        self._input_count, self._single = len(self.inputs), len(self.outputs) == 1
        self._of_bytes = [index for index, tensor in enumerate(self.inputs) if tensor.dtype == np.uint8]
        self._lacking = _processor.lacking(part["target"])
        self._weights_file: str | None = part.get("weights_file", {}).get("name")
        self._library_path = folder / description["shared_library"]
        self._keep = keep  # the temporary folder
        self._slots: list[_Slot] = []
        self._run: Callable[[Any, Any, Any], int] | None = None
        self._weights: Weights | None = None
        self._check: Callable[[Any, int], int] | None = None
        self._loading = threading.Lock()

    def __repr__(self) -> str:
        inputs, outputs = (", ".join(map(str, tensors)) for tensors in (self.inputs, self.outputs))
        return f"<riffle.Network {self.name} ({inputs}) -> ({outputs})>"

    def _repr_html_(self) -> str:
        rows = [[kind, tensor.name, str(tensor.dtype), list(tensor.shape), tensor.layout]
                for kind, tensors in (("input", self.inputs), ("output", self.outputs)) for tensor in tensors]
        return html_table((self.name, "name", "dtype", "shape", "layout"), rows)

    # ---- calls ----

    def __call__(self, *arrays: Any, out: Any = None, **named: Any) -> Any:
        """Runs the network once.

        Inputs are given in order, or by name (a name that is no word of Python: `net(**{"a-b": x})`). Each is an array
        of NumPy, or an object with DLPack on the CPU (a tensor of PyTorch), of exactly the input's shape and dtype. One
        that is contiguous is read where it lies, and so is one of bytes with gaps between its rows alone; another is
        copied first.

        Returns the output as a new array, or a dict of arrays by name where there are several. `out` is an array (or a
        dict of arrays by name) to write to instead, which is returned. NaN in an input comes out as NaN.

        Raises TypeError for another dtype or number of inputs, ValueError for another shape, Error where this machine
        cannot run the code."""
        if named or len(arrays) != self._input_count:
            arrays = tuple(self._in_order(arrays, named))
        taken = [array if type(array) is _ndarray and array.dtype is dtype and array.shape == shape and array.flags.carray
                 else tensor.take_rows(array) for array, (dtype, shape, tensor) in zip(arrays, self._expected)]
        if out is None:
            results = [_empty(shape, dtype) for shape, dtype in self._shapes]
        else:
            results = self._results(out, taken)
        self._call(taken, results)
        return results[0] if self._single else self._answer(results)

    def batch(self, *arrays: Any, threads: int = 1, out: Any = None, **named: Any) -> Any:
        """Runs the network for each of many images, on so many threads of Python, each with a workspace of its own.

        An input is an array of the shape (N, ...) or a sequence of images, where the network's own is (B, ...) and N is a
        multiple of B; those of an array are read where they lie, a sequence is copied together first. Returns (N, ...)
        for each output, as a call does, equal to the bit to what single calls give. `out` likewise. Raises what a call
        raises."""
        if threads < 1:
            raise ValueError("threads must be 1 or more")
        inputs = [tensor.stack(value) for tensor, value in zip(self.inputs, self._in_order(arrays, named))]
        count = self._runs(inputs)
        shapes = [(count * tensor.shape[0], *tensor.shape[1:]) for tensor in self.outputs]
        taken = [tensor.take_rows(value, (count * tensor.shape[0], *tensor.shape[1:]))
                 for tensor, value in zip(self.inputs, inputs)]
        results = self._results(out, taken, shapes)
        if count > 0:
            self._loaded()
            share(count, threads, self._runner(count, taken, results))
        return self._answer(results)

    # ---- runs ----

    def _runs(self, inputs: list[Any]) -> int:
        """How many runs the images make, the same for each input."""
        counts = {}
        for tensor, value in zip(self.inputs, inputs):
            images = len(value)
            if images % tensor.shape[0] != 0:
                raise ValueError(f"'{tensor.name}' is {images} images, which is no multiple of {tensor.shape[0]}, "
                                 "the network's batch")
            counts[tensor.name] = images // tensor.shape[0]
        if len(set(counts.values())) > 1:
            found = ", ".join(f"'{name}' has {count}" for name, count in counts.items())
            raise ValueError(f"inputs must be equally many: {found}")
        return next(iter(counts.values()))

    def _in_order(self, arrays: tuple[Any, ...], named: dict[str, Any]) -> Sequence[Any]:
        if not named and len(arrays) == len(self.inputs):
            return arrays
        names = [tensor.name for tensor in self.inputs]
        given = dict(zip(names, arrays))
        if len(arrays) > len(names) or len(arrays) + len(named) != len(names) or {*given, *named} != {*names}:
            raise TypeError(f"{self.name} takes the inputs {', '.join(names)}, and got {len(arrays)} in order"
                            + (f" and {', '.join(sorted(named))} by name" if named else ""))
        return [{**given, **named}[name] for name in names]

    def _results(self, out: Any, inputs: list[Array], shapes: Sequence[tuple[int, ...]] | None = None) -> list[Array]:
        shapes = shapes or [tensor.shape for tensor in self.outputs]
        if out is None:
            return [np.empty(shape, tensor.dtype) for tensor, shape in zip(self.outputs, shapes)]
        given = out if isinstance(out, dict) else {tensor.name: out for tensor in self.outputs}
        if {*given} != {tensor.name for tensor in self.outputs} or (out is not given and len(self.outputs) > 1):
            raise TypeError(f"out must be a dict with an array for each of {', '.join(t.name for t in self.outputs)}")
        results = [tensor.take_out(given[tensor.name], shape) for tensor, shape in zip(self.outputs, shapes)]
        for one, other in itertools.product(results, [*inputs, *results]):
            if one is not other and np.may_share_memory(one, other):
                raise ValueError("what is written to overlaps with an input or another output")
        return results

    def _answer(self, results: list[Array]) -> Any:
        return results[0] if self._single else dict(zip(self._output_names, results))

    def _take_slot(self) -> _Slot:
        try:
            slot = self._slots.pop()
        except IndexError:
            # Behind the pointers the row bytes of inputs of bytes, an int each.
            pointers = self._input_count + (self._weights_file is not None)
            slot = _Slot(pointers + len(self._of_bytes), len(self.outputs), self.workspace_bytes)
            slot.row_bytes = _ffi.cast("int *", slot.inputs + pointers)
        weights = self._weights
        if slot.weights is not weights and weights is not None:
            slot.inputs[self._input_count] = weights.address
            slot.weights = weights  # they stay mapped as long as a call may read them
        return slot

    def _call(self, inputs: list[Array], outputs: list[Array]) -> None:
        run = self._run or self._loaded()
        slot = self._take_slot()
        input_pointers, output_pointers = slot.inputs, slot.outputs
        if self._of_bytes:
            for i, array in enumerate(inputs):
                input_pointers[i] = _from_buffer(array) if array.flags.c_contiguous else _bytes_of_rows(array)
            for i, index in enumerate(self._of_bytes):
                slot.row_bytes[i] = row_bytes(inputs[index])
        else:
            for i, array in enumerate(inputs):
                input_pointers[i] = _from_buffer(array)
        for i, array in enumerate(outputs):
            output_pointers[i] = _from_buffer(array)
        status = run(input_pointers, output_pointers, slot.workspace)
        self._slots.append(slot)
        if status != 0:
            raise self._failure(status)

    def _runner(self, count: int, inputs: list[Array], outputs: list[Array]) -> Callable[[int, int], None]:
        """What makes runs `begin` to `end` - 1 of `count`, whose tensors lie one after the other in the arrays."""
        run = self._loaded()
        reads = [(i, _from_buffer(array), array.nbytes // count) if array.flags.c_contiguous
                 else (i, _bytes_of_rows(array), array.strides[0] * (len(array) // count)) for i, array in enumerate(inputs)]
        rows = [row_bytes(inputs[index]) for index in self._of_bytes]
        writes = [(i, _from_buffer(array), array.nbytes // count) for i, array in enumerate(outputs)]

        def make_runs(begin: int, end: int) -> None:
            slot = self._take_slot()
            input_pointers, output_pointers, workspace = slot.inputs, slot.outputs, slot.workspace
            for i, step in enumerate(rows):
                slot.row_bytes[i] = step
            for index in range(begin, end):
                for i, first, step in reads:
                    input_pointers[i] = first + index * step
                for i, first, step in writes:
                    output_pointers[i] = first + index * step
                status = run(input_pointers, output_pointers, workspace)
                if status != 0:
                    raise self._failure(status)
            self._slots.append(slot)

        return make_runs

    def _failure(self, status: int, what: str = "") -> Error:
        return Error(f"{self.name}: {what}{self._meaning(status)}")

    def _meaning(self, status: int) -> str:
        for row in self.description.get("statuses", []):
            if row["status"] == status:
                return str(row["meaning"])
        return f"status {status}, which {self.name}.h explains"

    # ---- the library ----

    def _loaded(self) -> Callable[[Any, Any, Any], int]:
        """The function, of the library that is loaded when it is first asked for."""
        with self._loading:
            if self._run is None:
                self._run = self._load()
            return self._run

    def _open(self) -> str:
        self._loaded()
        return str(self._library_path)

    def _load(self) -> Callable[[Any, Any, Any], int]:
        if self._lacking is not None:
            raise Error(f"this machine cannot run {self.name}: {self._lacking}")
        ffi = cffi.FFI()
        ffi.cdef(f"int {self.name}_run(void **inputs, void **outputs, void *workspace);")
        try:
            library = ffi.dlopen(str(self._library_path))
        except OSError as error:
            raise Error(f"cannot load '{self._library_path}': {error}") from error
        if self._weights_file is not None:
            self._check = check_of(library, ffi, self.name)
            self._weights = self._checked(self.folder / self._weights_file)
        run: Callable[[Any, Any, Any], int] = getattr(library, f"{self.name}_run")
        self._library = library  # it is unloaded with the last reference
        return run

    # ---- weights in a file ----

    @property
    def weights_checksum(self) -> str | None:
        """The hash of the weights that the next call reads, 16 hexadecimal digits, as NAME.json has it; None where the
        library has its weights inside."""
        if self._weights_file is None:
            return None
        self._loaded()
        return self._weights.checksum if self._weights else None

    def update_weights(self, path: str | os.PathLike[str] | None = None) -> None:
        """Other weights for a library that was compiled with --weights-file: those of `path`, or of the file beside the
        library, which may have been replaced (by a rename: a file that is written to while it is read gives wrong
        answers). Calls that other threads are in end with the weights that they began with.

        Raises Error for a file that is of another network, cut short or damaged; the weights before it then stay."""
        if self._weights_file is None:
            raise Error(f"{self.name} has its weights inside: compile it with --weights-file")
        self._loaded()
        self._weights = self._checked(self.folder / self._weights_file if path is None else Path(path))

    def _checked(self, path: Path) -> Weights:
        weights = Weights(path)
        status = self._check(weights.address, len(weights)) if self._check is not None else 0
        if status != 0:
            raise self._failure(status, f"'{path}': ")
        return weights

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Copies the library (static and shared), its C header and its description into the folder, which is made when
        absent. `load_library(folder)` reads them again; C programs link or load them."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        for file in sorted(self.folder.iterdir()):
            shutil.copy(file, folder)


def load_library(path: str | os.PathLike[str], variant: str | None = None) -> Network:
    """A network that was compiled before, by `Network.save` or `riffle compile --shared`.

    `path` is NAME.json or a folder with one of them; the library lies beside it. `variant` names one of a library
    that has several (`riffle compile --variant`). Raises Error for what is no such description or has no shared
    library."""
    file = _description_file(Path(path))
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Error(f"cannot read '{file}': {error}") from error
    if not isinstance(description, dict) or "metadata_version" not in description:
        raise Error(f"'{file}' is no description of a library, which riffle compile writes")
    if "shared_library" not in description:
        raise Error(f"'{file}' describes a library that is only static: compile it with --shared")
    try:
        return Network(file.parent, description, _part(description, variant))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Error(f"'{file}' is no description that this package understands: {error!r}") from error


def _description_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.glob("*.json"))
    if len(files) != 1:
        found = "are several descriptions" if files else "is no description"
        raise Error(f"there {found} in '{path}': name a .json file")
    return files[0]


def _part(description: dict[str, Any], variant: str | None) -> dict[str, Any]:
    variants: dict[str, dict[str, Any]] = {part["name"]: part for part in description.get("variants", [])}
    if not variants and variant is None:
        return description
    if variant not in variants:
        names = ", ".join(variants) or "none"
        wanted = f", and no '{variant}'" if variant else ": name one"
        raise Error(f"{description['name']} has the variants {names}{wanted}")
    return variants[variant]


def compiled(make: Callable[[str], object]) -> Network:
    """The network that `make` writes to the temporary folder of that name, which goes with the network."""
    folder = tempfile.TemporaryDirectory(prefix="riffle-")
    make(folder.name)
    network = load_library(folder.name)
    network._keep = folder
    return network
