"""Inputs made of pictures: the same bits as those of `riffle run`, and what is said of what is no picture."""

import numpy as np
import PIL.Image
import pytest
import riffle
from conftest import TINY, TWO_INPUTS, write_spec
from support import EXAMPLES, SHARED, read_floats
from support import riffle as run_program

SEEN = """network seen(batch = 1) {{
    input image: f32[batch, 3, 20, 28] = pixels({order}, scale = 1 / 255, mean = [0.485, 0.456, 0.406], std = 0.25{more})
    output numbers = image |> relu
}}
"""


def seen(folder, order="rgb", more="", **settings):
    return riffle.load(write_spec(folder, SEEN.format(order=order, more=more)), random_weights=1, set=settings).compile()


def picture_of(height=37, width=53, channels=3):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def of_the_command(folder, picture):
    """What `riffle run` makes of it, behind the relu."""
    PIL.Image.fromarray(picture).save(folder / "picture.png")
    run_program("run", folder / "net.rfl", "--random-weights", "1", "--interpret", "--image", folder / "picture.png",
                "--output", folder / "numbers.f32")
    return read_floats(folder / "numbers.f32", (1, 3, 20, 28))


@pytest.mark.parametrize("order, more", [("rgb", ""), ("bgr", ""), ("rgb", ", resize = 30"), ("rgb", ", letterbox = centre, fill = 7")])
def test_bits_of_the_command(tmp_path, order, more):
    net, picture = seen(tmp_path, order, more), picture_of()
    image = net.prepare(picture)
    assert image.shape == (1, 3, 20, 28) and image.dtype == np.float32
    np.testing.assert_array_equal(net(image), of_the_command(tmp_path, picture))


def test_forms_of_one_picture(tmp_path):
    net, picture = seen(tmp_path), picture_of()
    expected = net.prepare(picture)
    wide = np.zeros((37, 60, 3), np.uint8)
    wide[:, :53] = picture
    rgba = np.dstack([picture, picture_of(channels=1)])
    for form, given in [(None, wide[:, :53]), (None, np.asfortranarray(picture)), ("rgb", picture[::-1][::-1]),
                        ("bgr", picture[..., ::-1]), (None, rgba), ("bgra", rgba[..., [2, 1, 0, 3]]),
                        (None, PIL.Image.fromarray(picture)), (None, PIL.Image.fromarray(picture).convert("RGBA"))]:
        np.testing.assert_array_equal(net.prepare(given, format=form), expected)
    np.testing.assert_array_equal(net.prepare(picture_of(channels=1)), net.prepare(np.dstack([picture_of(channels=1)] * 3)))
    palette = PIL.Image.fromarray(picture).convert("P")
    np.testing.assert_array_equal(net.prepare(palette), net.prepare(np.asarray(palette.convert("RGB"))))


def test_crop_and_mapping(tmp_path):
    net, picture = seen(tmp_path), picture_of()
    image, mapping = net.prepare_mapped(picture, crop=(10, 5, 28, 20))
    np.testing.assert_array_equal(image, net.prepare(picture[5:25, 10:38]))
    assert mapping == (1, 1, 10, 5) and mapping.point(0, 2) == (10, 7)
    _, mapping = net.prepare_mapped(picture_of(40, 56))
    assert mapping == (2, 2, 0, 0)
    corners = mapping.point(np.array([0, 28]), np.array([0, 20]))
    np.testing.assert_array_equal(corners, [[0, 56], [0, 40]])


def test_planes(tmp_path):
    """A grey frame of a camera: its colours are those of its Y."""
    net = seen(tmp_path)
    light, middle = picture_of(38, 54, 1), np.full((19, 27), 128, np.uint8)
    expected = net.prepare(np.dstack([light] * 3))
    pairs = np.dstack([middle, middle])
    for form, planes in [("nv12", [light, pairs]), ("nv21", (light, pairs.reshape(19, 54))), ("i420", [light, middle, middle])]:
        np.testing.assert_allclose(net.prepare(planes, format=form, colour="bt601_full"), expected, atol=1e-6)
    with pytest.raises(ValueError, match="too few bytes"):
        net.prepare([light, pairs[:10]], format="nv12")


