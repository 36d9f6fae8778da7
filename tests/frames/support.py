"""What the tests of frames and answers share. RIFFLE names the riffle program."""

import ctypes
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RIFFLE = os.environ["RIFFLE"]
HAS_LLVM = "without LLVM" not in subprocess.run([RIFFLE, "--version"], capture_output=True, text=True, check=True).stdout
LIBRARY_OF_C = ["--backend", "c", "--cc", "cc"]
BACKENDS = {"c": LIBRARY_OF_C, **({"machine": [], "levels": ["--target", "x86-64-multi"]} if HAS_LLVM else {})}
NULL_POINTER = 1


def run(*words, statuses=(0,)):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode in statuses, done.stderr
    return done.stdout


def load(folder, name):
    """The library that was compiled there, in this process."""
    run("cc", "-shared", "-o", folder / "lib.so", "-Wl,--whole-archive", folder / f"lib{name}.a", "-Wl,--no-whole-archive",
        "-lm")
    return ctypes.CDLL(str(folder / "lib.so"))
