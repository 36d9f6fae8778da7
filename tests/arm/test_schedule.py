"""Inner loops for cores that work in order: the machine code is the schedule, instruction for instruction, and its answers
are those of code that LLVM has ordered, bit for bit."""

import re

import numpy as np
import pytest
from emulated import Program, execute, missing, tool
from support import EXAMPLES, riffle

OBJDUMP = tool("llvm-objdump-22", "llvm-objdump")
TARGET = "aarch64-linux-gnu"
IN_ORDER = ["cortex-a53", "cortex-a55", "cortex-a510"]
BY_LLVM = "cortex-a35"  # of the same class, and without a row in cores.def: the same kernels, ordered by LLVM

# Pixels that are no multiple of a tile's, channels that are none of a vector's, strides, groups, dense 3x3, planar input.
NETWORK = """network layers {
    input image: f32[1, 3, 30, 30]
    x = image |> conv(24, 3, stride = 2, padding = 1) @ stem |> relu
    x = x |> conv(58, 1) @ wide |> relu
    y = x |> conv(60, 1, groups = 1) @ again |> depthwise(3, padding = 1) @ deep |> conv(36, 1, groups = 3) @ grouped
    z = x |> conv(20, 3, padding = 1) @ dense
    output result = concat(y, z) |> conv(29, 1) @ odd |> global_avg_pool |> linear(100) @ fc
}
"""

# An action of the schedule as the disassembler writes it; registers are named by kind and number.
FORMS = {
    "fmla": (r"fmla s(\d+) v(\d+) v(\d+)\[(\d)\]", "fmla {v:s0}.4s, {v:v1}.4s, {v:v2}.s[{3}]"),
    "load": (r"load v(\d+) p(\d+)\+(\d+)", "ldr {q:v0}, [{x:p1}{2}]"),
    "low": (r"low v(\d+) p(\d+)\+(\d+)", "ldr {d:v0}, [{x:p1}{2}]"),
    "high": (r"high i(\d+) p(\d+)\+(\d+)", "ldr {x:i0}, [{x:p1}{2}]"),
    "insert": (r"insert v(\d+) i(\d+)", "mov {v:v0}.d[1], {x:i1}"),
    "prefetch": (r"prefetch p(\d+)\+(\d+)", "prfm pldl2keep, [{x:p0}{1}]"),
    "count": (r"count (n)", "subs {x:n}, {x:n}, #step"),
    "next": (r"next i(\d+) p(\d+)\+(\d+)", "add {x:i0}, {x:p1}, #{2}"),
    "choose": (r"choose p(\d+) i(\d+)", "csel {x:p0}, {x:i1}, {x:p0}, gt"),
    "repeat": (r"(repeat)", "b.gt"),
}


def scheduled_loops(text):
    """By loop: the actions before it and of a round, as (word, operands)."""
    loops = []
    for line in text.splitlines():
        if re.match(r"loop \d+: ", line):
            loops.append([])
        elif loops and line.startswith("    "):
            for action in line.split(": ", 1)[1].split(", "):
                word = action.split()[0]
                loops[-1].append((word, re.fullmatch(FORMS[word][0], action).groups()))
    return loops


def instructions(code):
    said = execute(OBJDUMP, "-d", "--no-show-raw-insn", "--no-leading-addr", code).decode()
    lines = [line.strip().split("//")[0].strip() for line in said.splitlines() if line.startswith((" ", "\t"))]
    return [re.sub(r"\s+", " ", line) for line in lines]


