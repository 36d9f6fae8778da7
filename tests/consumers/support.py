"""What the consumer tests share. They need nothing but Python's own library, a C compiler and CMake.

RIFFLE names the riffle program, RIFFLE_PACKAGE the prefix under which lib/cmake/riffle lies."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from part import part  # noqa: E402, F401 (for all who use this module)

HERE = Path(__file__).resolve().parent
sys.path.append(str(ROOT / "tests"))

from this_build import settings_of_this_build  # noqa: E402, F401 (for all who use this module)

RIFFLE = os.environ.get("RIFFLE", str(ROOT / "build" / "release" / "riffle"))
PACKAGE = os.environ.get("RIFFLE_PACKAGE", str(Path(RIFFLE).parent))
TINY = HERE / "tiny.rfl"
SHUFFLENET = ROOT / "examples" / "shufflenet_v2.rfl"
SECONDS = 600


def run(*words, cwd=None, env=None):
    """Runs a command, which must succeed; returns its standard output."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, timeout=SECONDS, check=False,
                          env=None if env is None else {**os.environ, **env})
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}\nexit status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
    return done.stdout


def compile_network(spec, folder, *options, seed=1, cwd=None):
    return run(RIFFLE, "compile", spec, "--random-weights", seed, "-o", folder, *options, cwd=cwd)


def totals(spec, *options):
    return json.loads(run(RIFFLE, "inspect", spec, "--json", *options))["totals"]


def available(*programs):
    """Those of the programs that can be run."""
    found = []
    for program in programs:
        try:
            subprocess.run([program, "--version"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        found.append(program)
    return found


def read_floats(path):
    data = Path(path).read_bytes()
    return struct.unpack(f"<{len(data) // 4}f", data)


def write_floats(path, numbers):
    Path(path).write_bytes(struct.pack(f"<{len(numbers)}f", *numbers))


if "without LLVM" in run(RIFFLE, "--version"):
    print("skipped: this riffle has no LLVM")
    sys.exit(0)
