"""NAME_prepare_...: frames of every format, beside `riffle run`, PIL, and a conversion in floating point."""

import itertools
import subprocess

import numpy as np
import PIL.Image
import pytest
from support import BACKENDS, HAS_LLVM, HERE, LIBRARY_OF_C, NULL_POINTER, RIFFLE, run

FORMATS = ["rgb", "bgr", "rgba", "bgra", "grey", "nv12", "nv21", "i420"]
OK, PARALLEL_FOR, FORMAT, SIZE, CROP, ROWS = 0, 4, 7, 8, 9, 10
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
RANDOM = np.random.default_rng(17)


def spec_of(size, pixels="", element="f32", channels=3):
    order = "" if channels == 1 else "rgb, "
    layout = " nhwc" if element == "u8" else ""
    return (f"network seen {{\n    input image: {element}[1, {channels}, {size[0]}, {size[1]}]{layout} = "
            f"pixels({order}{pixels})\n    output numbers = image |> relu\n}}\n")


class Library:
    """A compiled network that passes its pixels on, and a program that prepares frames for it."""

    def __init__(self, folder, spec, options, element="f32", flags=()):
        self.folder, self.number = folder, np.uint8 if element == "u8" else np.float32
        (folder / "seen.rfl").write_text(spec)
        run(RIFFLE, "compile", folder / "seen.rfl", "-o", folder, "--random-weights", 1, *options)
        run("cc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", *flags,
            f"-DPIXEL={'unsigned char' if element == 'u8' else 'float'}", "-I", folder, HERE / "frames.c",
            folder / "libseen.a", "-o", folder / "frames")

    def prepare(self, form, planes, width, height, rows=(0, 0, 0), crop=(0, 0, 0, 0), colour=0):
        """The statuses and the mapping; the image where all went well."""
        files = []
        for i, plane in enumerate(planes):
            files.append("-" if plane is None else self.folder / f"plane{i}")
            if plane is not None:
                files[-1].write_bytes(plane.tobytes())
        number = FORMATS.index(form) if isinstance(form, str) else form
        words = run(self.folder / "frames", self.folder / "image", number, colour, width, height, *rows, *crop,
                    *files).split()
        statuses, same, mapping = [int(word) for word in words[:4]], words[4], [float.fromhex(w) for w in words[5:]]
        assert statuses[3] == NULL_POINTER
        assert statuses[:3] == ([OK, OK, PARALLEL_FOR] if statuses[0] == OK else [statuses[0]] * 3)
        assert same == "1"
        return statuses[0], mapping, np.fromfile(self.folder / "image", self.number)

    def image(self, *arguments, **options):
        status, _, image = self.prepare(*arguments, **options)
        assert status == OK
        return image

    def run(self, picture):
        """What `riffle run` makes of a picture for the same input."""
        picture.save(self.folder / "picture.png")
        run(RIFFLE, "run", self.folder / "seen.rfl", "--interpret", "--image", self.folder / "picture.png",
            "--output", self.folder / "numbers.f32")
        return np.fromfile(self.folder / "numbers.f32", np.float32)


    def run_frame(self, form, planes, width, height, colour):
        """What `riffle run` makes of the same bytes, planes one after the other."""
        (self.folder / "frame.raw").write_bytes(b"".join(plane.tobytes() for plane in planes))
        run(RIFFLE, "run", self.folder / "seen.rfl", "--interpret", "--frame", self.folder / "frame.raw", "--format", form,
            "--frame-size", f"{width}x{height}", "--frame-colour", colour, "--output", self.folder / "numbers.f32")
        return np.fromfile(self.folder / "numbers.f32", np.float32)


@pytest.fixture(name="library", params=BACKENDS)
def make_library(request, tmp_path):
    return lambda spec, element="f32": Library(tmp_path, spec, BACKENDS[request.param], element)


