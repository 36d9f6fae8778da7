"""What a library does before and after its network: from pictures to inputs, from outputs to answers (docs/frames.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import Any

from riffle._answers import BestClasses, Box, Boxes
from riffle._diagnostics import Error
from riffle._frame import Mapping, Preparer
from riffle._tensor import Array, Tensor


class Support(ABC):
    """The part of `Network` that is about pictures and answers."""

    name: str

    def __init__(self, part: dict[str, Any]) -> None:
        self.inputs = tuple(Tensor.of_description(record) for record in part["inputs"])
        self.outputs = tuple(Tensor.of_description(record) for record in part["outputs"])
        self.labels: tuple[str, ...] = tuple(part.get("labels", ()))
        """The names of the classes, where the spec has them."""
        self._decoding: dict[str, Any] | None = part.get("answer")
        self._preparers: dict[str, Preparer] = {}
        self._best: BestClasses | None = None
        self._boxes: Boxes | None = None

    @abstractmethod
    def _open(self) -> str:
        """The path of the library, which this machine can run; Error where it cannot."""

    @abstractmethod
    def _meaning(self, status: int) -> str:
        """What a status of the library says."""

    def prepare(self, picture: Any, *, format: str | None = None, colour: str = "bt601_video",
                crop: Sequence[int] | None = None, input: str | None = None, out: Any = None) -> Array:
        """An input of the network, made of a picture of any size as the spec's pixels(...) says: cut out, resized and
        made numbers, equal to the bit to what `riffle run --image` does.

        `picture` is an array of uint8, (height, width, 3) of red, green and blue, (height, width, 4) with a fourth that is
        not read, or (height, width) of grey; or a picture of PIL. `format` names another order ("bgr", "bgra"), or that it
        is a list of planes of a camera ("nv12", "nv21", "i420"), where `colour` says what Y, U and V mean ("bt601_video",
        "bt601_full", "bt709_video", "bt709_full"). `crop` is the part to look at: (x, y, width, height). `input` names the
        input where there are several. `out` is the array (or the image of a batch: batch[i:i + 1]) to write to.

        Returns an array for one image. Raises TypeError, ValueError, or Error where the library has no such function."""
        return self.prepare_mapped(picture, format=format, colour=colour, crop=crop, input=input, out=out)[0]

    def prepare_mapped(self, picture: Any, *, format: str | None = None, colour: str = "bt601_video",
                       crop: Sequence[int] | None = None, input: str | None = None,
                       out: Any = None) -> tuple[Array, Mapping]:
        """The same, and where the image is in the picture: for networks that answer with places."""
        return self._preparer(input)(picture, format, colour, crop, out)

    def _preparer(self, name: str | None) -> Preparer:
        tensors = {tensor.name: tensor for tensor in self.inputs}
        if name is None and len(tensors) > 1:
            raise TypeError(f"{self.name} has the inputs {', '.join(tensors)}: name one with input=")
        name = name or self.inputs[0].name
        if name not in tensors:
            raise TypeError(f"{self.name} has the inputs {', '.join(tensors)}, and no '{name}'")
        if name not in self._preparers:
            self._preparers[name] = Preparer(self._open(), self.name, tensors[name], self._meaning)
        return self._preparers[name]

    def top(self, scores: Array, most: int = 5) -> list[tuple[int, float]]:
        """The best classes of one image with their probabilities, the best first: what `riffle run --top` prints, to the
        bit. `scores` is the first output, for one image; classes whose number is NaN are left out.

        Raises TypeError, ValueError, or Error where the first output is not one number for each class."""
        if self._best is None:
            self._best = BestClasses(self._open(), self.name, self.outputs[0], self._meaning)
        return self._best(scores, most)

    def find(self, outputs: Array | Dictionary[str, Array], mapping: Mapping | None = None, *, threshold: float = 0.5,
             overlap: float = 0.45, across_classes: bool = False, most: int = 100) -> list[Box]:
        """The boxes that the outputs for one image say, the best first, as the spec's answer decodes them: what `riffle
        run` prints, to the bit.

        `outputs` is what a call returned; of a batch, one image: `{name: array[i:i + 1] for name, array in ...}`. With the
        `mapping` of `prepare_mapped` boxes are in pixels of the picture, else in those of the input. Left out are boxes
        whose score is less than `threshold`, and those that share more than `overlap` of the union with a better one of
        their class, or of any class.

        Raises TypeError, ValueError, or Error where the network has no answer."""
        if self._boxes is None:
            if self._decoding is None:
                raise Error(f"{self.name} has no answer: its spec does not say what boxes its outputs are")
            self._boxes = Boxes(self._open(), self.name, self._decoding, self.outputs, self._meaning)
        return self._boxes(outputs, mapping, threshold, overlap, across_classes, most)
