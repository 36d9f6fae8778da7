#!/usr/bin/env python3
"""What generated CUDA code takes of each architecture, by `nvcc -Xptxas -v`. As a program: the table of docs/cuda.md."""

import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "numeric")]

from model import write_sources  # noqa: E402
from shim import call, find_nvcc  # noqa: E402
from support import EXAMPLES, settings  # noqa: E402

# Name -> KiB of shared memory that a block can have, as the compiler itself believes.
GPUS = {row[0]: int(row[1]) for row in re.findall(
    r'^GPU\("cuda-\w+", "(sm_\d+)", \d+, "[^"]*", \d+, (\d+),', (ROOT / "backends" / "target" / "gpus.def").read_text(), re.MULTILINE)}
ARCHITECTURES = list(GPUS)
# By the CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
SHARED_KIB_LIMITS = {"sm_75": 64, "sm_80": 163, "sm_86": 99, "sm_87": 163, "sm_89": 99, "sm_90": 227,
                     "sm_100": 227, "sm_103": 227, "sm_110": 227, "sm_120": 99, "sm_121": 99}
SHARED_KIB_OF_MULTIPROCESSOR = {"sm_75": 64, "sm_80": 164, "sm_86": 100, "sm_87": 164, "sm_89": 100, "sm_90": 228,
                                "sm_100": 228, "sm_103": 228, "sm_110": 228, "sm_120": 100, "sm_121": 100}
REGISTERS_OF_MULTIPROCESSOR = 65536
SHARED_KIB_RESERVED = 1  # for each block

WARNINGS = ["-Werror", "all-warnings", "-Xcompiler", "-Wall,-Wextra,-Werror"]


@dataclass
class Resources:
    registers: int  # of a thread of the network's kernel, what it calls included
    threads: int
    static_bytes: int  # of shared memory
    dynamic_bytes: int
    stack_bytes: int  # the largest frame
    spill_bytes: int  # stored and loaded, of all functions
    functions: int

    def blocks(self, architecture):
        """That a multiprocessor holds at once, by registers and shared memory."""
        shared = self.static_bytes + self.dynamic_bytes + SHARED_KIB_RESERVED * 1024 * (architecture != "sm_75")
        by_registers = REGISTERS_OF_MULTIPROCESSOR // (self.threads * -(-self.registers // 8) * 8)
        return min(by_registers, SHARED_KIB_OF_MULTIPROCESSOR[architecture] * 1024 // max(shared, 1))


def compile_source(folder, architecture):
    """What nvcc prints for network.cu in the folder, which it must compile without a warning."""
    done = call([find_nvcc(), "-std=c++17", "-O3", f"-arch={architecture}", *WARNINGS, "-Xptxas", "-v", "-c", "network.cu",
                 "-o", f"network-{architecture}.o"], cwd=folder)
    return done.stderr


def numbers(pattern, text):
    return [int(each) for each in re.findall(pattern, text)]


def resources(folder, architecture):
    report = compile_source(folder, architecture)
    source = (Path(folder) / "network.cu").read_text()
    entries = re.findall(r"Compiling entry function '(\w+)'", report)
    assert len(entries) == 1, report
    return Resources(
        registers=max(numbers(r"Used (\d+) registers", report)),
        threads=int(re.search(r"__launch_bounds__\((\d+)", source).group(1)),
        static_bytes=sum(numbers(r"(\d+) bytes smem", report)),
        dynamic_bytes=int(re.search(r"SHARED_BYTES = (\d+)", source).group(1)),
        stack_bytes=max(numbers(r"(\d+) bytes stack frame", report)),
        spill_bytes=sum(numbers(r"(\d+) bytes spill (?:stores|loads)", report)),
        functions=len(numbers(r"(\d+) bytes stack frame", report)))


def main():
    rows = [(f"V2 {width}x", "shufflenet_v2", {"width": width}) for width in (0.5, 1.0, 1.5, 2.0)]
    rows.append(("V1 1.0x, g = 3", "shufflenet_v1", {"groups": 3}))

    def row(case):
        title, spec, parameters, architecture = case
        with tempfile.TemporaryDirectory(prefix="riffle-resources-") as folder:
            write_sources(EXAMPLES / f"{spec}.rfl", [*settings(**parameters), "--random-weights", 1], f"cuda-{architecture}",
                          folder)
            found = resources(folder, architecture)
        return (f"| {title} | `{architecture}` | {found.registers} | {found.dynamic_bytes / 1024:.1f} | "
                f"{found.blocks(architecture)} | {found.stack_bytes} | {found.spill_bytes} |")

    print("| network | architecture | registers | shared memory, KiB | blocks | stack, bytes | spilled, bytes |")
    print("|---|---|---:|---:|---:|---:|---:|")
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(row, [(*each, architecture) for each in rows for architecture in ARCHITECTURES]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
