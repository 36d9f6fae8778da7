"""What riffle run makes of pictures: every kind of JPEG and PNG, and files that lie."""

import base64
import itertools
import json
import struct
import unittest

try:
    import PIL.Image
except ImportError:
    PIL = None

from support import GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, ROOT, SHARED, Command, floats, has_llvm, part, png

# 8 x 8 pixels of gray 120, and of the inks (0, 255, 128, 64), which are pixels of (191, 0, 95).
GRAY_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsK"
    "DAkKCgr/wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG"
    "E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ"
    "ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AOfr/9k=")
CMYK_JPEG = base64.b64decode(
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJ"
    "CgoK/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAE"
    "EQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6"
    "g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkA"
    "SwAAPwD9/K/n/qOvvyv/2Q==")

# The first answer of each network for each photo, and its probability.
PHOTOS = {
    "dog.jpg": ("Samoyed", 0.871, 0.534, 0.771),
    "pelican.jpg": ("pelican", 0.998, 0.334, 0.686),
    "cat.png": ("Egyptian cat", 0.696, 0.669, 0.480),
    "espresso.png": ("espresso", 0.922, 0.876, 0.968),
    "daisy.jpg": ("daisy", 0.995, 0.973, 0.999),
    "hot_dog.jpg": ("hotdog", 0.866, 0.653, 0.813),
}
NETWORKS = [
    ("shufflenet_v2", ["width=1.0"], "shufflenet_v2_x1_0"),
    ("shufflenet_v1", ["width=0.5", "groups=3", "megvii=true"], "shufflenet_v1_x0_5_g3"),
    ("squeezenet", ["version=1.1"], "squeezenet_v1_1"),
]


class Images(Command):
    def pixels(self, contents, spec="identity.rfl"):
        """The planes that the network was given."""
        self.write("picture", contents)
        self.succeed("run", spec, "--interpret", "--image", "picture", "--output", "pixels.f32")
        numbers = floats((self.folder / "pixels.f32").read_bytes())
        size = len(numbers) // 3
        return [numbers[i * size:(i + 1) * size] for i in range(3)]

    def check_uniform(self, contents, colour):
        for plane, wanted in zip(self.pixels(contents), colour):
            self.assertEqual(set(plane), {float(wanted)})

    def test_kinds_of_png(self):
        self.check_uniform(png(8, 8, RGB, [bytes([10, 20, 30] * 8)] * 8), (10, 20, 30))
        self.check_uniform(png(8, 8, GRAY, [bytes([77] * 8)] * 8), (77, 77, 77))
        self.check_uniform(png(8, 8, GRAY_ALPHA, [bytes([77, 5] * 8)] * 8), (77, 77, 77))
        self.check_uniform(png(8, 8, RGBA, [bytes([10, 20, 30, 0] * 8)] * 8), (10, 20, 30))
        self.check_uniform(png(8, 8, PALETTE, [bytes([1] * 8)] * 8, palette=bytes([0, 0, 0, 40, 50, 60])), (40, 50, 60))
        self.check_uniform(png(8, 8, GRAY, [b"\xff"] * 8, depth=1), (255, 255, 255))
        self.check_uniform(png(8, 8, RGB, [bytes([10, 10, 20, 20, 30, 30] * 8)] * 8, depth=16), (10, 20, 30))

    def test_kinds_of_jpeg(self):
        self.check_uniform(GRAY_JPEG, (120, 120, 120))
        self.check_uniform(CMYK_JPEG, (191, 0, 95))

    def test_resize(self):
        """Halving with a widened triangle: each result is 1/8, 3/8, 3/8, 1/8 of four pixels."""
        row = [0, 80, 160, 240] * 4
        rows = [bytes(value for pixel in row for value in (pixel, pixel, pixel))] * 16
        plane = self.pixels(png(16, 16, RGB, rows))[0]
        inner = [plane[i] for i in range(1, 7)]
        wanted = [(a + 3 * b + 3 * c + d) / 8 for a, b, c, d in
                  [[row[2 * i + k] for k in (-1, 0, 1, 2)] for i in range(1, 7)]]
        for number, exact in zip(inner, wanted):
            self.assertLessEqual(abs(number - exact), 0.51)

    def test_resize_and_crop(self):
        """The shorter side becomes 8 pixels; the middle of the longer one is taken."""
        rows = [bytes([0] * 3 * 8 + [200] * 3 * 8 + [0] * 3 * 8)] * 8
        self.assertEqual(set(self.pixels(png(24, 8, RGB, rows), "cropped.rfl")[0]), {200.0})
        tall = [bytes([0] * 24)] * 8 + [bytes([200] * 24)] * 8 + [bytes([0] * 24)] * 9  # an odd pixel is left over
        self.assertEqual(set(self.pixels(png(8, 25, RGB, tall), "cropped.rfl")[0]), {200.0})

    def complain(self, contents, pattern, spec="identity.rfl", *options):
        self.write("picture", contents)
        done = self.invoke("run", spec, "--interpret", "--image", "picture", "--output", "pixels.f32", *options)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"^riffle: error: {pattern}\n(hint: .*\n)?$")
        self.assertNotIn("pixels.f32", self.files())

    def test_files_that_lie(self):
        whole = png(8, 8, RGB, [bytes(i * 37 % 251 for i in range(24 * row, 24 * row + 24)) for row in range(8)])
        self.complain(b"", "'picture' is neither JPEG nor PNG")
        self.complain(b"GIF89a" + bytes(100), "'picture' is a GIF picture, not a JPEG or PNG picture")
        self.complain(whole[:150], "'picture' cannot be read as PNG: .*")
        self.complain(GRAY_JPEG[:-60], "'picture' cannot be read as JPEG: .*")
        self.complain(b"\xff\xd8\xff\xd9" + bytes(40),
                      "'picture' has 0 x 0 pixels: at least one and at most 67108864 are allowed")
        broken = bytearray(whole)
        broken[100] ^= 0xff
        self.complain(bytes(broken), "'picture' cannot be read as PNG: .*")

    def test_enormous_pictures(self):
        self.complain(png(100_000, 100_000, RGB, [bytes(24)]),
                      "'picture' has 100000 x 100000 pixels: at least one and at most 67108864 are allowed")
        jpeg = bytearray(GRAY_JPEG)
        frame = jpeg.index(b"\xff\xc0")
        jpeg[frame + 5:frame + 9] = struct.pack(">HH", 65500, 65500)
        self.complain(bytes(jpeg), "'picture' has 65500 x 65500 pixels: at least one and at most 67108864 are allowed")
        self.complain(png(1, 900_000, GRAY, [b"\0"] * 900_000),
                      "the picture of 1 x 900000 pixels would grow to 256 x 230400000 before the crop",
                      "cropped.rfl", "--set", "resize=256")

    def test_batch(self):
        self.write("picture", GRAY_JPEG)
        self.expect_error("run small.rfl --random-weights 1 --interpret --set batch=2 --image picture",
                  "riffle: error: 1 pictures were given where the batch is 2\n"
                  "hint: repeat --image, or set the batch with --set\n")
        printed = self.succeed("run", "small.rfl", "--random-weights", 1, "--interpret", "--set", "batch=2",
                               "--image", "picture", "--image", "picture", "--top", 1)
        lines = printed.splitlines()
        self.assertEqual(lines[0], "picture:")
        self.assertEqual(lines[:2], lines[2:])

    def test_unprepared_input(self):
        self.write("raw.rfl", "network raw {\n    input x: f32[1, 3, 8, 8]\n    output y = x |> relu\n}\n")
        self.write("picture", GRAY_JPEG)
        self.expect_error("run raw.rfl --interpret --image picture --output y.f32",
                  "riffle: error: input 'x' does not say how pixels become numbers\n"
                  "hint: write '= pixels(...)' after the input's type in the spec, or give numbers with --input\n")


