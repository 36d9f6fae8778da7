"""The example's JNI functions, built for this machine and called with the held-out digits: it answers what the reference
says, and throws what it should."""

import os
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from ndk import DIGITS, EXAMPLE, HERE, RIFFLE, run

IMAGES, CLASSES = 360, 10


class Jni(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-android-"))
        self.addCleanup(shutil.rmtree, self.folder)
        run(RIFFLE, "compile", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--target", "native",
            "-o", self.folder)
        self.program = self.folder / "call"
        run(os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", HERE / "standin",
            "-I", self.folder, HERE / "standin" / "call.c", EXAMPLE / "classify.c", self.folder / "libdigits.a", "-o", self.program)

    def test_answers(self):
        images = (DIGITS / "heldout.f32").read_bytes()
        done = subprocess.run([self.program], input=images, capture_output=True, check=True)
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[IMAGES:], [
            "nothing thrown",
            "-1 java/lang/IllegalArgumentException: image must have 64 numbers, and scores 10",
            "-1 java/lang/NullPointerException: image and scores must not be null"])
        logits = struct.unpack(f"<{IMAGES * CLASSES}f", (DIGITS / "heldout_logits.f32").read_bytes())
        for i, line in enumerate(lines[:IMAGES]):
            answer, *scores = line.split()
            expected = logits[i * CLASSES:(i + 1) * CLASSES]
            self.assertEqual(int(answer), expected.index(max(expected)))
            for score, wanted in zip(map(float, scores), expected, strict=True):
                self.assertLessEqual(abs(score - wanted), 1e-4 * max(map(abs, expected)))


    def test_frames(self):
        """The planes of Android's images, with strides of all kinds: what riffle run makes of the square in the middle."""
        width, height = 37, 24
        light = bytes((x * x + 5 * y * x + 40) % 256 for y in range(height) for x in range(width))
        left = (width - height) // 2
        square = b"".join(light[width * y + left:width * y + left + height] for y in range(height))
        chroma = bytes([128]) * (height // 2 * height)
        (self.folder / "frame").write_bytes(square + chroma)
        run(RIFFLE, "run", DIGITS / "digits.rfl", "--weights", DIGITS / "digits.safetensors", "--frame",
            self.folder / "frame", "--format", "nv21", "--frame-size", f"{height}x{height}", "--frame-colour", "bt601-full",
            "--output", self.folder / "logits")
        wanted = struct.unpack("<10f", (self.folder / "logits").read_bytes())
        half_width, half_height = (width + 1) // 2, height // 2
        for gap, step in ((0, 1), (11, 2)):
            row, chroma_row = width + gap, (half_width - 1) * step + 1 + gap
            y = b"".join(light[width * i:width * (i + 1)] + bytes(gap) for i in range(height))[:row * height - gap]
            other = bytes([128]) * (chroma_row * half_height - gap)

            def call(pixel_stride=step, y=y):
                numbers = (width, height, row, chroma_row, pixel_stride, len(y), len(other), len(other))
                done = subprocess.run([self.program, *map(str, numbers)], input=y + 2 * other, capture_output=True, check=True)
                return done.stdout.decode().splitlines()

            first, second = call()
            answer, *scores = first.split()
            self.assertEqual(int(answer), wanted.index(max(wanted)))
            for score, right in zip(map(float, scores), wanted, strict=True):
                self.assertLessEqual(abs(score - right), 1e-5 * max(map(abs, wanted)))
            self.assertEqual(second, "-1 java/lang/IllegalArgumentException: y, u and v must be direct buffers")
            rows = "-1 java/lang/IllegalArgumentException: a plane of the frame has too few bytes, in a row or in all"
            self.assertEqual(call(pixel_stride=step + 1)[0], rows)
            self.assertEqual(call(y=y[:-1])[0], rows)


if __name__ == "__main__":
    unittest.main()
