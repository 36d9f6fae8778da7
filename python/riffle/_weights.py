"""The weights of a library that was compiled with --weights-file: a file, mapped."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped, unused-ignore]

from riffle._diagnostics import Error

_ffi = cffi.FFI()


class Weights:
    """A file of weights, mapped read-only for as long as this object lives. The file may be replaced meanwhile by a rename;
    whoever writes into it changes what networks read."""

    __slots__ = ("_mapped", "address", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise Error(f"cannot map the weights '{path}': {error}") from error
        self.address = _ffi.from_buffer(self._mapped)

    def __len__(self) -> int:
        return len(self._mapped)

    @property
    def checksum(self) -> str:
        """The hash that the file's header has of its weights (docs/abi.md), as 16 hexadecimal digits."""
        return f"{int.from_bytes(self._mapped[32:40], 'little'):016x}"


def check_of(library: Any, ffi: Any, name: str) -> Any:
    """The function of a library that looks whether a file of weights is whole and its own; None where it has none."""
    ffi.cdef(f"int {name}_check_weights(const void *weights, size_t bytes);")
    return getattr(library, f"{name}_check_weights", None)