def agrees(instruction, action, names):
    """Whether the instruction is that action; `names` says which register stands for which, and grows."""
    word, operands = action
    wanted = FORMS[word][1]
    if word in ("load", "low", "high", "prefetch"):
        offset = int(operands[-1])
        wanted = wanted.replace("{%d}" % (len(operands) - 1), f", #0x{offset:x}" if offset else "")
    elif word == "next":
        addend = int(operands[2])  # what is too large for the instruction lies in a register
        wanted = wanted.replace("#{2}", f"#0x{addend:x}" if addend < 4096 else "{x:k1}")
    elif word == "fmla":
        wanted = wanted.replace("{3}", operands[3])
    pattern, seen = "", []
    for part in re.split(r"(\{[a-z]:\w+\}|#step)", wanted):
        register = re.fullmatch(r"\{([a-z]):([svpink])(\d?)\}", part)
        if part == "#step":
            pattern += r"#0x[0-9a-f]+"
        elif register:
            bank, kind, place = register.groups()
            seen.append(kind + (operands[int(place)] if place else ""))
            pattern += bank + r"(\d+)"
        else:
            pattern += re.escape(part).replace("\\.4s", "\\.(?:4s|8h)").replace("\\.s\\[", "\\.[sh]\\[")
    found = re.match(pattern + (r" " if word == "repeat" else "$"), instruction)
    if not found:
        return False
    banks = ["v" if name[0] in "sv" else "x" for name in seen]
    for name, bank, number in zip(seen, banks, found.groups(), strict=True):
        if names.setdefault(name, bank + number) != bank + number:
            return False
    return len(set(names.values())) == len(names)


def place_of(loop, code):
    """Where in the code the loop stands."""
    for start in range(len(code) - len(loop) + 1):
        names = {}
        if all(agrees(code[start + i], action, names) for i, action in enumerate(loop)):
            return start
    raise AssertionError(f"no such code for the loop of {len(loop)} instructions that begins {loop[:3]}")


@pytest.fixture(name="network")
def write_network(tmp_path):
    path = tmp_path / "layers.rfl"
    path.write_text(NETWORK)
    return path


@pytest.mark.skipif(not OBJDUMP, reason="lacking llvm-objdump")
@pytest.mark.parametrize("processor, precision", [*((name, "fp32") for name in IN_ORDER), ("cortex-a55", "fp16")])
def test_code_is_the_schedule(processor, precision, network, tmp_path):
    riffle("compile", network, "--random-weights", 1, "--name", "net", "--target", TARGET, "--cpu", processor,
           "--precision", precision, "-o", tmp_path, "--emit", "o,schedule")
    loops = scheduled_loops((tmp_path / "net.schedule").read_text())
    assert len(loops) > 5
    code = instructions(tmp_path / "net.o")
    for loop in loops:
        place_of(loop, code)
    changed = [*loops[0]]
    changed[2], changed[3] = changed[3], changed[2]
    with pytest.raises(AssertionError):
        place_of(changed, code)


@pytest.mark.skipif(bool(missing(TARGET)), reason=missing(TARGET))
@pytest.mark.parametrize("processor, other, precision", [
    *((name, BY_LLVM, "fp32") for name in IN_ORDER), ("cortex-a55", "cortex-a510", "fp16")])
def test_answers(processor, other, precision, network, tmp_path):
    """The order of what is added to a sum is the same, so the bits are."""
    inputs = [np.random.default_rng(5).standard_normal((1, 3, 30, 30), np.float32)]
    answers = []
    for name in (processor, other):
        folder = tmp_path / name
        folder.mkdir()
        answers.append(Program(TARGET, folder, network, "--random-weights", 1, "--cpu", name,
                               "--precision", precision).run(inputs)[0])
    assert np.isfinite(answers[0]).all()
    assert answers[0].tobytes() == answers[1].tobytes()


@pytest.mark.skipif(bool(missing(TARGET)), reason=missing(TARGET))
def test_example(tmp_path):
    inputs = [np.random.default_rng(6).standard_normal((1, 3, 64, 64), np.float32)]
    answers = []
    for name in ("cortex-a55", BY_LLVM):
        folder = tmp_path / name
        folder.mkdir()
        program = Program(TARGET, folder, EXAMPLES / "shufflenet_v1.rfl", "--set", "size=(64, 64)", "--set", "width=0.5",
                          "--random-weights", 1, "--cpu", name)
        answers.append(program.run(inputs)[0].tobytes())
    assert answers[0] == answers[1]
