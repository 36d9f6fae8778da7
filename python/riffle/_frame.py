"""From a picture or a camera's frame to the input of a network, by the code that the library has for it (docs/frames.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cffi  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from riffle._diagnostics import Error
from riffle._tensor import Array, Tensor

# In the order of the header's enums: how many planes, and how many bytes has a pixel of the first.
_FORMATS = {"rgb": (1, 3), "bgr": (1, 3), "rgba": (1, 4), "bgra": (1, 4), "grey": (1, 1), "nv12": (2, 1), "nv21": (2, 1),
            "i420": (3, 1)}
_COLOURS = ("bt601_video", "bt601_full", "bt709_video", "bt709_full")
_FORMAT_OF_CHANNELS = {1: "grey", 3: "rgb", 4: "rgba"}

MAPPING = """
struct mapping {{ float scale_x, scale_y, offset_x, offset_y; }};
"""
_DECLARATIONS = MAPPING + """
struct frame {{
    int format, colour, width, height;
    const unsigned char *planes[3];
    size_t row_bytes[3], plane_bytes[3];
    int crop_x, crop_y, crop_width, crop_height;
    int chroma_bytes;
}};
size_t {name}_scratch_bytes(int width, int height);
int {name}(const struct frame *frame, void *image, struct mapping *mapping, void *scratch);
"""


class Mapping(NamedTuple):
    """Where the network's image is in the picture: its point (x, y) is the picture's
    (x * scale_x + offset_x, y * scale_y + offset_y). A pixel's centre is at half a pixel."""

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float

    def point(self, x: Any, y: Any) -> tuple[Any, Any]:
        """The picture's point for one of the network's image; arrays of points become arrays."""
        return x * self.scale_x + self.offset_x, y * self.scale_y + self.offset_y


def _pixels(picture: Any) -> Array:
    """A plane as rows of pixels, (height, width, bytes of a pixel)."""
    if hasattr(picture, "convert") and getattr(picture, "mode", "RGB") not in ("RGB", "RGBA", "L"):
        picture = picture.convert("RGB")  # of PIL: numbers of palettes and the like mean nothing here
    if not isinstance(picture, np.ndarray) and not hasattr(picture, "__array_interface__"):
        raise TypeError("a picture is an array of uint8 or a picture of PIL, "
                        f"and this is of type {type(picture).__name__}")
    array: Array = np.asarray(picture)
    if array.dtype != np.uint8:
        raise TypeError(f"a picture is of uint8, and the array is {array.dtype}")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise ValueError("a picture has the shape (height, width, channels) or (height, width), "
                         f"and the array {array.shape}")
    _, width, channels = array.shape
    row, pixel, byte = array.strides
    packed = byte == 1 and pixel == channels and row >= width * channels
    return array if packed else np.ascontiguousarray(array)


def _planes(picture: Any, form: str | None) -> tuple[str, list[Array]]:
    if form is not None and form not in _FORMATS:
        raise ValueError(f"'{form}' is no format: {', '.join(_FORMATS)}")
    planes = [_pixels(plane) for plane in picture] if isinstance(picture, (list, tuple)) else [_pixels(picture)]
    channels = planes[0].shape[2] if planes else 0
    form = form or _FORMAT_OF_CHANNELS.get(channels)
    if form is None:
        raise ValueError(f"a picture has 1, 3 or 4 channels, and the array {channels}")
    count, pixel_bytes = _FORMATS[form]
    if len(planes) != count or channels != pixel_bytes:
        raise ValueError(f"a frame of {form} is {count} array(s), the first of {pixel_bytes} channel(s); "
                         f"here are {len(planes)} of {channels}")
    return form, planes


class Preparer:
    """The function of a library that makes one of its inputs."""

    def __init__(self, path: str, network: str, tensor: Tensor, explain: Callable[[int], str]) -> None:
        self._tensor, self._explain = tensor, explain
        self._ffi = cffi.FFI()
        name = f"{network}_prepare_{tensor.name}"
        self._ffi.cdef(_DECLARATIONS.format(name=name))
        self._library = self._ffi.dlopen(path)
        try:
            self._prepare = getattr(self._library, name)
            self._scratch_bytes = getattr(self._library, f"{name}_scratch_bytes")
        except AttributeError as error:
            raise Error(f"the library has nothing that prepares '{tensor.name}': {network}.h says why, or its spec has no "
                        f"pixels(...) for it") from error

    def __call__(self, picture: Any, form: str | None, colour: str, crop: Sequence[int] | None,
                 out: Any) -> tuple[Array, Mapping]:
        if colour not in _COLOURS:
            raise ValueError(f"'{colour}' is no colour: {', '.join(_COLOURS)}")
        form, planes = _planes(picture, form)
        shape = (1, *self._tensor.shape[1:])
        image = np.empty(shape, self._tensor.dtype) if out is None else self._tensor.take_out(out, shape)
        frame = self._frame(form, colour, crop, planes)
        mapping = self._ffi.new("struct mapping *")
        scratch = self._ffi.new("char[]", max(1, self._scratch_bytes(frame.width, frame.height)) + 64)
        aligned = scratch + -int(self._ffi.cast("uintptr_t", scratch)) % 64
        status = self._prepare(frame, self._ffi.from_buffer(image), mapping, aligned)
        if status != 0:
            raise ValueError(self._explain(status))
        return image, Mapping(mapping.scale_x, mapping.scale_y, mapping.offset_x, mapping.offset_y)

    def _frame(self, form: str, colour: str, crop: Sequence[int] | None, planes: list[Array]) -> Any:
        frame = self._ffi.new("struct frame *")
        frame.format, frame.colour = list(_FORMATS).index(form), _COLOURS.index(colour)
        frame.height, frame.width = planes[0].shape[:2]
        for i, plane in enumerate(planes):
            height, width, pixel_bytes = plane.shape
            frame.planes[i] = self._ffi.cast("const unsigned char *", plane.__array_interface__["data"][0])
            frame.row_bytes[i] = plane.strides[0]
            frame.plane_bytes[i] = (height - 1) * plane.strides[0] + width * pixel_bytes if plane.size > 0 else 0
        if crop is not None:
            frame.crop_x, frame.crop_y, frame.crop_width, frame.crop_height = crop
        return frame
