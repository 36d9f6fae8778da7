"""Walks the kernel IR of a GPU network (`--emit kernels`) block by block, without numbers, and counts what the GPU would do.

All threads of a block go through the kernel together, as arrays of integers. The addresses are those of the kernel, so
that sectors, cache hits and bank conflicts are counted and not estimated. Which loads are under way together is told by
the loops of NAME.cu: the statements between two loops, and the steps that the compiler may unroll, are one *round*.
"""

import re
from dataclasses import dataclass, field

import numpy as np

THREADS, WARP, SECTOR, LINE = 256, 32, 32, 128
BANKS, FLOAT = 32, 4
REGISTERS_AHEAD = 64  # of a thread, for numbers that are on their way

STEP = re.compile(r"^step \d+ = (\w+)\((.*?)\) # (.*)$")
BUFFER = re.compile(r"^buffer (\d+) = (\w+) (\d+) bytes(?: at (\d+))?")
HEAD = re.compile(r"^kernel (\w+)\((.*)\) items (\d+) threads (\d+) as (\w+) \{$")
FOR = re.compile(r"^for (\w+) = (.*?) \.\. (.*?)(?: step (\d+))? \{$")
IF = re.compile(r"^if (.*?) < (.*) \{$")
LOAD = re.compile(r"^v\d+\.(\d+) = (load|broadcast) (\w+)\[(.*)\](?: lanes \d+\.\.\d+)?$")
STORE = re.compile(r"^store (\w+)\[(.*)\], v\d+\.(\d+) lanes")
OTHER = re.compile(r"^v\d+\.(\d+) = (\w+) ")
FREE = {"permute", "splat", "move"}  # names of registers


@dataclass
class Kernel:
    name: str
    parameters: list  # (role, name)
    items: int
    thread: str
    locals: dict  # name -> first float of the block's shared memory
    body: list
    shared_floats: int
    unrolls: list = field(default_factory=list)  # of its loops in the order of the text: 1, 4, or 0 for all


@dataclass
class Program:
    kernels: dict
    steps: list  # (kernel, [(buffer, offset)], label)
    buffers: dict  # number -> (kind, bytes, offset)
    phases: list  # how many steps each has


def parse_block(lines, at):
    """Statements as (kind, ...) until the closing brace; returns them and the line after it."""
    body = []
    while lines[at] != "}":
        line = lines[at]
        at += 1
        if match := FOR.match(line):
            inner, at = parse_block(lines, at)
            name, begin, end, step = match.groups()
            fixed = begin.isdigit() and end.isdigit()
            body.append(("for", name, code(begin), code(end), int(step or 1), inner, fixed))
        elif match := IF.match(line):
            inner, at = parse_block(lines, at)
            body.append(("if", code(f"({match.group(1)}) < ({match.group(2)})"), inner))
        elif line.startswith("let "):
            name, value = line[4:].split(" = ", 1)
            body.append(("let", name, code(value)))
        elif line == "barrier":
            body.append(("barrier",))
        elif match := LOAD.match(line):
            lanes = 1 if match.group(2) == "broadcast" else int(match.group(1))
            body.append(("load", match.group(3), code(match.group(4)), lanes))
        elif match := STORE.match(line):
            body.append(("store", match.group(1), code(match.group(2)), int(match.group(3))))
        elif match := OTHER.match(line):
            body.append(("compute", 0 if match.group(2) in FREE else int(match.group(1)), match.group(2)))
        else:
            raise ValueError(f"a statement that is not known: {line}")
    return body, at + 1


def code(expression):
    text = re.sub(r"\bmin\(", "minimum(", re.sub(r"\bmax\(", "maximum(", expression.replace("/", "//")))
    return compile(text, expression, "eval")


def read_program(rkir, source):
    """Of NAME.rkir, with the phases and the loops' pragmas of NAME.cu."""
    lines = [line.strip() for line in rkir.splitlines()]
    program = Program({}, [], {}, [])
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if match := BUFFER.match(line):
            program.buffers[int(match.group(1))] = (match.group(2), int(match.group(3)), int(match.group(4) or 0))
        elif match := STEP.match(line):
            arguments = [tuple(map(int, pair)) for pair in re.findall(r"buffer (\d+) \+ (\d+)", match.group(2))]
            program.steps.append((match.group(1), arguments, match.group(3)))
        elif match := HEAD.match(line):
            parameters = [tuple(word.split()[-2:]) for word in match.group(2).split(", ")]
            kernel = Kernel(match.group(1), parameters, int(match.group(3)), match.group(5), {}, [], 0)
            while shared := re.match(r"^(shared\d+) = (\d+) floats$", lines[at]):
                kernel.locals[shared.group(1)] = kernel.shared_floats
                kernel.shared_floats += int(shared.group(2))
                at += 1
            kernel.body, at = parse_block(lines, at)
            kernel.unrolls = loop_pragmas(source, kernel.name)
            program.kernels[kernel.name] = kernel
    for phase in re.findall(r"^static __device__ \w+ void phase_\d+\(.*?^\}", source, re.MULTILINE | re.DOTALL):
        program.phases.append(len(re.findall(r"\bkernel_\d+\(", phase)))
    assert sum(program.phases) == len(program.steps)
    return program


