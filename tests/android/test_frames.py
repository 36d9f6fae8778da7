"""The example's frames in a Java machine: the planes of an Image, and hardware buffers, whose class and functions a
stand-in for Android has; the answers are those of riffle run."""

import os
import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

from jdk import HOME
from ndk import DIGITS, EXAMPLE, HERE, RIFFLE, run

STANDIN = HERE / "standin"
WIDTH, HEIGHT = 53, 36
ROWS = "IllegalArgumentException: a plane of the frame has too few bytes, in a row or in all"
SAID = f"""\
{ROWS}
IllegalArgumentException: y, u and v must be direct buffers
IllegalArgumentException: scores must have 10 numbers
NullPointerException: buffer must not be null
IllegalArgumentException: the buffer's format is neither RGBA_8888, RGBX_8888 nor YCBCR_420_888
IllegalArgumentException: the buffer cannot be read by the processor
{ROWS}
locks: 0
"""


class Frames(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-android-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def build(self, name, *sources):
        compiler = os.environ.get("CC", "cc")
        include = HOME / "include"
        run(compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fPIC", "-shared", "-I", include, "-I",
            include / "linux", "-I", STANDIN, "-I", self.folder, *sources, "-Wl,--no-undefined", "-o", self.folder / f"lib{name}.so")

    def wanted(self, form, pixels):
        """The scores of the square in the middle."""
        (self.folder / "square").write_bytes(pixels)
        run(RIFFLE, "run", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--frame", self.folder / "square",
            "--format", form, "--frame-size", f"{HEIGHT}x{HEIGHT}", "--frame-colour", "bt601-full", "--output",
            self.folder / "logits")
        return struct.unpack("<10f", (self.folder / "logits").read_bytes())

    def test_frames(self):
        run(RIFFLE, "compile", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--target", "native",
            "-o", self.folder)
        self.build("classify", EXAMPLE / "classify.c", EXAMPLE / "hardware_buffer.c", self.folder / "libdigits.a")
        android = self.folder / "android"
        android.mkdir()
        self.build("android", STANDIN / "hardware_buffers.c")
        for name in ("libandroid.so", "libnativewindow.so"):
            shutil.copy(self.folder / "libandroid.so", android / name)
        (self.folder / "libandroid.so").unlink()
        classes = self.folder / "classes"
        run(HOME / "bin" / "javac", "-Xlint:all", "-Werror", "-d", classes, HERE / "Frames.java", HERE / "Thrown.java",
            STANDIN / "android" / "HardwareBuffer.java", EXAMPLE.parent / "java" / "org" / "example" / "digits" / "Digits.java")
        words = [HOME / "bin" / "java", "-Xcheck:jni", f"-Djava.library.path={self.folder}", "-cp", classes, "Frames"]
        said = run("env", f"LD_LIBRARY_PATH={android}", *words, WIDTH, HEIGHT)
        left = (WIDTH - HEIGHT) // 2
        light = bytes((x * x + 5 * y * x + 40) % 256 for y in range(HEIGHT) for x in range(left, left + HEIGHT))
        wanted = {"planes": self.wanted("nv21", light + bytes([128]) * (HEIGHT * HEIGHT // 2)),
                  "rgba": self.wanted("rgba", b"".join(bytes([value, value // 2, 255 - value, 7]) for value in light))}
        lines = said.splitlines(keepends=True)
        self.assertEqual([line.split()[0] for line in lines[:4]], ["planes", "planes", "rgba", "rgba"])
        for line in lines[:4]:
            kind, digit, *scores = line.split()
            self.assertEqual(int(digit), wanted[kind].index(max(wanted[kind])))
            for score, right in zip(map(float, scores), wanted[kind], strict=True):
                self.assertLessEqual(abs(score - right), 1e-5 * max(map(abs, wanted[kind])))
        self.assertEqual("".join(lines[4:]), SAID)
        self.assertEqual(run(*words), "UnsupportedOperationException: this Android has no hardware buffers: they came with "
                                      "version 8\n")


if not HOME:
    print("skipped: there is no JDK with jni.h")
    sys.exit(0)

if __name__ == "__main__":
    unittest.main()