def with_stride(rows, gap):
    """The rows with `gap` bytes of noise between them, but not behind the last, and their distance."""
    height, width = rows.shape
    wide = RANDOM.integers(0, 256, (height, width + gap), np.uint8)
    wide[:, :width] = rows
    return wide.reshape(-1)[:(height - 1) * (width + gap) + width], width + gap


def noise(height, width, channels):
    """Something smooth and something rough."""
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None] * np.arange(1, channels + 1)
    return ((slope * 2 + RANDOM.integers(0, 60, (height, width, channels))) % 256).astype(np.uint8)


def planes_of(form, height, width, gap=0):
    """Random planes of a format, their distances of rows, and the colours as floats of 0 to 255 (BT.601, video)."""
    if form == "grey":
        grey = noise(height, width, 1)
        plane, row = with_stride(grey[..., 0], gap)
        return [plane], (row, 0, 0), np.repeat(grey, 3, 2).astype(float)
    if form in ("rgb", "bgr", "rgba", "bgra"):
        pixels = noise(height, width, len(form))
        plane, row = with_stride(pixels.reshape(height, -1), gap)
        colours = pixels[..., :3] if form.startswith("rgb") else pixels[..., 2::-1]
        return [plane], (row, 0, 0), colours.astype(float)
    high, wide = (height + 1) // 2, (width + 1) // 2
    light, chroma = noise(height, width, 1)[..., 0], noise(high, wide, 2)
    blue, red = chroma[..., 0], chroma[..., 1]
    light_plane, light_row = with_stride(light, gap)
    if form == "i420":
        (blue_plane, row), (red_plane, _) = with_stride(blue, gap), with_stride(red, gap)
        planes, rows = [light_plane, blue_plane, red_plane], (light_row, row, row)
    else:
        pairs = np.stack([blue, red] if form == "nv12" else [red, blue], 2).reshape(high, -1)
        plane, row = with_stride(pairs, gap)
        planes, rows = [light_plane, plane], (light_row, row, 0)
    return planes, rows, colours_of(light, blue, red)


