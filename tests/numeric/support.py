"""The riffle binary, raw float32 files, comparison, and targets: what tests and benchmarks share."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from part import FULL, part  # noqa: E402, F401 (for all who use this module)

EXAMPLES = ROOT / "examples"
SHARED = ROOT.parent / "shared"  # real weights, photos and reference logits; not part of the project
RIFFLE = os.environ.get("RIFFLE", str(ROOT / "build" / "release" / "riffle"))
TOLERANCE = 1e-4  # of the largest |value| expected
MOST_LOST = 0.03  # share of the time for which other programs may have the core while something is timed
SECONDS = 300  # a command that takes longer hangs

# What /proc/cpuinfo must list for code of a target to run here.
TARGET_FLAGS = {
    "x86-64": set(),
    "x86-64-v3": {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def processor_flags():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def lacking_flags(target):
    return sorted(TARGET_FLAGS[target] - processor_flags())


def best_target():
    return [target for target in TARGET_FLAGS if not lacking_flags(target)][-1]


# ---- riffle ----

def invoke(*arguments, cwd=None):
    """Runs riffle and returns the finished process, whatever its exit status."""
    words = [RIFFLE, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, cwd=cwd, timeout=SECONDS, check=False)


def riffle(*arguments, cwd=None, status=0):
    """Runs riffle, which must succeed, or end with the given status; returns its standard output."""
    done = invoke(*arguments, cwd=cwd)
    command = " ".join(["riffle", *map(str, arguments)])
    assert done.returncode == status, f"{command}\nexit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def riffle_json(*arguments, cwd=None):
    return json.loads(riffle(*arguments, "--json", cwd=cwd))


def verify(spec, *arguments):
    """`riffle verify` must succeed, and say that it compared at least one tensor on at least one input."""
    said = riffle("verify", spec, *arguments, "--tolerance", TOLERANCE)
    counts = re.search(r"^(\d+) of (\d+) tensors within 0\.0001 on (\d+) inputs?$", said, re.MULTILINE)
    assert counts, f"riffle verify did not say what it compared:\n{said}"
    good, compared, inputs = map(int, counts.groups())
    assert good == compared > 0 and inputs > 0


def spell(value):
    """A Python value as an expression of the language."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(spell, value)) + "]"
    return str(value)


def settings(**parameters):
    """--set options; the values are spelt in the language."""
    return [word for name, value in parameters.items() for word in ("--set", f"{name}={spell(value)}")]


def run_riffle(spec, options, inputs, shapes, folder, status=0):
    """Outputs of `riffle run` on arrays, as arrays of the given shapes; files are made in `folder`."""
    words = ["run", spec, *options]
    for index, array in enumerate(inputs):
        path = folder / f"input{index}.f32"
        np.ascontiguousarray(array, "<f4").tofile(path)
        words += ["--input", path]
    paths = [folder / f"output{index}.f32" for index in range(len(shapes))]
    for path in paths:
        words += ["--output", path]
    riffle(*words, status=status)
    return [read_floats(path, shape) for path, shape in zip(paths, shapes)]


# ---- numbers ----

def read_floats(path, shape=None):
    values = np.fromfile(path, "<f4")
    return values if shape is None else values.reshape(shape)


def write_weights(path, weights):
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in weights.items()}, str(path))


def almost_powers_of_two(random, shape, less=2**-14):
    """Powers of two less a part of them that a float32 loses of each when it holds thousands: all in one direction. One
    that holds hundreds is exact."""
    return (random.choice(np.float32([0.5, 1, 2]), shape) * (1 - less)).astype(np.float32)


def relative_error(got, expected):
    """Largest |difference| over the largest |expected|."""
    assert got.shape == expected.shape, f"shape {got.shape} is not {expected.shape}"
    scale = np.abs(expected).max()
    assert scale > 0 and np.isfinite(expected).all(), "the expected numbers themselves are zero or not finite"
    assert np.isfinite(got).all(), "not all numbers are finite"
    return float(np.abs(got.astype(np.float64) - expected).max() / scale)


def assert_close(got, expected, tolerance=TOLERANCE):
    error = relative_error(got, expected)
    assert error <= tolerance, f"error {error:.3g} of the largest value, allowed {tolerance:.3g}"


def softmax(logits):
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()
