"""Inputs of bytes: what the library makes of packed pixels, and that nothing else of a network changes."""

import json
import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from marks import needs_shared, target_parameters
from support import EXAMPLES, SHARED, invoke, lacking_flags, processor_flags, read_floats, riffle, verify, write_weights

SHAPES = [(1, 1, 1, 1), (1, 1, 5, 3), (2, 2, 3, 33), (1, 3, 7, 13), (2, 3, 4, 128), (1, 4, 9, 65)]
MEAN = [0.485, 0.456, 0.406, 0.25]
DEVIATION = [0.229, 0.224, 0.225, 0.5]


def spec(shape, element, outputs, order=""):
    layout = "nhwc" if element == "u8" else ""
    channels = shape[1]
    return f"""network net {{
    input image: {element}{list(shape)} {layout} = pixels({order}scale = 1 / 255, mean = {MEAN[:channels]},
        std = {DEVIATION[:channels]})
{outputs}}}
"""


def numbers_of(pixels):
    """Pixels [n, h, w, c] as numbers [n, c, h, w]."""
    channels = pixels.shape[3]
    numbers = (pixels.astype(np.float64) / 255 - MEAN[:channels]) / DEVIATION[:channels]
    return np.ascontiguousarray(numbers.transpose(0, 3, 1, 2), "<f4")


def random_pixels(shape):
    batch, channels, height, width = shape
    return np.random.default_rng(1).integers(0, 256, (batch, height, width, channels), np.uint8)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("target", target_parameters())
def test_numbers(target, shape, tmp_path):
    """As an output in both layouts, and behind an op; at sizes that leave all kinds of rests."""
    net = tmp_path / "net.rfl"
    net.write_text(spec(shape, "u8", """    output planar = image
    output packed nhwc = image
    output behind = relu(image)
"""))
    verify(net, "--target", target)
    pixels = random_pixels(shape)
    pixels.tofile(tmp_path / "pixels")
    files = [tmp_path / name for name in ("planar", "packed", "behind")]
    words = [word for file in files for word in ("--output", file)]
    riffle("run", net, "--target", target, "--input", tmp_path / "pixels", *words)
    expected = numbers_of(pixels)
    planar, packed, behind = (read_floats(file) for file in files)
    limit = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(planar.reshape(expected.shape), expected, **limit)
    np.testing.assert_allclose(packed.reshape(pixels.shape).transpose(0, 3, 1, 2), expected, **limit)
    np.testing.assert_allclose(behind.reshape(expected.shape), np.maximum(expected, 0), **limit)


@pytest.mark.parametrize("target", target_parameters())
def test_stem(target, tmp_path):
    """A padded convolution of bytes gives what it gives of floats: the border is 0 after the normalisation."""
    shape = (2, 3, 19, 37)
    layers = "    output y = image |> conv(24, 3, stride = 2, padding = 1, bias = true) @ stem\n"
    pixels = random_pixels(shape)
    pixels.tofile(tmp_path / "u8")
    numbers_of(pixels).tofile(tmp_path / "f32")
    random = np.random.default_rng(2)
    write_weights(tmp_path / "weights.safetensors", {
        "stem.weight": random.standard_normal((24, 3, 3, 3)).astype("f4"),
        "stem.bias": random.standard_normal(24).astype("f4")})
    answers = []
    for element in ("u8", "f32"):
        net = tmp_path / f"{element}.rfl"
        net.write_text(spec(shape, element, layers))
        options = ["--weights", tmp_path / "weights.safetensors", "--target", target]
        verify(net, *options)
        riffle("run", net, *options, "--input", tmp_path / element, "--output", tmp_path / "y")
        answers.append(read_floats(tmp_path / "y"))
    assert np.abs(answers[0] - answers[1]).max() <= 1e-5 * np.abs(answers[1]).max()


STEMS = [
    ((2, 3, 19, 38), "conv(24, 3, stride = 2, padding = 1, bias = true) @ a"),
    ((1, 3, 23, 17), "conv(20, 7, stride = 2, padding = 3, activation = relu) @ a |> max_pool(3, stride = 2)"),
    ((1, 3, 14, 21), "conv(16, 6, stride = 2, padding = 2, activation = silu) @ a"),
    ((1, 1, 11, 40), "conv(9, 5, stride = 3, padding = [2, 0, 1, 2]) @ a |> conv(8, 1) @ b"),
    ((1, 4, 9, 13), "conv(17, 3, padding = 1) @ a |> conv(17, 3, groups = 17, stride = 2) @ b"),
    ((1, 3, 8, 9), "conv(12, 1) @ a"),
    ((3, 2, 6, 7), "conv(4, 3, padding = 2, dilation = 2, groups = 2) @ a"),
    ((1, 3, 7, 2900), "conv(8, 7, stride = 2, padding = 3) @ a"),  # in strips
]


