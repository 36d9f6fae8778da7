#!/usr/bin/env python3
"""Counts what code for ARM does, without the hardware: how many instructions a run takes under qemu, by a plugin
that counts blocks, and how many cycles the busiest loops take in llvm-mca's models of processors.

    python tests/bench/arm.py                                   # ShuffleNet V2 1.0x for aarch64-linux-gnu
    python tests/bench/arm.py --cpu cortex-a55 --kernels
    python tests/bench/arm.py --cpu cortex-a76 --precision int8
    python tests/bench/arm.py --target armv7-linux-gnueabihf
    python tests/bench/arm.py --program ./other argument --macs 144907992

With --program, a program of another engine is counted in place of riffle's, from its start to its end.
"""

import argparse
import collections
import functools
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "arm"), str(HERE.parent / "numeric")]

from emulated import EMULATORS, Program, execute, tool  # noqa: E402
from support import EXAMPLES  # noqa: E402

PROCESSORS = {"aarch64": ["cortex-a55", "neoverse-n1"], "armv7": ["cortex-a7", "cortex-a15"]}
OBJDUMP, MCA = (tool(f"llvm-{name}-22", f"llvm-{name}") for name in ("objdump", "mca"))


@functools.cache
def build_plugins():
    """One for each version of the interface that a qemu may want, in a folder that stays until the end."""
    folder = tempfile.TemporaryDirectory(prefix="riffle-count-")
    plugins = []
    for version in (1, 4, 2, 6):
        plugins.append(Path(folder.name) / f"count{version}.so")
        execute("cc", "-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={version}", HERE / "count_instructions.c",
                "-o", plugins[-1])
    return folder, plugins


def count_blocks(emulator, program, folder):
    """{(address, instructions): runs} of one run. The first interface version that this qemu takes is found by trying."""
    out, failures = folder / "counts", []
    for plugin in build_plugins()[1]:
        try:
            execute(*emulator, "-plugin", f"{plugin},out={out}", *program)
        except AssertionError as fault:
            failures.append(str(fault))
            continue
        blocks = collections.Counter()
        for line in out.read_text().splitlines():
            address, instructions, runs = line.split()
            blocks[int(address, 16), int(instructions)] += int(runs)
        return blocks
    raise SystemExit("qemu takes no plugin:\n" + "\n".join(failures))


class Code:
    """Disassembled instructions: address -> (function, mnemonic, text), in order."""

    def __init__(self, path):
        self.instructions, function = {}, ""
        for line in execute(OBJDUMP, "-d", "--no-show-raw-insn", path).decode().splitlines():
            if head := re.match(r"[0-9a-f]+ <(.*)>:", line):
                function = head[1]
            elif entry := re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line):
                text = entry[2].split("//")[0].split(" @")[0].strip()
                self.instructions[int(entry[1], 16)] = (function, text.split()[0], text)
        self.addresses = sorted(self.instructions)
        self.place = {address: index for index, address in enumerate(self.addresses)}

    def block(self, address, count):
        start = self.place[address]
        return [self.instructions[place] for place in self.addresses[start:start + count]]


def is_ours(function):
    return re.match(r"(kernel_|step_|net_run)", function) is not None


def is_multiply_add(mnemonic):
    return mnemonic.startswith(("fmla", "fmls", "vmla.f32", "vfma.f32", "fmul", "vmul.f32", "sdot", "udot", "usdot", "sudot",
                                "smull", "smlal", "umull", "umlal", "mla"))


def kind(mnemonic):
    if is_multiply_add(mnemonic):
        return "multiply-adds"
    if mnemonic.startswith(("ld", "vld", "vldr", "vldm")):
        return "loads"
    if mnemonic.startswith(("st", "vst")):
        return "stores"
    if mnemonic.startswith("prf") or mnemonic == "pld":
        return "prefetches"
    if mnemonic.startswith("b") and mnemonic not in ("bic", "bif", "bit", "bsl") or mnemonic in ("cbz", "cbnz", "tbz", "tbnz"):
        return "branches"
    if re.match(r"(f|v|ucvtf|scvtf|ushll|sshll|sqx|uqx|xtn|addp|sadalp|saddl|uad|tbl)", mnemonic) or \
            mnemonic in ("dup", "ext", "mov.16b", "movi", "zip1", "zip2", "uzp1", "uzp2", "umax"):
        return "other vector"
    return "integer"


