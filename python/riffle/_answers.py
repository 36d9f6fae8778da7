"""From the numbers of a network to what they say, by the code that the library has for it (docs/frames.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from riffle._diagnostics import Error
from riffle._frame import MAPPING
from riffle._tensor import Array, Tensor

_BOXES = MAPPING + """
struct box {{ float left, top, right, bottom, score; int class_index; {landmarks} }};
size_t {name}_scratch_bytes(void);
int {name}(void *const *outputs, const struct mapping *mapping, float threshold, float overlap, int across_classes,
    struct box *boxes, int most, void *scratch);
"""


class Box(NamedTuple):
    """A thing that was found."""

    left: float
    top: float
    right: float
    bottom: float
    score: float
    class_index: int
    landmarks: tuple[tuple[float, float], ...] = ()
    """x and y of each, where the network finds such."""


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


class Boxes:
    """The function of a library that finds the boxes of its answer."""

    def __init__(self, path: str, network: str, answer: dict[str, Any], outputs: Sequence[Tensor],
                 explain: Callable[[int], str]) -> None:
        self._outputs, self._explain = outputs, explain
        self._landmarks = int(answer["landmarks"])
        self._ffi = cffi.FFI()
        name = f"{network}_find_{answer['name']}"
        self._ffi.cdef(_BOXES.format(name=name, landmarks=f"float landmarks[{2 * self._landmarks}];"
                                     if self._landmarks else ""))
        self._library = self._ffi.dlopen(path)
        try:
            self._find = getattr(self._library, name)
            self._scratch_bytes = getattr(self._library, f"{name}_scratch_bytes")()
        except AttributeError as error:
            raise Error(f"the library has no code that finds '{answer['name']}': {network}.h says why") from error

    def __call__(self, outputs: Array | Mapping[str, Array], mapping: Any, threshold: float, overlap: float,
                 across_classes: bool, most: int) -> list[Box]:
        if most < 0:
            raise ValueError("most must not be negative")
        arrays = self._in_order(outputs)
        pointers = self._ffi.new("void *[]", [self._ffi.from_buffer(array) for array in arrays])
        place = self._ffi.NULL if mapping is None else self._ffi.new("struct mapping *", tuple(mapping))
        boxes = self._ffi.new("struct box[]", most + 1)
        scratch = self._ffi.new("char[]", self._scratch_bytes)
        count = self._find(pointers, place, threshold, overlap, across_classes, boxes, most, scratch)
        if count < 0:
            raise ValueError(self._explain(-count))
        return [self._box(boxes[index]) for index in range(count)]

    def _in_order(self, outputs: Array | Mapping[str, Array]) -> list[Array]:
        given = outputs if isinstance(outputs, Mapping) else {self._outputs[0].name: outputs}
        if {*given} != {tensor.name for tensor in self._outputs}:
            raise TypeError(f"outputs must be an array for each of {', '.join(t.name for t in self._outputs)}")
        return [tensor.take(given[tensor.name], (1, *tensor.shape[1:])) for tensor in self._outputs]

    def _box(self, box: Any) -> Box:
        numbers = list(box.landmarks) if self._landmarks else []
        return Box(box.left, box.top, box.right, box.bottom, box.score, box.class_index,
                   tuple(zip(numbers[::2], numbers[1::2])))
