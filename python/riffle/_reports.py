"""What riffle finds out about a model, as objects that notebooks show as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "x".join(map(str, value))
    return str(value)


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def line(tag: str, cells: Iterable[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line("td", map(_cell, row)) for row in rows)
    return f"<table><thead>{line('th', columns)}</thead><tbody>{body}</tbody></table>"


def _text_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells)


@dataclass(frozen=True)
class Inspection:
    """What `riffle inspect` counts. `layers` has for each its name, op, shape, parameters, macs (multiply-accumulates)
    and bytes (moved); `totals` has the sums; `inputs` and `outputs` their names and shapes; `estimated_time` is what a
    processor should take, where one was named: cycles, microseconds, and `steps` with a record for each."""

    name: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    layers: list[dict[str, Any]]
    totals: dict[str, int]
    estimated_time: dict[str, Any] | None = None

    _COLUMNS = ("name", "op", "shape", "parameters", "macs", "bytes")

    def _rows(self) -> list[list[Any]]:
        rows = [[layer[column] for column in self._COLUMNS] for layer in self.layers]
        return [*rows, ["total", "", "", *(self.totals[column] for column in self._COLUMNS[3:])]]

    def __str__(self) -> str:
        return _text_table(self._COLUMNS, self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._COLUMNS, self._rows())


class Benchmark(dict[str, Any]):
    """What `riffle bench --json` measured, by its names: median_ms, min_ms, p95_ms, runs, gflops and others."""

    def __str__(self) -> str:
        return _text_table(("measured", "value"), self.items())

    def _repr_html_(self) -> str:
        return html_table(("measured", "value"), self.items())


@dataclass(frozen=True)
class Verification:
    """What `riffle verify` compared: compiled code with the interpreter, and found within the tolerance."""

    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"