def report_kinds(blocks, code, macs, every):
    kinds, functions, total = collections.Counter(), collections.Counter(), 0
    for (address, count), runs in blocks.items():
        if address not in code.place:
            continue
        for function, mnemonic, _ in code.block(address, count):
            if every or is_ours(function):
                kinds[kind(mnemonic)] += runs
                functions[function] += runs
                total += runs
    print(f"instructions {total:,}; MACs {macs:,}; for each 4 MACs {total / (macs / 4):.3f}")
    for name, number in kinds.most_common():
        print(f"  {name:15} {number:12,}  {number / (macs / 4):.3f}")
    return functions


def report_functions(functions, description, macs):
    steps = {}
    for step in description["steps"]:
        steps.setdefault(step["kernel"], []).append(step["label"])
    for function, number in functions.most_common():
        print(f"  {number:10,} {number / (macs / 4):.3f} {function:12} {'; '.join(steps.get(function, [])[:2])}")


def busiest_loops(blocks, code, number):
    """The blocks that run most instructions in all, as lists of texts."""
    def is_loop(key):
        return key[0] in code.place and is_ours(code.block(*key)[0][0])

    best = sorted(filter(is_loop, blocks), key=lambda key: -key[1] * blocks[key])[:number]
    return [(blocks[key], code.block(*key)) for key in best]


def simulate(block, triple, processor, folder):
    """Cycles of a run of the block in a row of runs."""
    source = folder / "block.s"
    lines = [text for _, mnemonic, text in block if kind(mnemonic) != "branches"]
    source.write_text("\n".join(re.sub(r"<.*>", "", text) for text in lines) + "\n")
    said = execute(MCA, f"-mtriple={triple}", f"-mcpu={processor}", "-iterations=100", source).decode()
    return float(re.search(r"Total Cycles:\s+(\d+)", said)[1]) / 100


def report_loops(blocks, code, triple, folder):
    processors = PROCESSORS[triple.split("-")[0]]
    print("busiest loops: runs, instructions, multiply-adds; cycles of a run and multiply-adds a cycle on "
          + ", ".join(processors))
    for runs, block in busiest_loops(blocks, code, 5):
        products = sum(is_multiply_add(mnemonic) for _, mnemonic, _ in block)
        cycles = [simulate(block, triple, processor, folder) for processor in processors]
        print(f"  {block[0][0]:10} {runs:8,} {len(block):4} {products:4}  "
              + "  ".join(f"{number:6.1f} {products / number:.2f}" for number in cycles))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spec", nargs="?", default=EXAMPLES / "shufflenet_v2.rfl", type=Path)
    parser.add_argument("--target", default="aarch64-linux-gnu", choices=EMULATORS)
    parser.add_argument("--cpu")
    parser.add_argument("--precision", choices=["fp16", "int8"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--kernels", action="store_true", help="list the kernels by instructions")
    parser.add_argument("--program", nargs="+", help="count this program and its arguments")
    parser.add_argument("--macs", type=int, help="MACs of the program's network")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="riffle-arm-") as name:
        folder = Path(name)
        emulator = EMULATORS[options.target]
        if options.program:
            blocks = count_blocks(emulator, options.program, folder)
            report_kinds(blocks, Code(options.program[0]), options.macs, True)
            return
        precision = ["--precision", options.precision] if options.precision else []
        precision += ["--calibration", "random"] if options.precision == "int8" else []
        words = [options.spec, "--random-weights", 1, *(word for pair in options.set for word in ("--set", pair))]
        program = Program(options.target, folder, *words, *precision, *(["--cpu", options.cpu] if options.cpu else []))
        shapes = [tensor["shape"] for tensor in program.description["inputs"]]
        (folder / "request").write_bytes(
            program.request([np.random.default_rng(1).standard_normal(shape, np.float32) for shape in shapes]))
        blocks = count_blocks(emulator, [program.path, folder / "request", folder / "answer"], folder)
        code, macs = Code(program.path), program.description["totals"]["macs"]
        functions = report_kinds(blocks, code, macs, False)
        if options.kernels:
            report_functions(functions, program.description, macs)
        report_loops(blocks, code, options.target, folder)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    main()
