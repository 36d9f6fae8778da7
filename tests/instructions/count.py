"""How many instructions a run of a small network takes: of x86-64 by the processor's trap flag, of ARM by qemu's blocks."""

import platform
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / room) for room in ("arm", "bench", "numeric"))]

from arm import Code, count_blocks, is_ours  # noqa: E402
from emulated import EMULATORS, Program, execute, missing  # noqa: E402
from kernels import network  # noqa: E402
from support import lacking_flags, processor_flags, riffle  # noqa: E402

X86, ARM = "x86_64-linux-gnu", "aarch64-linux-gnu"
# What a row of instructions.txt names: a processor, its target, and what a machine lacks to run its code.
PROCESSORS = {
    "x86-64-v3": (X86, lambda: lacking_flags("x86-64-v3")),
    "x86-64-v4": (X86, lambda: lacking_flags("x86-64-v4")),
    "icelake-server": (X86, lambda: sorted({"avx512_vnni"} - processor_flags())),
    "armv8-a": (ARM, lambda: missing(ARM)),
    "cortex-a55": (ARM, lambda: missing(ARM)),
    "cortex-a76": (ARM, lambda: missing(ARM)),
}


def lacks(processor):
    """What this machine lacks to count code of the processor, in words; "" when it can."""
    target, lacking = PROCESSORS[processor]
    if target == X86 and platform.machine() != "x86_64":
        return "x86-64"
    lacking = lacking()
    return lacking if isinstance(lacking, str) else ", ".join(lacking)


def count_traps(folder, words):
    riffle("compile", *words, "--target", X86, "--name", "net", "-o", folder)
    execute("cc", "-std=c11", "-O2", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-I", folder,
            HERE / "count_run.c", folder / "libnet.a", "-o", folder / "count_run")
    return int(execute(folder / "count_run"))


def count_emulated(folder, words):
    """Of the library alone: not of the program around it, which moves its input byte by byte."""
    program = Program(ARM, folder, *words)
    shapes = [tensor["shape"] for tensor in program.description["inputs"]]
    request, answer = folder / "request", folder / "answer"
    request.write_bytes(program.request([np.random.default_rng(1).standard_normal(shape, np.float32) for shape in shapes]))
    code, total = Code(program.path), 0
    for (address, instructions), runs in count_blocks(EMULATORS[ARM], [program.path, request, answer], folder).items():
        if address in code.place:
            total += runs * sum(is_ours(function) for function, _, _ in code.block(address, instructions))
    return total


def count(name, processor, precision, folder):
    """Instructions of one run of the kernel."""
    spec = folder / f"{name}.rfl"
    spec.write_text(network(name))
    words = [spec, "--random-weights", 1, "--cpu", processor, "--precision", precision]
    words += ["--calibration", "random"] if precision == "int8" else []
    return count_traps(folder, words) if PROCESSORS[processor][0] == X86 else count_emulated(folder, words)