def colours_of(light, blue, red, weights=(0.299, 0.114), video=True):
    """ITU-R BT.601 and 709 as they are defined: from the weights of red and blue in Y."""
    height, width = light.shape
    y = (light.astype(float) - 16) * 255 / 219 if video else light.astype(float)
    steps = 255 / 224 if video else 1.0
    u, v = [np.repeat(np.repeat(p.astype(float) - 128, 2, 0), 2, 1)[:height, :width] * steps for p in (blue, red)]
    of_red, of_blue = weights
    r, b = y + 2 * (1 - of_red) * v, y + 2 * (1 - of_blue) * u
    g = (y - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    return np.clip(np.stack([r, g, b], 2), 0, 255)


def resized(colours, size):
    """Columns first: PIL takes rows first where that is less work, and rounds in between."""
    picture = PIL.Image.fromarray(np.rint(colours).astype(np.uint8))
    columns = picture.resize((size[1], picture.height), PIL.Image.BILINEAR)
    both = np.asarray(columns.resize((size[1], size[0]), PIL.Image.BILINEAR))
    at_once = np.asarray(picture.resize((size[1], size[0]), PIL.Image.BILINEAR))
    assert np.abs(both.astype(int) - at_once).max() <= 1
    return both


def check(got, wanted, form="rgb"):
    """PIL's very pixels of colours; of Y, U and V within 1, since we round between conversion and resizing."""
    error = np.abs(got.astype(float) - wanted).max()
    assert error <= (1 if form in ("nv12", "nv21", "i420") else 0)


def planar(pixels):
    return pixels.transpose(2, 0, 1).reshape(-1)


@pytest.mark.parametrize("form", FORMATS)
def test_formats(library, form):
    """Odd sizes, rows with gaps, up and down."""
    size = (24, 17)
    seen = library(spec_of(size))
    for height, width in [(24, 17), (49, 35), (7, 5), (1, 1), (61, 2)]:
        for gap in (0, 13):
            planes, rows, colours = planes_of(form, height, width, gap)
            got = seen.image(form, planes, width, height, rows if gap else (0, 0, 0))
            error = np.abs(got - planar(resized(colours, size)).astype(float)).max()
            assert error <= (1 if form in ("nv12", "nv21", "i420") else 0), (height, width, gap)


@pytest.mark.parametrize("colour", range(4))
def test_colours(library, colour):
    """Every Y against every U, with V besides; no resizing, so that each pixel is seen."""
    seen = library(spec_of((32, 32)))
    weights = [(0.299, 0.114), (0.2126, 0.0722)][colour // 2]
    for blue, red in itertools.product((0, 1, 16, 127, 128, 129, 240, 255), repeat=2):
        light = np.arange(1024, dtype=np.int64).reshape(32, 32).astype(np.uint8)
        blues, reds = np.full((16, 16), blue, np.uint8), np.full((16, 16), red, np.uint8)
        got = seen.image("i420", [light, blues, reds], 32, 32, colour=colour)
        wanted = planar(colours_of(light, blues, reds, weights, colour % 2 == 0))
        assert np.abs(got - wanted).max() < 1.01


@pytest.mark.parametrize("pixels", ["", "scale = 1 / 255, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225]",
                                    "resize = 40", "resize = 17, mean = 128"])
def test_as_riffle_run(library, pixels):
    """Bit for bit: the numbers, the crop, and what lies outside the picture."""
    seen = library(spec_of((32, 20), pixels).replace("image |> relu", "concat(image |> relu, image |> negate |> relu)"))
    for height, width in [(48, 64), (33, 21), (16, 16), (100, 7)]:
        colours = noise(height, width, 3)
        got = seen.image("rgb", [colours], width, height)
        halves = seen.run(PIL.Image.fromarray(colours)).reshape(2, -1)
        assert (got == halves[0] - halves[1]).all()


COLOURS = ["bt601-video", "bt601-full", "bt709-video", "bt709-full"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("form", FORMATS)
def test_as_riffle_run_of_frames(library, form, channels):
    """Bit for bit, odd sizes and one pixel too."""
    seen = library(spec_of((16, 12), "resize = 18", channels=channels))
    for (height, width), colour in zip([(48, 64), (33, 21), (16, 12), (1, 1)], range(4)):
        planes, _, _ = planes_of(form, height, width)
        got = seen.image(form, planes, width, height, colour=colour)
        assert (got == seen.run_frame(form, planes, width, height, COLOURS[colour])).all()


def test_wrong_file_of_a_frame(tmp_path):
    (tmp_path / "seen.rfl").write_text(spec_of((8, 8)))
    (tmp_path / "frame").write_bytes(bytes(149))
    for form, size, message in [
            ("nv12", "10x10", "has 149 bytes, but a frame of 10 x 10 pixels in nv12 has 150"),
            ("i420", "11x9", "has 149 bytes, but a frame of 11 x 9 pixels in i420 has 159"),
            ("rgba", "1x1", "has 149 bytes, but a frame of 1 x 1 pixels in rgba has 4")]:
        done = subprocess.run([RIFFLE, "run", tmp_path / "seen.rfl", "--random-weights", "1", "--interpret", "--frame",
                               tmp_path / "frame", "--format", form, "--frame-size", size, "--json"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 1 and message in done.stderr


def apart(rows, step, gap):
    """The bytes of a plane `step` apart, with noise between them and nothing behind the last, and its distance of rows."""
    height, width = rows.shape
    wide = RANDOM.integers(0, 256, (height, (width - 1) * step + 1 + gap), np.uint8)
    wide[:, :(width - 1) * step + 1:step] = rows
    return wide.reshape(-1)[:wide.size - gap], wide.shape[1]


@pytest.mark.parametrize("channels", [1, 3])
def test_chroma_that_lies_apart(library, channels, monkeypatch):
    """As Android's YUV_420_888: bit for bit the frame whose chroma is packed; U and V in one plane, too."""
    seen = library(spec_of((16, 12), channels=channels))
    for (height, width), crop in [((48, 64), (0, 0, 0, 0)), ((33, 21), (5, 3, 13, 20)), ((1, 1), (0, 0, 0, 0)),
                                  ((7, 200), (1, 0, 198, 7))]:
        packed, _, _ = planes_of("i420", height, width)
        high, wide = (height + 1) // 2, (width + 1) // 2
        wanted = seen.image("i420", packed, width, height, crop=crop)
        blue, red = packed[1].reshape(high, wide), packed[2].reshape(high, wide)
        for step, gap in [(2, 1), (2, 7), (3, 0), (16, 5)]:
            monkeypatch.setenv("CHROMA_BYTES", str(step))
            (u, row), (v, _) = apart(blue, step, gap), apart(red, step, gap)
            assert (seen.image("i420", [packed[0], u, v], width, height, (0, row, row), crop) == wanted).all()
        together = np.stack([red, blue], 2).reshape(-1)
        monkeypatch.setenv("CHROMA_BYTES", "2")
        both = [packed[0], together[1:], together[:-1]]
        assert (seen.image("i420", both, width, height, (0, 2 * wide, 2 * wide), crop) == wanted).all()
        monkeypatch.delenv("CHROMA_BYTES")
        assert (seen.image("nv21", [packed[0], together], width, height, crop=crop) == wanted).all()
    planes = [np.zeros(4, np.uint8)] * 3
    for step, status in [(-1, ROWS), (17, ROWS), (16, OK)]:
        monkeypatch.setenv("CHROMA_BYTES", str(step))
        assert seen.prepare("i420", planes, 1, 1)[0] == status
        assert seen.prepare("nv12", planes[:2], 1, 1)[0] == OK  # of others it is not read


def test_numbers(library):
    seen = library(spec_of((8, 8), f"scale = 1 / 255, mean = {MEAN}, std = {STD}"))
    colours = noise(8, 8, 3)
    wanted = planar((colours / 255 - MEAN) / STD).astype(np.float32)
    assert (seen.image("rgb", [colours], 8, 8) == wanted).all()


def test_grey_network(library):
    seen = library(spec_of((12, 12), channels=1))
    colours = noise(30, 21, 3)
    wanted = resized(np.asarray(PIL.Image.fromarray(colours).convert("L")), (12, 12))
    check(seen.image("rgb", [colours], 21, 30), wanted.reshape(-1))
    light = noise(30, 21, 1)
    wanted = resized(light[..., 0], (12, 12))
    chroma = np.zeros((15, 22), np.uint8)
    check(seen.image("nv21", [light, chroma], 21, 30, colour=1), wanted.reshape(-1))
    check(seen.image("grey", [light], 21, 30), wanted.reshape(-1))


def test_order_and_layout(library):
    seen = library(spec_of((9, 11)).replace("[1, 3, 9, 11]", "[1, 3, 9, 11] nhwc").replace("rgb", "bgr"))
    colours = noise(20, 31, 3)
    check(seen.image("rgb", [colours], 31, 20), resized(colours, (9, 11))[..., ::-1].reshape(-1))
    check(seen.image("bgr", [colours[..., ::-1]], 31, 20), resized(colours, (9, 11))[..., ::-1].reshape(-1))


@pytest.mark.skipif(not HAS_LLVM, reason="inputs of bytes are for machine code")
def test_bytes(tmp_path):
    spec = spec_of((15, 10), "scale = 1 / 255, resize = 18", "u8").replace("rgb", "bgr")
    seen = Library(tmp_path, spec, [], "u8")
    colours = noise(40, 30, 3)
    picture = resized(colours, (24, 18))
    check(seen.image("rgb", [colours], 30, 40), picture[4:19, 4:14, ::-1].reshape(-1))


@pytest.mark.parametrize("form", ["rgb", "grey", "nv12", "i420"])
def test_crop(library, form):
    """A part of the frame, from odd places as well, and where the image's corners are in the frame."""
    seen = library(spec_of((16, 16)))
    height, width = 60, 45
    planes, rows, colours = planes_of(form, height, width, 3)
    for x, y, wide, high in [(0, 0, 45, 60), (7, 3, 20, 30), (44, 59, 1, 1), (1, 1, 43, 58)]:
        status, mapping, got = seen.prepare(form, planes, width, height, rows, (x, y, wide, high))
        assert status == OK
        wanted = planar(resized(colours[y:y + high, x:x + wide], (16, 16)))
        check(got, wanted, form)
        assert mapping == [wide / 16, high / 16, x, y]


def test_mapping_of_crop(library):
    """Resize to 20 on the shorter side, then the centre of 16 x 16."""
    seen = library(spec_of((16, 16), "resize = 20"))
    _, mapping, _ = seen.prepare("grey", [noise(40, 60, 1)], 60, 40)
    assert mapping == [2, 2, 14, 4]


LETTERBOXES = [("letterbox = centre", 0, False), ("letterbox = centre, fill = 114", 114, False),
               ("letterbox = corner, fill = 114", 114, True)]


@pytest.mark.parametrize("pixels, fill, corner", LETTERBOXES)
def test_letterbox(library, pixels, fill, corner):
    """The whole frame in its proportions, with the fill beside it; the mapping leads back to the frame."""
    size = (24, 32)
    seen = library(spec_of(size, pixels))
    for height, width in [(48, 64), (50, 20), (20, 50), (9, 64), (1, 300), (300, 1)]:
        colours = noise(height, width, 3)
        status, mapping, got = seen.prepare("rgb", [colours], width, height)
        assert status == OK
        ratio = min(size[0] / height, size[1] / width)
        high, wide = max(int(height * ratio + 0.5), 1), max(int(width * ratio + 0.5), 1)
        top, left = (0, 0) if corner else ((size[0] - high) // 2, (size[1] - wide) // 2)
        wanted = np.full((*size, 3), fill, np.uint8)
        wanted[top:top + high, left:left + wide] = resized(colours, (high, wide))
        check(got, planar(wanted))
        assert np.allclose(mapping, [width / wide, height / high, -left * width / wide, -top * height / high], rtol=1e-6)
        assert (got == seen.run(PIL.Image.fromarray(colours))).all()


def test_statuses(library, monkeypatch):
    seen = library(spec_of((8, 8)))
    plane, half = noise(10, 20, 3), noise(5, 20, 1)
    light = noise(10, 20, 1)

    def status(*arguments, **options):
        return seen.prepare(*arguments, **options)[0]

    assert status("rgb", [plane], 20, 10) == OK
    assert status(-1, [plane], 20, 10) == FORMAT
    assert status(8, [plane], 20, 10) == FORMAT
    assert status("nv12", [light, half], 20, 10, colour=4) == FORMAT
    assert status("nv12", [light, half], 20, 10, colour=-1) == FORMAT
    for width, height in [(0, 10), (20, 0), (-1, 10), (16385, 1), (1, 16385), (2**31 - 1, 1)]:
        assert status("rgb", [plane], width, height) == SIZE
    for crop in [(0, 0, 0, 5), (0, 0, 5, 0), (1, 0, 0, 0), (0, 0, 21, 10), (1, 0, 20, 10), (0, 1, 20, 10),
                 (-1, 0, 5, 5), (0, -1, 5, 5), (0, 0, -5, 5), (2**31 - 1, 0, 1, 1)]:
        assert status("rgb", [plane], 20, 10, crop=crop) == CROP
    assert status("rgb", [None], 20, 10) == NULL_POINTER
    assert status("nv12", [light], 20, 10) == NULL_POINTER
    assert status("i420", [light, half], 20, 10) == NULL_POINTER
    assert status("rgb", [plane], 20, 10, rows=(59, 0, 0)) == ROWS
    assert status("nv12", [light, half], 20, 10, rows=(20, 19, 0)) == ROWS
    assert status("rgb", [plane], 20, 10, rows=(-60, 0, 0)) == ROWS  # as size_t
    monkeypatch.setenv("PLANE_BYTES", str(20 * 10 * 3 - 1))
    assert status("rgb", [plane], 20, 10) == ROWS
    monkeypatch.setenv("PLANE_BYTES", str(20 * 10 * 3))
    assert status("rgb", [plane], 20, 10) == OK


def test_longest_sides(library):
    seen = library(spec_of((8, 8)))
    for height, width in [(1, 16384), (16384, 1), (2, 16384)]:
        colours = noise(height, width, 3)
        check(seen.image("rgb", [colours], width, height), planar(resized(colours, (8, 8))))
    light, chroma = noise(16384, 3, 1), np.full((8192, 4), 128, np.uint8)
    got = seen.image("nv12", [light, chroma], 3, 16384, colour=1)
    check(got, planar(resized(np.repeat(light, 3, 2), (8, 8))))


def test_sanitized(tmp_path):
    """The C source under ASan and UBSan, in the same cases as above."""
    spec = spec_of((24, 17), "letterbox = centre")
    (tmp_path / "seen.rfl").write_text(spec)
    command = tmp_path / "cc"
    command.write_text("#!/bin/sh\nexec cc -fsanitize=address,undefined -fno-sanitize-recover=all \"$@\"\n")
    command.chmod(0o755)
    seen = Library(tmp_path, spec, ["--backend", "c", "--cc", command],
                   flags=["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
    for form, (height, width) in itertools.product(FORMATS, [(24, 17), (49, 35), (1, 1), (1, 2000), (333, 1)]):
        planes, rows, _ = planes_of(form, height, width, 5)
        seen.image(form, planes, width, height, rows)
        seen.image(form, planes, width, height, rows, (width // 2, height // 2, width - width // 2, height - height // 2))


@pytest.mark.skipif(not HAS_LLVM, reason="C source has what its compiler makes of it")
@pytest.mark.parametrize("target", ["x86-64-v3", "aarch64-linux-gnu", "armv7-linux-gnueabihf", "wasm32-unknown-unknown",
                                    "aarch64-linux-android24", "armv7a-linux-androideabi24", "x86_64-pc-windows-msvc"])
def test_nothing_else_is_needed(tmp_path, target):
    """Of others' symbols the library has memcpy and the like, whatever the target."""
    (tmp_path / "seen.rfl").write_text(spec_of((24, 17)))
    run(RIFFLE, "compile", tmp_path / "seen.rfl", "-o", tmp_path, "--random-weights", 1, "--target", target)
    archive = (tmp_path / "libseen.a").read_bytes()
    for word in (b"__aeabi_uidiv", b"__aeabi_idiv", b"__udivdi3", b"__divdi3", b"__aeabi_uldivmod", b"__udivti3",
                 b"__stack_chk", b"malloc"):
        assert word not in archive
    assert b"seen_prepare_image_parallel" in archive


def test_huge_sizes_have_no_frames(tmp_path):
    """An input beyond what frames can be has no such function, and its header says none."""
    (tmp_path / "seen.rfl").write_text(spec_of((1, 16385)))
    run(RIFFLE, "compile", tmp_path / "seen.rfl", "-o", tmp_path, "--random-weights", 1, *LIBRARY_OF_C)
    assert "prepare" not in (tmp_path / "seen.h").read_text()
    assert b"seen_prepare" not in (tmp_path / "libseen.a").read_bytes()