def loop_pragmas(source, name):
    body = re.search(rf"void {name}\(.*?\n\{{\n(.*?)\n\}}\n", source, re.DOTALL).group(1)
    found = []
    for before in re.findall(r"^ *(.*)\n *for \(", f"\n{body}", re.MULTILINE):
        unroll = re.match(r"#pragma unroll ?(\d*)", before)
        found.append(int(unroll.group(1) or 0) if unroll else 1)
    return found[1:]  # the first is that of the items


# ---- counting ----

@dataclass
class Counts:
    """Of one item, all warps together, but rounds: those of the warp that has the most."""
    instructions: int = 0  # of warps
    multiply_adds: int = 0
    wavefronts: int = 0  # of shared memory and of the first-level cache, a cycle each
    ideal_wavefronts: int = 0  # of the same shared accesses without conflicts
    shared_wavefronts: int = 0
    bytes: int = 0  # from the second-level cache
    bytes_written: int = 0
    far_rounds: int = 0  # that wait for the second level
    near_rounds: int = 0  # for the first level or shared memory
    barriers: int = 0


class Table:
    """A table of integers: reading an entry is a load, too, on which the load of the number waits."""

    def __init__(self, walk, base, numbers):
        self.walk, self.base, self.numbers = walk, base, numbers

    def __getitem__(self, index):
        index = np.broadcast_to(index, (THREADS,))
        mask = self.walk.mask
        self.walk.global_load(self.base + index, 1)
        self.walk.depth += 1
        return self.numbers[np.where(mask, index, 0)]


