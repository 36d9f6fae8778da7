#!/usr/bin/env python3
"""Predicts what each phase of a GPU network takes, from the kernels that riffle emits; no GPU is needed.

    cuda_phases.py [--machine-code] [--phases] [--json FILE] [FOLDER...]

FOLDER holds NAME.cu, NAME.rkir and NAME_weights.bin, by `riffle compile --target cuda-sm_NN --emit kernels`. Without one,
the networks of docs/cuda.md are compiled ($RIFFLE names the compiler) at batch 1 and 8. A row a network: time, rounds of
loads that wait for one another, bytes, conflicts, barriers. The numbers of kernel_walk.py are counted; the microseconds
come from the constants below, which were read in others' measurements of an H200 and not measured here: wrong by a
quarter, and good for comparing one compiler with the next.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "cuda"), str(HERE.parent / "numeric")]

from kernel_walk import Counts, Walk, read_program  # noqa: E402

CASES = [("V2 0.5x", "shufflenet_v2", {"width": 0.5}), ("V2 1.0x", "shufflenet_v2", {"width": 1.0}),
         ("V1 g=3", "shufflenet_v1", {"groups": 3})]
BATCHES = [1, 8]
BLOCKS_PER_MULTIPROCESSOR = 2


@dataclass(frozen=True)
class Gpu:
    """An H200. Cycles, but where another unit is named."""
    gigahertz: float = 1.755
    multiprocessors: int = 132
    far: int = 330  # from a load to its number in the second-level cache
    near: int = 35  # in the first level or shared memory
    issued: int = 4  # instructions of warps a cycle
    bytes: int = 24  # from the second level, a cycle and multiprocessor when all ask
    block_barrier: int = 40
    item: int = 350  # places of the block and its threads, the call, the last stores
    overlap: float = 0.8  # of the work that does not hide in waiting
    grid_barrier_us: float = 1.25
    launch_us: float = 4.0


@dataclass
class Phase:
    label: str
    items: int
    microseconds: float
    counts: Counts  # of all items; rounds and barriers of the longest block


def item_counts(program, step, weights, item):
    kernel, arguments, _ = program.steps[step]
    return Walk(program.kernels[kernel], arguments, program.buffers, weights, item).run()


def waiting(counts, gpu):
    return gpu.item + counts.far_rounds * gpu.far + counts.near_rounds * gpu.near + counts.barriers * gpu.block_barrier


def working(counts, gpu):
    """Cycles in which a multiprocessor does nothing else."""
    return max(counts.instructions / gpu.issued, counts.wavefronts, counts.bytes / gpu.bytes)


def predict_phase(program, steps, weights, grid, gpu, known):
    """Block b does items b, b + grid, ... of all steps in a row, and lies on multiprocessor b % multiprocessors."""
    waits, works = np.zeros(grid), np.zeros(gpu.multiprocessors)
    total, longest, before, all_items = Counts(), Counts(), 0, 0
    for step in steps:
        kernel, arguments, _ = program.steps[step]
        items = program.kernels[kernel].items
        if kernel not in known:  # the middle stands for all
            known[kernel] = item_counts(program, step, weights, items // 2)
        counts = known[kernel]
        for item in range(before, before + items):
            waits[item % grid] += waiting(counts, gpu)
            works[item % grid % gpu.multiprocessors] += working(counts, gpu)
        for name, value in asdict(counts).items():
            setattr(total, name, getattr(total, name) + value * items)
            each = value * -(-items // grid)
            setattr(longest, name, max(getattr(longest, name), each))
        before += items
        all_items += items
    total.far_rounds, total.near_rounds, total.barriers = longest.far_rounds, longest.near_rounds, longest.barriers
    cycles = max(waits[block] + gpu.overlap * works[block % gpu.multiprocessors] for block in range(grid))
    return Phase(program.steps[steps[0]][2], all_items, cycles / gpu.gigahertz / 1000, total)


def predict(folder, gpu):
    """All phases of the network in the folder."""
    (rkir,) = Path(folder).glob("*.rkir")
    source = rkir.with_suffix(".cu").read_text()
    program = read_program(rkir.read_text(), source)
    weights = np.fromfile(rkir.with_name(f"{rkir.stem}_weights.bin"), "<f4")
    most = int(re.search(r"MOST_ITEMS = (\d+)", source).group(1))
    grid = min(most, gpu.multiprocessors * BLOCKS_PER_MULTIPROCESSOR)
    phases, first, known = [], 0, {}
    for count in program.phases:
        phases.append(predict_phase(program, range(first, first + count), weights, grid, gpu, known))
        first += count
    return phases


def summary(phases, gpu):
    total = {name: sum(getattr(phase.counts, name) for phase in phases) for name in asdict(Counts())}
    total["phases_us"] = sum(phase.microseconds for phase in phases)
    total["grid_barriers"] = len(phases) - 1
    total["us"] = total["phases_us"] + (len(phases) - 1) * gpu.grid_barrier_us + gpu.launch_us
    return total


# ---- machine code ----

MIX = {"FFMA": r"FFMA", "FADD": r"FADD", "LDG": r"LDG", "LDG.128": r"LDG\..*128", "LD generic": r"LD\.", "ST generic": r"ST\.",
       "LDS": r"LDS", "STS": r"STS", "spilled": r"(?:LDL|STL)", "BAR": r"BAR", "MEMBAR": r"MEMBAR", "BRA": r"BRA"}


def machine_code(folder, architecture):
    """How many instructions of each kind nvcc makes; None without nvcc or nvdisasm."""
    from shim import call, find_nvcc  # noqa: PLC0415
    nvcc = find_nvcc()
    disassembler = os.environ.get("NVDISASM") or (nvcc and nvcc.with_name("nvdisasm"))
    if nvcc is None or not os.access(disassembler, os.X_OK):
        return None
    (source,) = Path(folder).glob("*.cu")
    with tempfile.TemporaryDirectory() as scratch:
        cubin = Path(scratch) / "network.cubin"
        call([nvcc, "-std=c++17", "-O3", f"-arch={architecture}", "-cubin", source, "-o", cubin])
        lines = call([disassembler, "-c", cubin]).stdout.splitlines()
    words = [match.group(1) for line in lines if (match := re.match(r"\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+ )?([A-Z0-9_.]+)", line))]
    return {"instructions": len(words)} | {name: sum(bool(re.match(rf"{pattern}", word)) for word in words)
                                           for name, pattern in MIX.items()}


# ---- the program ----

def compile_cases(folder, architecture):
    from support import settings  # noqa: PLC0415
    found = []
    for batch in BATCHES:
        for title, spec, parameters in CASES:
            made = Path(folder) / f"{title.replace(' ', '-')}-{batch}"
            subprocess.run([os.environ.get("RIFFLE", "riffle"), "compile", ROOT / "examples" / f"{spec}.rfl", "--random-weights", "1",
                            *settings(**parameters, batch=batch), "--target", f"cuda-{architecture}", "--name", "network",
                            "--emit", "kernels", "-o", made], check=True, env={**os.environ, "NVCC": "none"},
                           stderr=subprocess.DEVNULL)
            found.append((f"{title}, batch {batch}", made))
    return found


def print_phases(phases):
    for number, phase in enumerate(phases):
        counts = phase.counts
        print(f"  {number:3} {phase.label[:50]:50} items {phase.items:5} {phase.microseconds:6.2f} us, rounds {counts.far_rounds:3} far "
              f"{counts.near_rounds:3} near, {counts.bytes / 1e6:7.2f} MB, conflicts "
              f"{counts.shared_wavefronts / max(counts.ideal_wavefronts, 1):4.2f}, barriers {counts.barriers}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--arch", default="sm_90", help="for networks that are compiled here (default: %(default)s)")
    parser.add_argument("--phases", action="store_true", help="print each phase")
    parser.add_argument("--machine-code", action="store_true", help="count instructions, too, by nvcc and nvdisasm ($NVDISASM)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    arguments = parser.parse_args()
    gpu, rows = Gpu(), {}
    with tempfile.TemporaryDirectory(prefix="riffle-phases-") as scratch:
        cases = [(folder.name, folder) for folder in arguments.folders] or compile_cases(scratch, arguments.arch)
        print(f"{'network':18}{'us':>7}{'phases':>8}{'far':>6}{'near':>6}{'MB':>8}{'instr. M':>10}{'shared M':>10}{'conflicts':>10}"
              f"{'block b.':>9}{'grid b.':>8}")
        for title, folder in cases:
            phases = predict(folder, gpu)
            row = rows[title] = summary(phases, gpu)
            print(f"{title:18}{row['us']:7.1f}{row['phases_us']:8.1f}{row['far_rounds']:6}{row['near_rounds']:6}"
                  f"{row['bytes'] / 1e6:8.1f}{row['instructions'] / 1e6:10.2f}{row['shared_wavefronts'] / 1e6:10.2f}"
                  f"{row['shared_wavefronts'] / row['ideal_wavefronts']:10.2f}{row['barriers']:9}{row['grid_barriers']:8}", flush=True)
            if arguments.phases:
                print_phases(phases)
            if arguments.machine_code:
                row["machine_code"] = machine_code(folder, arguments.arch)
                print(f"  {row['machine_code'] or 'no nvcc or nvdisasm'}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
