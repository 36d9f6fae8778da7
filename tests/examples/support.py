"""What tests of the examples share: digits as pictures, and the library that reads them."""

import os
import subprocess
from pathlib import Path

import numpy as np
import PIL.Image

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
DIGITS = EXAMPLES / "digits"
RIFFLE = os.environ["RIFFLE"]


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-6000:]}"
    return done.stdout


def digits():
    """360 images of 8x8 and what they show."""
    images = np.fromfile(DIGITS / "heldout.f32", "<f4").reshape(360, 8, 8)
    return np.uint8(np.round(images * 255)), np.fromfile(DIGITS / "heldout_labels.u8", np.uint8)


def write_digits(folder, count=360):
    """As JPEG files, 000.jpg and on, the first again after the last."""
    folder.mkdir()
    images, _ = digits()
    for index in range(count):
        PIL.Image.fromarray(images[index % 360]).save(folder / f"{index:04}.jpg", quality=95)


def compile_digits(folder, *options, weights=("--weights", DIGITS / "digits.safetensors")):
    run(RIFFLE, "compile", DIGITS / "digits.rfl", *weights, "--shared", "--target", "native", "-o", folder, *options)
