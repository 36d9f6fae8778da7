"""From the numbers of a network to what they say, by the code that the library has for it (docs/frames.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cffi  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from riffle._diagnostics import Error
from riffle._tensor import Tensor


class BestClasses:
    """The function of a library that finds the best classes of one of its outputs."""

    def __init__(self, path: str, network: str, tensor: Tensor, explain: Callable[[int], str]) -> None:
        self._name, self._explain = tensor.name, explain
        self._classes = int(np.prod(tensor.shape[1:]))
        self._ffi = cffi.FFI()
        name = f"{network}_top_{tensor.name}"
        self._ffi.cdef(f"int {name}(const float *scores, int *classes, float *probabilities, int most);")
        self._library = self._ffi.dlopen(path)
        try:
            self._top = getattr(self._library, name)
        except AttributeError as error:
            raise Error(f"the library finds no classes in '{tensor.name}': that must be the first output, with one number "
                        f"for each class, of a network without an answer ({network}.h says what there is)") from error

    def __call__(self, scores: Any, most: int) -> list[tuple[int, float]]:
        if not isinstance(scores, np.ndarray) or scores.dtype != np.float32:
            raise TypeError(f"'{self._name}' is an array of float32, and this is "
                            f"{scores.dtype if isinstance(scores, np.ndarray) else type(scores).__name__}")
        if scores.size != self._classes:
            raise ValueError(f"'{self._name}' has {self._classes} numbers for an image, and the array {scores.size}: "
                             "give one image of a batch at a time")
        most = min(most, self._classes)
        if most < 0:
            raise ValueError("most must not be negative")
        classes, probabilities = self._ffi.new("int[]", most + 1), self._ffi.new("float[]", most + 1)
        count = self._top(self._ffi.from_buffer("float[]", np.ascontiguousarray(scores)), classes, probabilities, most)
        if count < 0:
            raise ValueError(self._explain(-count))
        return list(zip(classes[0:count], probabilities[0:count]))
