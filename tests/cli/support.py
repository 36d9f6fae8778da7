"""Running riffle and comparing what it says, to the letter. RIFFLE names the program."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from part import part  # noqa: E402, F401 (for all who use this module)

RIFFLE = os.environ.get("RIFFLE", str(ROOT / "build" / "release" / "riffle"))
SHARED = ROOT.parent / "shared"  # real weights and photos; not part of the project
SECONDS = 120

COMMANDS = ["compile", "android-package", "xcframework", "run", "inspect", "verify", "precision", "bench", "tune", "opt",
            "reduce", "report", "convert", "import", "fmt", "lsp", "targets", "passes", "ops", "completion"]

NETWORK = """network small(classes = 4, batch = 1) {
    input image: f32[batch, 3, 8, 8] = pixels(rgb)
    x = image |> conv(8, 3, padding = 1) @ conv |> relu |> max_pool(2, stride = 2)
    output logits = x |> global_avg_pool |> linear(classes) @ fc
}
"""

# Passes pixels through: what the network is given can be read from its output.
IDENTITY = """network identity {
    input image: f32[1, 3, 8, 8] = pixels(rgb)
    output pixels = image |> relu
}
"""
CROPPED = IDENTITY.replace("rgb", "rgb, resize = resize").replace("identity", "cropped(resize = 8)")


def lacks(library):
    done = subprocess.run([RIFFLE, "--version"], capture_output=True, text=True, check=True)
    return f"without {library}" in done.stdout


def has_llvm():
    return not lacks("LLVM")


class Command(unittest.TestCase):
    """Each test has a folder of its own, in which riffle runs."""

    maxDiff = None

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.write("small.rfl", NETWORK)
        self.write("identity.rfl", IDENTITY)
        self.write("cropped.rfl", CROPPED)

    def write(self, name, contents):
        path = self.folder / name
        if isinstance(contents, str):
            contents = contents.encode()
        path.write_bytes(contents)
        return path

    def invoke(self, *words, stdin=None):
        return subprocess.run([RIFFLE, *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              timeout=SECONDS, check=False, input=stdin)

    def succeed(self, *words, stdin=None):
        done = self.invoke(*words, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"riffle {' '.join(map(str, words))}")
        return done.stdout

    def expect_error(self, words, message, status=1):
        """Riffle must say exactly this, on standard error alone."""
        words = words.split() if isinstance(words, str) else words
        done = self.invoke(*words)
        self.assertEqual(done.stderr, message, f"riffle {' '.join(words)}")
        self.assertEqual((done.returncode, done.stdout), (status, ""), f"riffle {' '.join(words)}")

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


def floats(data):
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def float_bytes(numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


def safetensors(shapes):
    """A file of weights that all differ (calibration warns of layers whose outputs do not change); aligned, so that
    riffle reads them where they lie."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for extent in shape:
            size *= extent
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + float_bytes([(i * 37 % 101 - 50) / 100 for i in range(at // 4)])


GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6  # kinds of PNG


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, colour, rows, depth=8, palette=None):
    """A picture of that kind; its rows are bytes."""
    data = b"".join(b"\0" + row for row in rows)
    chunks = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))]
    if palette is not None:
        chunks.append(chunk(b"PLTE", palette))
    chunks += [chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
