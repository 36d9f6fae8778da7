"""Passes in Python: they rewrite the nodes of a graph's text (docs/ir.md), which riffle then reads and verifies."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from riffle._diagnostics import Error

Attribute = int | float | str | list[int | float]

_TOKEN = re.compile(r'\s*(@?"(?:[^"\\]|\\.)*"|[{}\[\](),:=]|[^\s{}\[\](),:="]+)')
_OPENING, _CLOSING = ("{", "[", "("), ("}", "]", ")")
_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")


@dataclass
class Node:
    """A node, as its line of the text says it."""

    results: list[str]
    """The values that it computes: "%1", "%keep"."""
    op: str
    """A name of `riffle ops`."""
    operands: list[str] = field(default_factory=list)
    weights: dict[str, str] = field(default_factory=dict)
    """By what they are to the op: {"weight": "@conv1.0.weight"}."""
    attributes: dict[str, Attribute] = field(default_factory=dict)
    """Numbers, lists of numbers, and words or formulas as text; those with their default value are left out."""
    types: list[str] = field(default_factory=list)
    """Of the results: "f32[1,24,8,8]". riffle infers them again, and refuses others."""
    path: str = ""
    """The layer's path in the network, in quotes; or nothing."""
    names: dict[str, str] = field(default_factory=dict)
    """Names of numbered results for people, in quotes."""

    def __str__(self) -> str:
        results = ", ".join(f"{value} {self.names[value]}" if value in self.names else value for value in self.results)
        words = [f"{results} = {self.op}"]
        if self.operands:
            words.append(", ".join(self.operands))
        words += [f"{role}={path}" for role, path in self.weights.items()]
        if self.attributes:
            words.append("{" + ", ".join(f"{name} = {_spell(value)}" for name, value in self.attributes.items()) + "}")
        words.append(": " + ", ".join(self.types))
        return "  " + " ".join([*words, *([self.path] if self.path else [])])


class Nodes:
    """The nodes of a graph, each after those whose values it reads; what else the text has stays as it is."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        self.nodes = [_Line(line).node() for line in lines if line.startswith("  %")]
        first = next((index for index, line in enumerate(lines) if line.startswith("  %")), len(lines))
        self._made = 0
        self._before, self._after = lines[:first], [line for line in lines[first:] if not line.startswith("  %")]

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __str__(self) -> str:
        return "\n".join([*self._before, *map(str, self.nodes), *self._after, ""])

    def producer(self, value: str) -> Node | None:
        """The node that computes the value; None for an input."""
        return next((node for node in self.nodes if value in node.results), None)

    def readers(self, value: str) -> list[Node]:
        """The nodes that read it."""
        return [node for node in self.nodes if value in node.operands]

    def is_output(self, value: str) -> bool:
        """Whether an output of the graph is this value."""
        return any(re.match(rf"\s*output .*= {re.escape(value)}(?![\w])", line) for line in self._after)

    def new_value(self) -> str:
        """A name that no value has yet."""
        text = str(self)
        while True:
            self._made += 1
            value = f"%made{self._made}"
            if not re.search(rf"{value}\b", text):
                return value

    def replace(self, value: str, other: str) -> None:
        """Whoever reads the value, also an output, reads the other one from now on."""
        for node in self.nodes:
            node.operands = [other if operand == value else operand for operand in node.operands]
        self._after = [re.sub(rf"(output .*= ){re.escape(value)}(?!\w)", lambda found: found.group(1) + other, line)
                       for line in self._after]


class Pass(ABC):
    """A pass of one's own: `graph.run_passes([MyPass(), "O2"])`, `model.rewritten(MyPass())`.

        class SiluOfSigmoid(riffle.Pass):
            def rewrite(self, node, nodes):
                gate = nodes.producer(node.operands[1]) if node.op == "multiply" else None
                if gate and gate.op == "sigmoid" and gate.operands == node.operands[:1]:
                    return [riffle.Node(node.results, "silu", gate.operands, types=node.types)]

    Nodes whose values nobody reads any more are removed afterwards."""

    @abstractmethod
    def rewrite(self, node: Node, nodes: Nodes) -> Sequence[Node] | str | None:
        """Called for each node, in order. Returns None where it stays; or the nodes that stand in its place, of which one
        computes the same results; or the name of a value that is read instead of its only result."""

    def run(self, nodes: Nodes) -> int:
        """Rewrites what there is; returns how many nodes were replaced."""
        count = 0
        for node in list(nodes.nodes):
            made = self.rewrite(node, nodes)
            if made is None:
                continue
            index = next(place for place, other in enumerate(nodes.nodes) if other is node)
            nodes.nodes[index:index + 1] = [] if isinstance(made, str) else made
            if isinstance(made, str):
                nodes.replace(node.results[0], made)
            count += 1
        return count


class _Line:
    """A node's line, read from left to right."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._tokens = _TOKEN.findall(line)
        self._at = 0

    def node(self) -> Node:
        node = Node([], "")
        while self._peek() != "=":
            value = self._next()
            node.results.append(value)
            if self._peek().startswith('"'):
                node.names[value] = self._next()
            self._skip(",")
        self._next()
        node.op = self._next()
        while self._peek().startswith("%"):
            node.operands.append(self._next())
            self._skip(",")
        while self._peek(1) == "=":
            role, _, path = self._next(), self._next(), self._next()
            node.weights[role] = path
        if self._skip("{"):
            while not self._skip("}"):
                name, _ = self._next(), self._next()
                node.attributes[name] = self._attribute(self._until(",", "}"))
                self._skip(",")
        if not self._skip(":"):
            raise self._fault()
        while self._peek() and not self._peek().startswith('"'):
            node.types.append("".join(self._until(",", '"')))
            self._skip(",")
        node.path = self._peek()
        return node

    def _attribute(self, tokens: list[str]) -> Attribute:
        try:
            return _read(tokens)
        except (IndexError, ValueError) as error:
            raise self._fault() from error

    def _fault(self) -> Error:
        return Error(f"no node of a graph: {self._line.strip()}")

    def _peek(self, ahead: int = 0) -> str:
        return str(self._tokens[self._at + ahead]) if self._at + ahead < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise self._fault()
        self._at += 1
        return token

    def _skip(self, token: str) -> bool:
        found = self._peek() == token
        self._at += found
        return found

    def _until(self, *ends: str) -> list[str]:
        """The tokens before one of the ends (or what begins with a quote), outside of brackets."""
        found: list[str] = []
        depth = 0
        while self._peek() and (depth > 0 or not (self._peek() in ends or self._peek()[0] in ends)):
            depth += (self._peek() in _OPENING) - (self._peek() in _CLOSING)
            found.append(self._next())
        return found


def _read(tokens: list[str]) -> Attribute:
    if tokens[0] == "[":
        numbers: list[int | float] = []
        for token in tokens[1:-1]:
            ends = _RANGE.fullmatch(token)
            if ends:
                numbers += range(int(ends[1]), int(ends[2]) + 1)
            elif token != ",":
                numbers.append(_number(token))
        return numbers
    if len(tokens) == 1 and re.fullmatch(r"[-+]?\d.*", tokens[0]):
        return _number(tokens[0])
    return " ".join(tokens).replace(" ,", ",").replace("( ", "(").replace(" )", ")").replace(" (", "(")


def _number(token: str) -> int | float:
    return int(token) if re.fullmatch(r"[-+]?\d+", token) else float(token)


def _spell(value: Attribute) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, list) else str(value)