def test_into_a_batch(tmp_path):
    net = seen(tmp_path, batch=2)
    batch = np.zeros(net.inputs[0].shape, np.float32)
    pictures = [picture_of(37, 53), picture_of(60, 31)]
    for index, picture in enumerate(pictures):
        assert np.shares_memory(net.prepare(picture, out=batch[index:index + 1]), batch)
    single = seen(tmp_path)
    np.testing.assert_array_equal(net(batch), single.batch([single.prepare(picture) for picture in pictures]))
    with pytest.raises(ValueError, match="the shape"):
        net.prepare(pictures[0], out=batch)


def test_bytes(tmp_path):
    spec = write_spec(tmp_path, "network seen() {\n    input image: u8[1, 3, 20, 28] nhwc = pixels(rgb)\n    output y = image |> relu\n}\n")
    net, picture = riffle.load(spec, random_weights=1).compile(), picture_of(20, 28)
    np.testing.assert_array_equal(net.prepare(picture)[0], picture)


@pytest.mark.parametrize("picture, options, error, said", [
    (picture_of().astype(np.float32), {}, TypeError, "a picture is of uint8, and the array is float32"),
    ("dog.jpg", {}, TypeError, "or a picture of PIL, and this is of type str"), (None, {}, TypeError, "of type NoneType"),
    (picture_of(channels=2), {}, ValueError, "has 1, 3 or 4 channels, and the array 2"),
    (picture_of()[None], {}, ValueError, "(height, width, channels)"), (np.uint8(3), {}, ValueError, "(height, width"),
    (picture_of(), {"format": "yuv"}, ValueError, "'yuv' is no format: rgb, bgr"),
    (picture_of(), {"format": "bgra"}, ValueError, "a frame of bgra is 1 array"),
    (picture_of(), {"format": "nv12"}, ValueError, "a frame of nv12 is 2 array"), ([], {}, ValueError, "1, 3 or 4 channels"),
    (picture_of(), {"colour": "bt2020"}, ValueError, "'bt2020' is no colour"),
    (picture_of(), {"crop": (50, 0, 10, 10)}, ValueError, "the crop is empty or not within the frame"),
    (picture_of(), {"crop": (0, 0, 10)}, ValueError, ""), (np.zeros((0, 4, 3), np.uint8), {}, ValueError, "not 1 to 16384"),
    (np.zeros((1, 20000, 3), np.uint8), {}, ValueError, "not 1 to 16384"), (picture_of(), {"input": "x"}, TypeError, "no 'x'")])
def test_refused(seen_net, picture, options, error, said):
    with pytest.raises(error) as caught:
        seen_net.prepare(picture, **options)
    assert said in str(caught.value)


@pytest.fixture(scope="module")
def seen_net(tmp_path_factory):
    return seen(tmp_path_factory.mktemp("seen"))


def test_no_pixels(tmp_path):
    net = riffle.load(write_spec(tmp_path, TWO_INPUTS), random_weights=1).compile()
    with pytest.raises(TypeError, match="name one with input="):
        net.prepare(picture_of())
    with pytest.raises(riffle.Error, match="nothing that prepares 'left'"):
        net.prepare(picture_of(), input="left")


@pytest.mark.skipif(not (SHARED / "photos").exists(), reason="no shared photos")
def test_photo():
    """From a photo to its class."""
    net = riffle.load(EXAMPLES / "shufflenet_v2.rfl", weights=SHARED / "weights" / "shufflenet_v2_x1_0.safetensors",
                      set={"width": 1.0}).compile()
    classes = (SHARED / "photos" / "imagenet_classes.txt").read_text().splitlines()
    for photo, name in [("dog.jpg", "Samoyed"), ("pelican.jpg", "pelican"), ("espresso.png", "espresso")]:
        with PIL.Image.open(SHARED / "photos" / photo) as picture:
            answer = net(net.prepare(picture))
        assert classes[answer.argmax()] == name


def test_tiny_has_it(tiny_net):
    assert tiny_net.prepare(picture_of()).shape == (1, 3, 32, 32)
    assert TINY.exists()