@unittest.skipUnless(PIL, "skipped: Pillow is not installed")
class AgainstPillow(Command):
    def check(self, width, height, resize):
        picture = PIL.Image.effect_noise((width, height), 80).convert("RGB")
        picture.paste(PIL.Image.linear_gradient("L").resize((width // 2 + 1, height // 2 + 1)), (0, 0))
        picture.save(self.folder / "picture.png")
        self.succeed("run", "cropped.rfl", "--interpret", "--set", f"resize={resize}", "--image", "picture.png",
                     "--output", "pixels.f32")
        scale = (resize, resize * height // width) if width <= height else (resize * width // height, resize)
        left, top = (int(round((size - 8) / 2)) for size in scale)  # as torchvision: half to even
        wanted = picture.resize(scale, PIL.Image.Resampling.BILINEAR).crop((left, top, left + 8, top + 8))
        planes = [float(value) for band in wanted.split() for value in band.tobytes()]
        self.assertEqual(floats((self.folder / "pixels.f32").read_bytes()), planes)

    def test_centre_crop(self):
        """Where the crop begins, in 44 sizes of which many leave half a pixel."""
        for width in range(9, 20):
            for height in range(9, 13):
                with self.subTest(width=width, height=height):
                    self.check(width, height, 9)

    def test_resize(self):
        """The same pixels as Pillow, shrinking, growing and leaving alone, to the bit."""
        for width, height, resize in [(64, 48, 16), (48, 64, 11), (13, 9, 9), (9, 13, 40), (200, 31, 8), (33, 33, 32)]:
            with self.subTest(width=width, height=height, resize=resize):
                self.check(width, height, resize)


@unittest.skipUnless((SHARED / "photos").is_dir(), "skipped: no ../shared with real weights and photos")
class Photos(Command):
    def check(self, photo, number, *options):
        name, *probabilities = PHOTOS[photo]
        spec, settings, weights = NETWORKS[number]
        words = [word for setting in settings for word in ("--set", setting)]
        data = json.loads(self.succeed(
            "run", ROOT / "examples" / f"{spec}.rfl", *words, "--json", "--top", 1,
            "--weights", SHARED / "weights" / f"{weights}.safetensors", "--image", SHARED / "photos" / photo,
            "--labels", SHARED / "photos" / "imagenet_classes.txt", *options))
        (answer,), = data["top"]
        self.assertEqual(answer["label"], name)
        self.assertLessEqual(abs(answer["probability"] - probabilities[number]), 0.025)

    def test_interpreted(self):
        self.check("dog.jpg", 1, "--interpret")

    def test_compiled(self):
        if not has_llvm():
            self.skipTest("skipped: this riffle has no LLVM")
        for photo, number in part(itertools.product(PHOTOS, range(len(NETWORKS))), 4):
            with self.subTest(photo=photo, network=NETWORKS[number][0]):
                self.check(photo, number)


if __name__ == "__main__":
    unittest.main()
