"""The model of phases (tests/bench/cuda_phases.py): what it counts of kernels whose answers are known."""

import sys

import numpy as np
import pytest
from model import RIFFLE
from networks import path
from shim import HERE, call

sys.path.insert(0, str(HERE.parent / "bench"))

import cuda_phases  # noqa: E402
from kernel_walk import Walk, read_program  # noqa: E402

HEAD = """program walk for cuda-sm_90, workspace 0 bytes

buffer 0 = weights 4096 bytes # weights
buffer 1 = input 65536 bytes # x
buffer 2 = output 65536 bytes # y

step 0 = kernel_0(buffer 1 + 0, buffer 0 + 0, buffer 2 + 0) # one

kernel kernel_0(read input, table places, write output) items 2 threads 256 as thread2 {
  shared0 = 8192 floats
"""
SOURCE = """static __device__ __noinline__ void kernel_0(int first_item)
{{
    for (int item = first_item; item < 2; item += gridDim.x) {{
{}    }}
}}
static __device__ __forceinline__ void phase_0(struct Pointers p)
{{
    kernel_0(blockIdx.x);
}}
"""


def walk(body, pragmas=()):
    """What is counted of a kernel with these statements."""
    loops = "".join(f"        {pragma}\n        for (int x = 0; x < 1; x++) {{\n        }}\n" for pragma in pragmas)
    program = read_program(HEAD + body + "}\n", SOURCE.format(loops))
    kernel, arguments, _ = program.steps[0]
    return Walk(program.kernels[kernel], arguments, program.buffers, np.zeros(1024, "<f4"), 0).run()


def test_sectors_are_read_once():
    counts = walk("  v0.1 = load input[thread2] lanes 0..0\n  v1.1 = load input[thread2] lanes 0..0\n")
    assert counts.bytes == 256 * 4
    assert (counts.far_rounds, counts.near_rounds) == (1, 0)
    assert counts.instructions == 2 * 8 and counts.wavefronts == 2 * 8


@pytest.mark.parametrize("distance, conflicts", [(1, 1), (2, 2), (8, 8), (32, 32), (33, 1)])
def test_conflicts(distance, conflicts):
    counts = walk(f"  v0.1 = splat 0.0\n  store shared0[(thread2*{distance})], v0.1 lanes 0..0\n")
    assert counts.shared_wavefronts == 8 * conflicts and counts.ideal_wavefronts == 8


@pytest.mark.parametrize("distance, conflicts", [(4, 1), (8, 2), (32, 8), (36, 1)])
def test_conflicts_of_four_lanes(distance, conflicts):
    """Eight threads at a time."""
    counts = walk(f"  v0.4 = load shared0[(thread2*{distance})] lanes 0..3\n")
    assert counts.shared_wavefronts == 32 * conflicts and counts.ideal_wavefronts == 32


LOOP = "  for x3 = {} .. 8{} {{\n    v0.1 = load input[((x3*256) + thread2)] lanes 0..0\n  }}\n"


@pytest.mark.parametrize("begin, pragma, rounds", [
    ("0", "#pragma unroll", 1), ("0", "#pragma unroll 4", 2), ("0", "#pragma unroll 1", 8),
    ("(thread2 / 64)", "#pragma unroll 4", 2 + 3)])
def test_rounds(begin, pragma, rounds):
    """Loops whose trips differ from thread to thread end one by one."""
    assert walk(LOOP.format(begin, ""), [pragma]).far_rounds == rounds


def test_barriers_and_tables():
    counts = walk("  v0.1 = load input[thread2] lanes 0..0\n  barrier\n  v1.1 = load input[(places[(thread2 / 8)] + 4096)] lanes 0..0\n")
    assert (counts.far_rounds, counts.barriers) == (3, 1)


def test_network(tmp_path):
    """Every product of the network is counted, and a smaller GPU takes longer."""
    call([RIFFLE, "compile", path("digits/digits"), "--random-weights", 1, "--target", "cuda-sm_90", "--emit", "kernels", "-o",
          tmp_path], env={"NVCC": "none"})
    large, small = cuda_phases.Gpu(), cuda_phases.Gpu(multiprocessors=2)
    phases = cuda_phases.predict(tmp_path, large)
    row = cuda_phases.summary(phases, large)
    assert row["grid_barriers"] == len(phases) - 1 > 3
    assert row["bytes"] > 0 and row["shared_wavefronts"] >= row["ideal_wavefronts"] > 0
    assert cuda_phases.summary(cuda_phases.predict(tmp_path, small), small)["us"] > row["us"]