class Walk:
    def __init__(self, kernel, arguments, buffers, weights, item):
        self.kernel, self.counts = kernel, Counts()
        self.mask = np.ones(THREADS, bool)
        self.sectors = set()  # that the block has read
        self.far, self.near, self.ahead = False, False, 0  # of the round that is open
        self.depth = 0  # tables read in this statement
        self.unrolls = dict(enumerate(kernel.unrolls))
        self.loops = {}
        self.number_loops(kernel.body)
        self.environment = {"minimum": np.minimum, "maximum": np.maximum, "begin0": np.full(THREADS, item),
                            kernel.thread: np.arange(THREADS)}
        self.bases = {}
        for (role, name), (buffer, offset) in zip(kernel.parameters, arguments, strict=True):
            kind, _, begin = buffers[buffer]
            place = {"weights": 1 << 34, "workspace": 1 << 35, "input": 1 << 36, "output": 1 << 37}[kind] + begin // FLOAT + offset
            self.bases[name] = place
            if role == "table":
                self.environment[name] = Table(self, place, weights[offset:].view(np.int32).astype(np.int64))

    def number_loops(self, body):
        for statement in body:
            if statement[0] == "for":
                self.loops[id(statement)] = len(self.loops)
                self.number_loops(statement[5])
            elif statement[0] == "if":
                self.number_loops(statement[2])

    def value(self, expression):
        return np.broadcast_to(eval(expression, {}, self.environment), (THREADS,))  # noqa: S307

    # ---- memory ----

    def warps(self):
        return [slice(first, first + WARP) for first in range(0, THREADS, WARP) if self.mask[first:first + WARP].any()]

    def wavefronts(self, addresses, lanes):
        """(cycles, cycles without conflicts) of shared memory: so many neighbours at a time as fill all banks."""
        together = WARP // lanes
        taken = least = 0
        for warp in self.warps():
            for first in range(warp.start, warp.stop, together):
                some = np.unique(addresses[first:first + together][self.mask[first:first + together]])
                if some.size == 0:
                    continue
                words = (some[:, None] + np.arange(lanes)).ravel()
                words = np.unique(words)
                taken += int(np.bincount(words % BANKS).max())
                least += -(-words.size // BANKS)
        return taken, least

    def lines(self, addresses, lanes):
        """Cycles of the first-level cache: lines of each group of neighbours."""
        together, taken = WARP // lanes, 0
        for warp in self.warps():
            for first in range(warp.start, warp.stop, together):
                some = addresses[first:first + together][self.mask[first:first + together]]
                taken += np.unique(some * FLOAT // LINE).size
        return taken

    def global_load(self, addresses, lanes):
        if self.ahead + lanes > REGISTERS_AHEAD:
            self.end_round()
        self.ahead += lanes
        self.counts.instructions += len(self.warps())
        self.counts.wavefronts += self.lines(addresses, lanes)
        sectors = set(np.unique(addresses[self.mask] * FLOAT // SECTOR).tolist())
        if lanes > 1:
            sectors |= set(np.unique((addresses[self.mask] + lanes - 1) * FLOAT // SECTOR).tolist())
        new = sectors - self.sectors
        self.sectors |= sectors
        self.counts.bytes += len(new) * SECTOR
        self.far = self.far or bool(new)
        self.near = self.near or bool(sectors)

    def access(self, statement):
        kind, name, offset, lanes = statement
        self.depth = 0
        addresses = self.value(offset)
        for _ in range(self.depth):  # the entry of the table first
            self.end_round()
        if not self.mask.any():
            return
        if name in self.kernel.locals:
            taken, least = self.wavefronts(addresses + self.kernel.locals[name], lanes)
            self.counts.instructions += len(self.warps())
            self.counts.wavefronts += taken
            self.counts.shared_wavefronts += taken
            self.counts.ideal_wavefronts += least
            self.near = self.near or kind == "load"
        elif kind == "load":
            self.global_load(addresses + self.bases[name], lanes)
        else:
            places = addresses[self.mask] + self.bases[name]
            self.counts.instructions += len(self.warps())
            self.counts.wavefronts += self.lines(addresses + self.bases[name], lanes)
            self.counts.bytes_written += np.unique(places * FLOAT // SECTOR).size * SECTOR

    def end_round(self):
        self.counts.far_rounds += self.far
        self.counts.near_rounds += self.near and not self.far
        self.far, self.near, self.ahead = False, False, 0

    # ---- statements ----

    def run(self):
        self.block(self.kernel.body)
        self.end_round()
        return self.counts

    def block(self, body):
        for statement in body:
            kind = statement[0]
            if kind in ("load", "store"):
                self.access(statement)
            elif kind == "compute":
                count = statement[1] * len(self.warps())
                self.counts.instructions += count
                self.counts.multiply_adds += count if statement[2] == "multiply_add" else 0
            elif kind == "let":
                self.environment[statement[1]] = self.value(statement[2])
            elif kind == "barrier":
                self.end_round()
                self.counts.barriers += 1
            elif kind == "if":
                outer = self.mask
                self.mask = outer & self.value(statement[1])
                if self.mask.any():
                    self.block(statement[2])
                self.mask = outer
            else:
                self.loop(statement)

    def loop(self, statement):
        _, name, begin, end, step, body, fixed = statement
        outer, value = self.mask, self.value(begin).copy()
        trips = np.where(outer, np.maximum(0, -((value - self.value(end)) // step)), 0)
        most = int(trips.max(initial=0))
        unroll = self.kernel.unrolls[self.loops[id(statement)]] or most
        if fixed or unroll == 1:
            for trip in range(most):
                if trip % unroll == 0 and most > unroll:
                    self.end_round()
                self.step(name, value + trip * step, outer & (trip < trips), body)
        else:
            self.uneven_loop(statement, value, trips, unroll)
        if most > unroll or not fixed:
            self.end_round()
        self.environment.pop(name, None)
        self.mask = outer

    def uneven_loop(self, statement, value, trips, unroll):
        """The compiler takes `unroll` steps together and then what is left one by one, thread by thread."""
        name, step, body = statement[1], statement[4], statement[5]
        outer = self.mask
        for group in range(int((trips // unroll).max(initial=0))):
            self.end_round()
            for trip in range(group * unroll, (group + 1) * unroll):
                self.step(name, value + trip * step, outer & (group < trips // unroll), body)
        first = trips // unroll * unroll
        for rest in range(int((trips % unroll).max(initial=0))):
            if rest > 0 or trips.max() >= unroll:
                self.end_round()
            self.step(name, value + (first + rest) * step, outer & (rest < trips % unroll), body)

    def step(self, name, value, mask, body):
        if not mask.any():
            return
        self.environment[name] = value
        self.mask = mask
        self.block(body)
