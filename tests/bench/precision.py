#!/usr/bin/env python3
"""Whether int8 answers as fp32 does, on photos that calibration has not seen.

Each photo in turn is held out: the network is calibrated on random crops, flips and scales of all others, compiled,
and run on crops of that one. Printed are, for each photo and in all, in how many of the inputs int8 and fp32 have the
same first class, by how much fp32 preferred its first class where they have not, and the largest difference of a
logit. Nothing is chosen by what comes out.

  precision.py PHOTOS WEIGHTS                      ShuffleNet V2 1.0x; PHOTOS is a folder of JPEG and PNG pictures
  precision.py PHOTOS WEIGHTS --target x86-64-v3   without VNNI
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from engines import Riffle
from task import make_task, parse_setting

SIZE = 224
SHORTER_SIDE = (232, 352)  # of the picture that is cropped; evenly
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PICTURES = (".jpg", ".jpeg", ".png")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, metavar="PHOTOS", help="folder of at least two photos")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="safetensors file")
    parser.add_argument("--set", type=parse_setting, action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of shufflenet_v2.rfl; may be repeated")
    parser.add_argument("--target", default="native", help="(default: %(default)s)")
    parser.add_argument("--calibrate", type=int, default=8, metavar="N",
                        help="inputs from each other photo (default: %(default)s)")
    parser.add_argument("--evaluate", type=int, default=40, metavar="N",
                        help="inputs from the photo held out (default: %(default)s)")
    parser.add_argument("--with", dest="words", action="append", default=[], metavar="WORD",
                        help="give `riffle compile` this word for int8, too: --with=--calibration-method=kl")
    parser.add_argument("--seed", type=int, default=1, help="of crops (default: %(default)s)")
    arguments = parser.parse_args()
    if not arguments.weights.is_file():
        parser.error(f"there is no file '{arguments.weights}'")
    arguments.photos = sorted(file for file in arguments.photos.glob("*") if file.suffix.lower() in PICTURES)
    if len(arguments.photos) < 2:
        parser.error("the folder must hold at least two photos, as .jpg or .png")
    return arguments


def random_crop(picture, random):
    """A scaled, cropped and maybe flipped part of a picture, as the network takes it."""
    from PIL import Image

    ratio = random.uniform(*SHORTER_SIDE) / min(picture.size)
    width, height = (max(SIZE, round(side * ratio)) for side in picture.size)
    left, top = random.integers(width - SIZE + 1), random.integers(height - SIZE + 1)
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(resized.crop((left, top, left + SIZE, top + SIZE)), np.float32) / 255
    if random.integers(2):
        pixels = pixels[:, ::-1]
    return ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)


def crops(file, count, *seed):
    from PIL import Image

    random = np.random.default_rng(seed)
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    return [random_crop(picture, random) for _ in range(count)]


def compile_int8(task, arguments, held_out, folder):
    """Calibrated on all photos but one."""
    words = ["--precision", "int8", *arguments.words]
    for number, photo in enumerate(arguments.photos):
        if photo != held_out:
            for index, image in enumerate(crops(photo, arguments.calibrate, arguments.seed, 0, number)):
                file = folder / f"{number}-{index}.f32"
                image.tofile(file)
                words += ["--calibration", file]
    return Riffle(task, folder, *words)


def main():
    arguments = parse_arguments()
    print(f"{'held out':20}{'inputs':>8}{'same class':>12}{'largest difference':>20}{'largest logit':>15}   preferred by")
    same, total, worst, largest = 0, 0, 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="riffle-precision-") as name:
        task = make_task("shufflenet_v2", dict(arguments.set), arguments.target, Path(name), arguments.weights)
        floats = Riffle(task, Path(name) / "fp32")
        for number, photo in enumerate(arguments.photos):
            folder = Path(name) / f"int8-{number}"
            folder.mkdir()
            int8 = compile_int8(task, arguments, photo, folder)
            images = crops(photo, arguments.evaluate, arguments.seed, 1, number)
            expected = np.array([floats.answer(image) for image in images])
            found = np.array([int8.answer(image) for image in images])
            differs = np.flatnonzero(expected.argmax(1) != found.argmax(1))
            margins = [expected[i].max() - expected[i][found[i].argmax()] for i in differs]
            print(f"{photo.name:20}{len(images):8}{len(images) - len(differs):12}{np.abs(found - expected).max():20.2f}"
                  f"{np.abs(expected).max():15.1f}   {' '.join(f'{margin:.2f}' for margin in margins)}", flush=True)
            same, total = same + len(images) - len(differs), total + len(images)
            worst, largest = max(worst, np.abs(found - expected).max()), max(largest, np.abs(expected).max())
    print(f"{'all':20}{total:8}{same:12}{worst:20.2f}{largest:15.1f}   {same / total:.1%} agree")


if __name__ == "__main__":
    main()
