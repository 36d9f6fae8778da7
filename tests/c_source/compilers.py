"""The C compilers of this machine, and how sources are compiled with them."""

import shutil
import subprocess

from support import riffle

WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Wshadow", "-Werror"]
CLANGS = [*(f"clang-{version}" for version in range(29, 13, -1)), "clang"]  # the newest

# Bytes of pictures, of which a row is no whole number of vectors.
PICTURES = """network net {
    input image: u8[1, 3, 9, 23] nhwc = pixels(rgb, scale = 1 / 255, mean = [0.485, 0.456, 0.406], std = [0.2, 0.3, 0.25])
    output logits = image |> conv(20, 3, stride = 2, padding = 1) @ a |> relu |> flatten |> linear(10) @ b
    input grey: u8[2, 1, 7, 2] nhwc = pixels(scale = 1 / 128, mean = 1)
    output y = grey |> conv(5, 3, padding = [0, 1, 2, 1]) @ c
    input four: u8[1, 4, 6, 17] nhwc = pixels(scale = 1 / 64, mean = 2)
    output z = four
}
"""


def first(*names):
    return next(([name] for name in names if shutil.which(name)), None)


GCC, CLANG = first("gcc"), first(*CLANGS)
NATIVE = [compiler for compiler in (GCC, CLANG) if compiler]


def cross(triple, gcc, *flags):
    """Compilers for another machine: gcc by its name, clang by its option."""
    found = [[gcc, *flags]] if shutil.which(gcc) else []
    if found and CLANG:  # clang uses the headers that came with gcc
        found.append([*CLANG, f"--target={triple}", *flags])
    return found


AARCH64 = cross("aarch64-linux-gnu", "aarch64-linux-gnu-gcc")
ARMV7 = cross("armv7-linux-gnueabihf", "arm-linux-gnueabihf-gcc", "-mfpu=neon-vfpv4")

# Target -> compilers that make code for it.
TARGETS = {"generic": NATIVE, "x86-64": NATIVE, "x86-64-v3": NATIVE, "x86-64-v4": NATIVE,
           "armv8-a": AARCH64, "armv7-a": ARMV7}


def run(*words, cwd=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=cwd, timeout=600,
                          check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-3000:]}{done.stderr[-5000:]}"
    return done.stdout + done.stderr


def make_source(spec, target, folder, *options, name="net"):
    riffle("compile", spec, *options, "--name", name, "--target", target, "--backend", "c", "-o", folder)