def sample_of_targets(stems):
    """Each stem with one of the targets, in turn."""
    targets = target_parameters()
    pairs = [(targets[i % len(targets)], stem) for i, stem in enumerate(stems)]
    return [pytest.param(*target.values, stem, marks=target.marks, id=f"{target.id}-{stem[1]}") for target, stem in pairs]


@pytest.mark.parametrize(("target", "stem"), sample_of_targets(STEMS))
def test_stem_without_floats(target, stem, tmp_path):
    """What reads the pixels gets rows of floats that nobody stores, and the same numbers bit by bit."""
    shape, layers = stem
    net = tmp_path / "net.rfl"
    net.write_text(spec(shape, "u8", f"    output y = image |> {layers}\n"))
    options = ["--random-weights", 3, "--target", target, "--winograd", "never"]
    verify(net, *options)
    random_pixels(shape).tofile(tmp_path / "pixels")
    answers = []
    for chains in ("by-cost", "never"):
        riffle("run", net, *options, "--chains", chains, "--input", tmp_path / "pixels", "--output", tmp_path / "y")
        riffle("compile", net, *options, "--chains", chains, "--emit", "schedule", "-o", tmp_path / chains)
        answers.append((tmp_path / "y").read_bytes())
        buffers = json.loads((tmp_path / chains / "net.json").read_text())["buffers"]
        assert any(buffer["name"] == "image" and buffer["kind"] == "workspace" for buffer in buffers) == (
            chains == "never")
    assert answers[0] == answers[1]


FRAMES = {"rgb": [0, 1, 2], "bgr": [2, 1, 0], "rgba": [0, 1, 2, 0], "bgra": [2, 1, 0, 0]}
TARGETS = target_parameters()


@pytest.mark.parametrize(("target", "frame", "order"), [
    pytest.param(*TARGETS[i % len(TARGETS)].values, frame, order, marks=TARGETS[i % len(TARGETS)].marks)
    for i, (frame, order) in enumerate((frame, order) for frame in FRAMES for order in ("rgb", "bgr"))])
def test_frames(target, frame, order, tmp_path):
    """Pixels in an order other than the network's give its answers, and so does a picture that is prepared."""
    text = spec((1, 3, 9, 14), "u8", "    output y = image |> conv(20, 3, padding = 1) @ a |> relu\n")
    pixels = random_pixels((1, 3, 9, 14))
    Image.fromarray(pixels[0] if order == "rgb" else pixels[0, :, :, ::-1]).save(tmp_path / "picture.png")
    answers = []
    for word, channels in (("", [0, 1, 2]), (f", frame = {frame}", FRAMES[frame] if order == "rgb" else
                                             [[2, 1, 0][c] for c in FRAMES[frame]])):
        net = tmp_path / "net.rfl"
        net.write_text(text.replace("pixels(scale", f"pixels({order}{word}, scale"))
        options = ["--random-weights", 3, "--target", target]
        verify(net, *options)
        lying = pixels[..., [min(c, 2) for c in channels]].copy()
        lying[..., 3:] = 99
        lying.tofile(tmp_path / "pixels")
        for source in (["--input", tmp_path / "pixels"], ["--image", tmp_path / "picture.png"]):
            riffle("run", net, *options, *source, "--output", tmp_path / "y")
            answers.append(read_floats(tmp_path / "y"))
        riffle("compile", net, *options, "--winograd", "never", "--emit", "schedule", "-o", tmp_path)
        buffers = json.loads((tmp_path / "net.json").read_text())["buffers"]
        assert not any(buffer["name"] == "image" and buffer["kind"] == "workspace" for buffer in buffers)
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=0, atol=2e-6 * np.abs(answers[0]).max())


