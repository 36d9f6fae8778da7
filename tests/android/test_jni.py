"""The example's JNI function, built for this machine and called with the held-out digits: it answers what the reference
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


if __name__ == "__main__":
    unittest.main()
