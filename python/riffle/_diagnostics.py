"""What riffle says against what it was given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Diagnostic:
    """One message. Lines and columns count from 1, columns are bytes; they are None where there is no place."""

    severity: str
    """"error", "warning" or "note"."""
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    hint: str | None = None
    notes: tuple[Diagnostic, ...] = ()
    lines: str | None = None
    """What another program said, which riffle ran."""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        parts = [f"{place or 'riffle'}: {self.severity}: {self.message}"]
        if self.lines:
            parts.append(self.lines.rstrip("\n"))
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join([*parts, *map(str, self.notes)])


class Error(Exception):
    """What riffle refused, and why: `diagnostics` has each message with its place and hint."""

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class RiffleWarning(UserWarning):
    """A warning of riffle's about a model that it took."""


def _diagnostic(record: dict[str, Any]) -> Diagnostic:
    known: dict[str, Any] = {name: record.get(name) for name in Diagnostic.__dataclass_fields__}
    notes = tuple(_diagnostic({"severity": "note", **note}) for note in record.get("notes", []))
    return Diagnostic(**{**known, "notes": notes})


def read_diagnostics(text: str) -> tuple[tuple[Diagnostic, ...], str]:
    """The messages of riffle's standard error, an object a line, and the lines that are none."""
    found, others = [], []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict) and "severity" in record:
            found.append(_diagnostic(record))
        elif line:
            others.append(line)
    return tuple(found), "\n".join(others)
