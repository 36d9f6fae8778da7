"""From whatever people have to a model."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from riffle import _tool
from riffle._diagnostics import Error
from riffle._model import Model
from riffle._tool import Word, spell

_SPECS = (".rfl", ".json", ".rir")
_MODELS = (".onnx", ".param")


def load(model: Any, *, weights: str | os.PathLike[str] | Mapping[str, Any] | None = None,
         random_weights: int | None = None, set: Mapping[str, Any] | None = None, inputs: Sequence[Any] | None = None,
         options: Sequence[str] = ()) -> Model:
    """A model to inspect and compile.

    `model` is
      - the path of a spec (.rfl, .json) or a graph (.rir); `set` gives its parameters values (numbers, booleans, lists,
        or strings, which are expressions of the language);
      - the path of a model of ONNX (.onnx) or ncnn (.param, with `weights` its .bin), or an `onnx.ModelProto`;
      - a `torch.nn.Module`, which is exported by `torch.onnx` with the example tensors of `inputs`.

    `weights` is a file (safetensors, or .pth of PyTorch) or a mapping from names to arrays of float32 (a `state_dict`);
    `random_weights` makes some up from a seed. `options` are words of the command line: for a spec of how weights are
    found ("--weights-prefix=state_dict."), for other models of `riffle import` ("--set-shape=image=1,3,224,224").

    Nothing is read yet of a spec; an imported model is imported now. Raises Error with riffle's diagnostics, TypeError
    for what is no model."""
    if isinstance(model, (str, os.PathLike)):
        path = Path(model)
        if path.suffix in _MODELS:
            _no_settings(set, random_weights)
            return _imported(path, _keep(), weights, options)
        if path.suffix not in _SPECS:
            weights_alone = path.suffix in (".pth", ".safetensors")
            hint = ": it has weights and no network; load a spec with weights=" if weights_alone else ""
            raise Error(f"'{path}' is no model: its name should end with one of {', '.join(_SPECS + _MODELS)}{hint}")
        return _of_spec(path, weights, random_weights, set, options)
    _no_settings(set, random_weights)
    if weights is not None:
        raise TypeError("this model has weights of its own")
    keep = _keep()
    path = Path(keep.name) / "model.onnx"
    if hasattr(model, "SerializeToString"):
        path.write_bytes(model.SerializeToString())
    elif hasattr(model, "state_dict") and hasattr(model, "forward"):
        _export(model, inputs, path)
    else:
        raise TypeError(f"a {type(model).__name__} is no model: give a path, an onnx.ModelProto or a torch.nn.Module")
    return _imported(path, keep, None, options)


def _keep() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="riffle-")


def _no_settings(settings: Mapping[str, Any] | None, random_weights: int | None) -> None:
    if settings or random_weights is not None:
        raise TypeError("set and random_weights are for specs of riffle's language")


def _of_spec(path: Path, weights: Any, random_weights: int | None, settings: Mapping[str, Any] | None,
             options: Sequence[str]) -> Model:
    if weights is not None and random_weights is not None:
        raise TypeError("give either weights or random_weights")
    keep = None
    if isinstance(weights, Mapping):
        keep = _keep()
        weights_file = Path(keep.name) / "weights.safetensors"
        _write_safetensors(weights_file, weights)
        weights = weights_file
    words: list[Word] = [*options]
    if weights is not None:
        words.append(f"--weights={os.fspath(weights)}")
    if random_weights is not None:
        words.append(f"--random-weights={random_weights}")
    return Model(path, [f"--set={name}={spell(value)}" for name, value in (settings or {}).items()], words, keep)


def _imported(path: Path, keep: tempfile.TemporaryDirectory[str], weights: Any, options: Sequence[str]) -> Model:
    spec, imported_weights = Path(keep.name) / "model.rfl", Path(keep.name) / "model.safetensors"
    words = [] if weights is None else [f"--weights={os.fspath(weights)}"]
    _tool.run(["import", path, "-o", spec, f"--weights-out={imported_weights}", *words, *options])
    return Model(spec, [], [f"--weights={imported_weights}"] if imported_weights.exists() else [], keep)


def _export(module: Any, inputs: Sequence[Any] | None, path: Path) -> None:
    if not inputs:
        raise TypeError("a torch.nn.Module needs inputs=(tensor,), with which torch.onnx exports it")
    import torch  # type: ignore[import-not-found, unused-ignore]  # of whoever made the module

    # The exporter that asks for no other package; older releases have only this one, and no name for it.
    chosen = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    training = module.training
    module.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(module, tuple(inputs), str(path), **chosen)
    finally:
        module.train(training)


def _write_safetensors(path: Path, weights: Mapping[str, Any]) -> None:
    header: dict[str, Any] = {}
    arrays, end = [], 0
    for name, value in weights.items():
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind in "iu" and array.size <= 1:
            continue  # counters, such as num_batches_tracked of PyTorch's batch normalisation
        if array.dtype != np.float32:
            raise TypeError(f"weights are arrays of float32, and '{name}' is {array.dtype}")
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
        arrays.append(array)
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays:
            file.write(array.astype("<f4").tobytes())
