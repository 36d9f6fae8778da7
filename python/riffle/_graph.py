"""A network's graph as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from riffle import _tool
from riffle._pass import Node, Nodes, Pass


@dataclass(frozen=True)
class Graph:
    """A graph in riffle's textual form (`.rir`; docs/ir.md). `str(graph)` is the text."""

    text: str

    def run_passes(self, passes: str | Pass | Sequence[str | Pass] = "O2") -> Graph:
        """The graph after these passes: names of `riffle passes` with their options, separated by commas, or O0, O1, O2;
        passes of one's own (`Pass`); or a list of both. Raises Error for what is no pass, and for a graph of which one of
        one's own made no graph."""
        text = self.text
        for one in [passes] if isinstance(passes, (str, Pass)) else passes:
            if isinstance(one, Pass):
                nodes = Nodes(text)
                one.run(nodes)
                text, one = str(nodes), "dead-code"  # which verifies what it is given
            text = _tool.run(["opt", "-", f"--passes={one}"], text=text)
        return Graph(text)

    @property
    def nodes(self) -> list[Node]:
        """The nodes, in the order in which they are computed."""
        return Nodes(self.text).nodes

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"