@needs_shared
@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_network(precision, tmp_path):
    """ShuffleNet V2 of a photo's pixels answers as of its numbers."""
    text = (EXAMPLES / "shufflenet_v2.rfl").read_text().replace('import "', f'import "{EXAMPLES}/')
    bytes_text, count = re.subn(r"input image: f32(\[[^\]]*\]) =", r"input image: u8\1 nhwc =", text)
    assert count == 1
    answers = []
    photo = SHARED / "photos" / "dog.jpg"
    for name, content in (("floats", text), ("bytes", bytes_text)):
        net = tmp_path / f"{name}.rfl"
        net.write_text(content)
        calibration = ["--precision", precision, "--calibration", photo] if precision == "int8" else []
        riffle("run", net, "--weights", SHARED / "weights" / "shufflenet_v2_x1_0.safetensors", *calibration,
            "--image", photo, "--output", tmp_path / name)
        answers.append(read_floats(tmp_path / name))
    limit = 1e-5 if precision == "fp32" else 0.05  # a last bit may turn a byte
    assert np.abs(answers[0] - answers[1]).max() <= limit * np.abs(answers[0]).max()


@pytest.mark.parametrize(("shape", "order", "layer"), [
    ((1, 3, 9, 23), "", "conv(20, 3, stride = 2, padding = 1)"),
    ((2, 1, 7, 2), "", "conv(5, 3, padding = [0, 1, 2, 1])"),
    ((1, 4, 6, 17), "", "conv(9, 5)"),
    ((1, 2, 5, 67), "", "conv(12, 1)"),
    ((2, 3, 6, 19), "rgb, frame = rgba, ", "conv(20, 3, stride = 2, padding = 1)"),
    ((1, 3, 5, 7), "rgb, frame = bgra, ", "conv(9, 3, padding = 1)"),
])
@pytest.mark.parametrize("cpu", ["haswell", "skylake-avx512", "cascadelake"])
def test_bytes_to_bytes(cpu, shape, order, layer, tmp_path):
    """With int8 the first layer's bytes are made of the picture's: as in the interpreter, to the bit, without floats."""
    if lacking_flags("x86-64-v3" if cpu == "haswell" else "x86-64-v4"):
        pytest.skip(f"this processor cannot run code for {cpu}")
    if cpu == "cascadelake" and "avx512_vnni" not in processor_flags():
        pytest.skip("this processor has no VNNI")
    net = tmp_path / "net.rfl"
    net.write_text(spec(shape, "u8", f"    output y = image |> {layer} @ a |> relu |> conv(7, 1) @ b\n", order))
    options = ["--random-weights", 3, "--precision", "int8", "--calibration", "random", "--target", "x86_64-linux-gnu",
        "--cpu", cpu]
    verify(net, *options, "--tolerance", 0)
    riffle("compile", net, *options, "-o", tmp_path)
    assert "pixels to floats" not in (tmp_path / "net.json").read_text()


def test_called_from_c(tmp_path):
    """Bytes at an odd address; a null pointer is a status."""
    shape = (1, 3, 5, 7)
    net = tmp_path / "net.rfl"
    net.write_text(spec(shape, "u8", "    output y = image\n"))
    riffle("compile", net, "-o", tmp_path)
    (tmp_path / "main.c").write_text("""#include "net.h"
#include <stdio.h>
static _Alignas(NET_WORKSPACE_ALIGNMENT) unsigned char workspace[NET_WORKSPACE_BYTES];
static unsigned char bytes[NET_INPUT_IMAGE_ELEMENTS + 1];
static float y[NET_OUTPUT_Y_ELEMENTS];
int main(void) {
    for (int i = 0; i < NET_INPUT_IMAGE_ELEMENTS; i++)
        bytes[1 + i] = (unsigned char)(7 * i);
    const unsigned char *image = bytes + 1;
    struct net_inputs inputs = {.image = image};
    struct net_outputs outputs = {y};
    int status = net_run(&inputs, &outputs, workspace);
    fwrite(y, sizeof *y, NET_OUTPUT_Y_ELEMENTS, stdout);
    inputs.image = NULL;
    return status == NET_OK && net_run(&inputs, &outputs, workspace) == NET_ERROR_NULL_POINTER ? 0 : 1;
}
""")
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "main.c", "libnet.a", "-o", "main"],
        cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    pixels = (7 * np.arange(105) % 256).astype(np.uint8).reshape(1, 5, 7, 3)
    numbers = np.frombuffer(said, "<f4").reshape(1, 3, 5, 7)
    np.testing.assert_allclose(numbers, numbers_of(pixels), rtol=1e-6, atol=1e-6)


def test_refused(tmp_path):
    """A file of another length."""
    net = tmp_path / "net.rfl"
    net.write_text(spec((1, 3, 4, 4), "u8", "    output y = image\n"))
    (tmp_path / "pixels").write_bytes(bytes(47))
    done = invoke("run", net, "--input", tmp_path / "pixels", "--output", tmp_path / "y")
    assert done.returncode == 1 and "has 47 bytes where input 'image' takes 48" in done.stderr, done.stderr
