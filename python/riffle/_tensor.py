"""Inputs and outputs of a network: what they are, and arrays that fit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riffle._diagnostics import Error

Array = NDArray[Any]

_LARGEST_ROW = 2**31 - 1  # an int of C
_DTYPES: dict[str, np.dtype[Any]] = {"f32": np.dtype(np.float32), "u8": np.dtype(np.uint8)}


@dataclass(frozen=True)
class Tensor:
    """An input or output."""

    name: str
    shape: tuple[int, ...]
    """Of the array, as it lies in memory: (batch, height, width, channels) where the layout is NHWC."""
    dtype: np.dtype[Any]
    """float32, or uint8 for inputs of bytes."""
    layout: str
    """"NCHW", "NHWC" or "NC"."""
    preprocessing: dict[str, Any] | None = None
    """Of an input of pixels: channel_order, scale, mean, std and resize. Numbers of float32 are made by the caller, as
    (pixel * scale - mean) / std; of bytes, the network makes them."""

    @classmethod
    def of_description(cls, record: dict[str, Any]) -> Tensor:
        if record["type"] not in _DTYPES:
            raise Error(f"'{record['name']}' is of type {record['type']}, which this package has no arrays for")
        shape = tuple(record["shape"])
        if record["layout"] == "NHWC":  # the description has dimensions in the order of the language
            shape = (shape[0], shape[2], shape[3], shape[1])
        return cls(record["name"], shape, _DTYPES[record["type"]], record["layout"], record.get("preprocessing"))

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}{list(self.shape)}"

    def take(self, value: Any, shape: tuple[int, ...] | None = None) -> Array:
        """The value as an array that the network reads: itself where it is contiguous, else a copy of the same numbers.
        TypeError unless it is an array of NumPy or DLPack and of the dtype, ValueError if its shape is another."""
        array = self._checked(value, shape)
        flags = array.flags
        if flags.c_contiguous and flags.aligned:
            return array
        return np.require(array, requirements=["C", "A"])

    def take_rows(self, value: Any, shape: tuple[int, ...] | None = None) -> Array:
        """The same for an input: of bytes, an array whose rows lie apart is itself, too."""
        if self.dtype == np.uint8:
            array = self._checked(value, shape)
            if row_bytes(array) > 0:
                return array
        return self.take(value, shape)

    def _checked(self, value: Any, shape: tuple[int, ...] | None) -> Array:
        array: Array = value if type(value) is np.ndarray else _array_of(self.name, value)
        if array.dtype != self.dtype:
            raise TypeError(f"'{self.name}' is {self.dtype}, and the array is {array.dtype}: "
                            f"give array.astype(numpy.{self.dtype}), if its numbers mean the same")
        if array.shape != (shape or self.shape):
            raise ValueError(f"'{self.name}' has the shape {shape or self.shape}, and the array {array.shape}"
                             + _reshape_hint(array.shape, shape or self.shape))
        return array

    def stack(self, value: Any) -> Any:
        """Many images as one array: an array as it is, a sequence of images copied together."""
        if isinstance(value, (list, tuple)):
            if not value:
                return np.empty((0, *self.shape[1:]), self.dtype)
            rank = len(self.shape)
            arrays = [image if isinstance(image, np.ndarray) else np.from_dlpack(image) for image in value]
            return np.concatenate([array if array.ndim == rank else array[None] for array in arrays])
        array = value if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__") else np.from_dlpack(value)
        if not isinstance(array, np.ndarray) or array.ndim == 0:
            raise TypeError(f"'{self.name}' must be an array of images or a sequence of them, "
                            f"and it is of type {type(value).__name__}")
        return array

    def take_out(self, array: Any, shape: tuple[int, ...] | None = None) -> Array:
        """The same for one that is written: no copy will do."""
        if not isinstance(array, np.ndarray):
            raise TypeError(f"what '{self.name}' is written to must be an array of NumPy, "
                            f"and it is of type {type(array).__name__}")
        taken = self.take(array, shape)
        if taken is not array or not array.flags.writeable:
            raise ValueError(f"'{self.name}' can be written only to an array that is contiguous and writeable")
        return taken


def row_bytes(array: Array) -> int:
    """Of bytes [N, H, W, C] with gaps between the rows alone: from one row to the next. 0 for any other array."""
    if array.ndim != 4 or array.flags.c_contiguous:
        return 0
    images, height, width, channels = array.shape
    image_step, row, pixel, channel = array.strides
    packed = (channels == 1 or channel == 1) and (width == 1 or pixel == channels)
    if not packed or not width * channels <= row <= _LARGEST_ROW or (images > 1 and image_step != height * row):
        return 0
    return row


def _reshape_hint(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if (1, *shape) == wanted:
        return ": give array[None]"
    if len(shape) == 4 and (shape[0], shape[3], shape[1], shape[2]) == wanted:
        return ": give array.transpose(0, 3, 1, 2)"
    if len(shape) == 4 and (shape[0], shape[2], shape[3], shape[1]) == wanted:
        return ": give array.transpose(0, 2, 3, 1)"
    return ""


def _array_of(name: str, value: Any) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if not hasattr(value, "__dlpack__"):
        raise TypeError(f"'{name}' must be an array of NumPy or an object with DLPack, "
                        f"and it is of type {type(value).__name__}")
    try:
        return np.from_dlpack(value)
    except (BufferError, RuntimeError, TypeError) as error:
        raise TypeError(f"'{name}' cannot be read where it lies: {error}") from error
