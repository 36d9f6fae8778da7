"""A network's graph as text."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from riffle import _tool


@dataclass(frozen=True)
class Graph:
    """A graph in riffle's textual form (`.rir`; docs/ir.md). `str(graph)` is the text."""

    text: str

    def run_passes(self, passes: str = "O2") -> Graph:
        """The graph after these passes: names of `riffle passes` with their options, separated by commas, or O0, O1, O2.
        Raises Error for what is no pass."""
        return Graph(_tool.run(["opt", "-", f"--passes={passes}"], text=self.text))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"
