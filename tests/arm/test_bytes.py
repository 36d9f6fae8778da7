"""Code for bytes on ARM, run under qemu: with dot products, with those of i8mm, and without either it gives the
interpreter's bits, as code for x86-64 does (../numeric/test_precision.py)."""

import random

import pytest
from emulated import missing
from small_networks import SMALL_EXAMPLES, UNITS, WINDOWS
from support import EXAMPLES, FULL, riffle, settings

TARGET = "aarch64-linux-gnu"
INT8 = ("--precision", "int8", "--calibration", "random", "--random-weights", "1")
# Processors that code is for, and those that qemu has to run it: what the code must not use, these lack.
PROCESSORS = {"cortex-a53": "cortex-a53", "cortex-a76": "cortex-a76", "neoverse-n2": "max"}

pytestmark = [pytest.mark.part(2),
              pytest.mark.skipif(bool(missing(TARGET)), reason=f"no programs for {TARGET}: lacking {missing(TARGET)}")]


def exact(spec, processor, *options, tolerance=0):
    riffle("verify", spec, *INT8, *options, "--target", TARGET, "--cpu", processor,
           "--runner", f"qemu-aarch64 -cpu {PROCESSORS[processor]}", "--tolerance", tolerance, "--count", 1)


def exact_text(folder, text, processor, *options):
    spec = folder / "net.rfl"
    spec.write_text(text)
    exact(spec, processor, *options)


# Every width of a panel and of its last vector, with a whole last load of four quads and without.
WIDTHS = (1, 3, 4, 5, 8, 11, 12, 13, 16, 17, 24, 31, 36, 52, 65)
PANELS = ("network panels {\n    input image: f32[1, 6, 2, 7] nhwc\n    output y = image"
          + "".join(f" |> conv({2 * width}, 1, groups = 2) @ w{width} |> relu" for width in WIDTHS) + " |> conv(3, 1) @ last\n}\n")

# Padding of each kind: where inputs are flipped, what lies outside of the image counts, too.
BORDERS = """network borders {
    input image: f32[2, 5, 9, 10]
    x = image |> conv(20, 1) @ a |> relu
    wide = x |> conv(21, 5, padding = 2) @ b |> relu |> conv(18, 3, stride = 2, padding = 1) @ c |> relu
    far = x |> conv(12, 3, padding = 4, dilation = 3) @ d |> relu |> conv(7, 3, padding = [5, 0, 0, 4]) @ e |> relu
    output v = x |> conv(1, 1) @ h |> relu |> conv(6, 3, padding = 0) @ i
    output y = wide |> conv(5, [1, 3], padding = [0, 1, 0, 1]) @ f
    output z = far |> conv(5, 1) @ g
}
"""

# So many inputs that they are cut into blocks for the cache, and fully connected layers of one pixel.
BLOCKS = """network blocks {
    input image: f32[1, 24, 5, 3] nhwc
    output y = image |> conv(1500, 1) @ a |> relu |> conv(70, 1) @ b |> global_avg_pool |> flatten |> linear(77) @ c
}
"""

# The bytes of pictures, of which a row is no whole number of vectors.
PICTURES = """network pictures {
    input a: u8[1, 3, 9, 23] nhwc = pixels(rgb, scale = 1 / 255, mean = [0.485, 0.456, 0.406], std = [0.2, 0.3, 0.25])
    input b: u8[2, 1, 7, 2] nhwc = pixels(scale = 1 / 128, mean = 1)
    input c: u8[1, 4, 6, 17] nhwc = pixels(scale = 1 / 64, mean = 2)
    output x = a |> conv(20, 3, stride = 2, padding = 1) @ a |> relu |> conv(7, 1) @ d
    output y = b |> conv(5, 3, padding = [0, 1, 2, 1]) @ b |> relu |> conv(7, 1) @ e
    output z = c |> conv(9, 5) @ c |> relu |> conv(7, 1) @ f
}
"""

TEXTS = {"panels": PANELS, "borders": BORDERS, "blocks": BLOCKS, "pictures": PICTURES, "units": UNITS.format(channels=36),
         "windows": WINDOWS.format(channels=29, size=24)}


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", TEXTS)
def test_layers(name, processor, tmp_path):
    exact_text(tmp_path, TEXTS[name], processor)


@pytest.mark.parametrize("processor", PROCESSORS)
def test_chains(processor, tmp_path):
    """As many layers as possible row by row in one kernel."""
    exact_text(tmp_path, TEXTS["windows"], processor, "--chains", "always")


def random_layer(dice, channels, name):
    """A layer of bytes, and the channels behind it."""
    kind = dice.choice(["conv", "conv", "conv", "grouped", "depthwise", "pool", "shuffle", "split"])
    kernel, stride = dice.choice([1, 1, 2, 3, 3, 5]), dice.choice([1, 1, 2])
    padding = f"padding = {[dice.randint(kernel // 2, 2) for _ in range(4)]}"
    if kind == "pool":
        return " |> max_pool(3, stride = 1, padding = 1)", channels
    if kind == "shuffle" and channels % 2 == 0:
        return " |> shuffle(2)", channels
    if kind == "depthwise":
        return f" |> depthwise({kernel}, stride = {stride}, padding = {kernel // 2}) @ {name}", channels
    groups = 2 if kind == "grouped" and channels % 2 == 0 else 1
    outputs = groups * dice.randint(1, 40)
    return f" |> conv({outputs}, {kernel}, stride = {stride}, groups = {groups}, {padding}) @ {name} |> relu", outputs


@pytest.mark.parametrize("seed", range(400 if FULL else 9))
def test_random(seed, tmp_path):
    """Chains of layers by the dice, each on one of the processors."""
    dice = random.Random(seed)
    channels = dice.randint(1, 40)
    text = (f"network random {{\n    input image: f32[{dice.randint(1, 2)}, {dice.randint(1, 9)}, "
            f"{dice.randint(5, 17)}, {dice.randint(5, 17)}] {dice.choice(['', 'nhwc'])}\n"
            f"    output y = image |> conv({channels}, 3, stride = {dice.choice([1, 2])}) @ first |> relu")
    for layer in range(dice.randint(2, 7)):
        words, channels = random_layer(dice, channels, f"w{layer}")
        text += words
    exact_text(tmp_path, text + " |> conv(5, 1) @ last\n}\n", [*PROCESSORS][seed % len(PROCESSORS)],
               "--chains", dice.choice(["by-cost", "always", "never"]))


def examples():
    """By default each on one processor in turn; all on each with RIFFLE_FULL_MATRIX=1."""
    for index, (spec, parameters, tolerance) in enumerate(SMALL_EXAMPLES):
        for turn, processor in enumerate(PROCESSORS):
            if FULL or index % len(PROCESSORS) == turn or spec == "shufflenet_v2.rfl":
                yield pytest.param(spec, parameters, tolerance, processor, id=f"{spec}-{index}-{processor}")


@pytest.mark.parametrize("spec, parameters, tolerance, processor", list(examples()))
def test_examples(spec, parameters, tolerance, processor):
    exact(EXAMPLES / spec, processor, *settings(**parameters), tolerance=tolerance)
