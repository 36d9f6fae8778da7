"""Boxes: what answers in specs mean, what riffle run prints and draws of them."""

import json
import math
import random
import re
import struct
import unittest

from support import RGB, Command, float_bytes, png

try:
    from PIL import Image
except ImportError:
    Image = None

# Outputs are what the input is: boxes can be read off.
GRID = """network grid(classes = 2, batch = 1, rows = 4, columns = 4) {
    input cells: f32[batch, 5 + classes, rows, columns]
    let same = cells |> negate |> negate
    output predictions = same
    answer things = tanh_boxes(same)
}
"""
# Two strides of one input, whose cells the second sees in steps of two: lists and maps in both layouts.
STRIDES = """network strides {
    input cells: f32[1, 19, 4, 6]
    let near = split(cells |> negate |> negate, [2, 1, 4, 12])
    let far = split(cells |> max_pool(1, stride = 2), [2, 1, 4, 12])
    let far_list = far[0] |> permute([0, 2, 3, 1]) |> reshape([1, 6, 2])
    let marks_list = near[3] |> permute([0, 2, 3, 1]) |> reshape([1, 24, 12])
    output far_classes = far_list
    output classes = near[0]
    output objects = near[1]
    output far_objects nhwc = far[1]
    output boxes nhwc = near[2]
    output far_boxes = far[2]
    output marks = marks_list
    output far_marks = far[3]
    answer faces = exp_boxes(
        [near[0], far_list], [near[1], far[1]], [near[2], far[2]], landmarks = [marks_list, far[3]],
        strides = [1, 2],
    )
}
"""
# Red is certainty and width, green x and height, blue y and the class.
COLOURS = """network colours(batch = 1, resize = 8) {
    input image: f32[batch, 3, 8, 8] = pixels(rgb, scale = 1 / 255, resize = resize)
    let found = concat(image, image)
    output predictions = found
    answer things = tanh_boxes(found)
}
"""
SIGMOID_0, SIGMOID_1 = 0.5, 1 / (1 + math.exp(-1))


def picture(width, height, pixels):
    return png(width, height, RGB, [bytes(value for pixel in pixels[y * width:(y + 1) * width] for value in pixel)
                                    for y in range(height)])


def one_red_pixel(width, height, x, y):
    """Certain at one pixel, and of the one class there is."""
    pixels = [(0, 0, 255)] * (width * height)
    pixels[y * width + x] = (255, 0, 255)
    return picture(width, height, pixels)


def reference_boxes(cells, classes, rows, columns, threshold, overlap):
    """tanh_boxes and non-maximum suppression, as plainly as can be."""
    def at(channel, cell):
        return cells[channel * rows * columns + cell]

    found = []
    for cell in range(rows * columns):
        probabilities = [at(5 + c, cell) for c in range(classes)]
        score = at(0, cell) * max(probabilities)
        if score >= threshold:
            x = (cell % columns + math.tanh(at(1, cell))) * 1.0
            y = (cell // columns + math.tanh(at(2, cell))) * 1.0
            width, height = (size / (1 + math.exp(-at(c, cell))) for c, size in ((3, columns), (4, rows)))
            found.append((-score, cell, probabilities.index(max(probabilities)),
                          (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
    kept = []
    for score, _, which, box in sorted(found):
        if all(other != which or share(box, better) <= overlap for _, other, better in kept):
            kept.append((-score, which, box))
    return kept


def share(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    return width * height / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height)


class Boxes(Command):
    def setUp(self):
        super().setUp()
        self.write("grid.rfl", GRID)
        self.write("colours.rfl", COLOURS)

    def boxes(self, *words):
        return json.loads(self.succeed("run", *words, "--interpret", "--json"))["boxes"]

    def grid(self, cells, *words, classes=2, rows=4, columns=4):
        self.write("cells", float_bytes(cells))
        return self.boxes("grid.rfl", "--input", "cells", "--set", f"classes={classes}", "--set", f"rows={rows}",
                          "--set", f"columns={columns}", *words)[0]

    def test_a_box(self):
        """Also of a network that is compiled, and of its .rir."""
        cells = [0.0] * (7 * 16)
        for channel, number in enumerate([0.75, 0.5, -1, 2, -2, 0.25, 1]):
            cells[channel * 16 + 6] = number
        self.write("cells", float_bytes(cells))
        x, y = 2 + math.tanh(0.5), 1 - math.tanh(1)
        width, height = 4 / (1 + math.exp(-2)), 4 / (1 + math.exp(2))
        corners = f"{x - width / 2:.1f} {y - height / 2:.1f} {x + width / 2:.1f} {y + height / 2:.1f}"
        self.write("names", "cat\ndog\n")
        self.succeed("opt", "grid.rfl", "-o", "grid.rir")
        for spec in ("grid.rfl", "grid.rir"):
            for how in (["--interpret"], ["--backend=c"], ["--labels", "names"]):
                name = " dog" if how[0] == "--labels" else ""
                self.assertEqual(self.succeed("run", spec, "--input", "cells", *how), f"1{name} 0.750 {corners}\n")

    def test_random_cells(self):
        """Against the reference, ties and all."""
        maker = random.Random(15)
        for _ in range(30):
            classes, rows, columns = maker.randint(1, 4), maker.randint(1, 6), maker.randint(1, 6)
            few = maker.random() < 0.5
            cells = [maker.randint(-4, 4) / 4 if few else struct.unpack("f", struct.pack("f", maker.gauss(0, 1)))[0]
                     for _ in range((5 + classes) * rows * columns)]
            threshold, overlap = maker.choice([(0.0, 0.45), (0.25, 0.2), (0.1, 0.0), (0.5, 1.0)])
            given = self.grid(cells, "--threshold", threshold, "--overlap", overlap, classes=classes, rows=rows,
                              columns=columns)
            wanted = reference_boxes(cells, classes, rows, columns, threshold, overlap)
            self.assertEqual([box["class"] for box in given], [which for _, which, _ in wanted])
            for box, (score, _, corners) in zip(given, wanted):
                for a, b in zip([box["score"], *box["corners"]], [score, *corners]):
                    self.assertAlmostEqual(a, b, delta=1e-6 * max(1, abs(b)))  # boxes are of float

    def test_strides(self):
        """All forms of outputs, landmarks, several classes."""
        self.write("strides.rfl", STRIDES)
        cells = [0.0] * (19 * 24)
        numbers = [0.25, 0.81, 1.0, 0.5, 0.25, 1.0, 0.0, 0.5, -0.5, 1.0, 2.0]
        for channel, number in enumerate(numbers):
            cells[channel * 24 + 2 * 6 + 4] = number
        self.write("cells", float_bytes(cells))
        given = self.boxes("strides.rfl", "--input", "cells", "--overlap", 1)[0]
        self.assertEqual([(box["class"], round(box["score"], 6)) for box in given], [(1, 0.9)] * 2)
        for box, stride, (column, row) in zip(given, (1, 2), ((4, 2), (2, 1))):
            x, y = (column + 0.5) * stride, (row + 0.25) * stride
            width, height = math.e * stride, stride
            for a, b in zip(box["corners"], (x - width / 2, y - height / 2, x + width / 2, y + height / 2)):
                self.assertAlmostEqual(a, b, 6)
            marks = [(column + 0.5) * stride, (row - 0.5) * stride, (column + 1) * stride, (row + 2) * stride,
                     *[column * stride, row * stride] * 4]
            self.assertEqual(box["landmarks"], marks)

    def test_hostile_numbers(self):
        """Cells that are not numbers are left out; so are boxes that have no place."""
        cells = [0.0] * (6 * 16)
        for cell, numbers in enumerate([[math.nan, 0, 0, 0, 0, 1], [math.inf, 0, 0, 0, 0, 1], [1, math.nan, 0, 0, 0, 1],
                                        [1, 0, 0, math.nan, 0, 1], [1, 0, 0, 0, 0, math.nan], [1, 0, 0, 0, 0, 1]]):
            for channel, number in enumerate(numbers):
                cells[channel * 16 + cell] = number
        self.write("cells", float_bytes(cells))
        done = self.invoke("run", "grid.rfl", "--set", "classes=1", "--input", "cells", "--interpret")
        self.assertEqual((done.stdout, done.returncode), ("0 1.000 0.0 0.0 2.0 2.0\n", 3))
        self.assertIn("output 'predictions' holds NaN: 4 of its 96 numbers", done.stderr)

    def test_at_most_so_many(self):
        """A hostile output of boxes alone, which do not touch."""
        rows = columns = 60
        cells = [1.0] * 3600 + [0.0] * 7200 + [-30.0] * 7200 + [1.0] * 3600
        self.assertEqual(len(self.grid(cells, classes=1, rows=rows, columns=columns)), 1000)

    def test_pictures(self):
        """From the network's pixels to the picture's, where it was resized and cropped."""
        self.write("square.png", one_red_pixel(8, 8, 3, 2))
        x, y, width, height = 3.0, 2 + math.tanh(1), 8 * SIGMOID_1, 8 * SIGMOID_0
        line = "0 1.000 {:.1f} {:.1f} {:.1f} {:.1f}\n"
        where = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        self.assertEqual(self.succeed("run", "colours.rfl", "--image", "square.png", "--interpret"),
                         line.format(*where))
        self.write("wide.png", one_red_pixel(12, 8, 5, 2))  # two columns are cropped on each side
        moved = (where[0] + 2, where[1], where[2] + 2, where[3])
        self.assertEqual(self.succeed("run", "colours.rfl", "--image", "wide.png", "--interpret"), line.format(*moved))

    def test_batch(self):
        self.write("a.png", one_red_pixel(8, 8, 3, 2))
        self.write("b.png", picture(8, 8, [(0, 0, 255)] * 64))
        self.assertEqual(self.succeed("run", "colours.rfl", "--set", "batch=2", "--image", "b.png", "--image", "a.png",
                                      "--interpret", "--draw", "b2.png", "--draw", "a2.png"),
                         "b.png:\na.png:\n0 1.000 0.1 0.8 5.9 4.8\n")
        self.assertEqual(self.files().count("a2.png") + self.files().count("b2.png"), 2)

    @unittest.skipUnless(Image, "needs Pillow")
    def test_drawing(self):
        self.write("square.png", one_red_pixel(8, 8, 3, 3))
        self.succeed("run", "colours.rfl", "--image", "square.png", "--draw", "drawn.png", "--interpret")
        drawn = Image.open(self.folder / "drawn.png")
        colour = (0, 220, 90)
        # Columns 0.08 to 5.92, rows 1.76 to 5.76.
        framed = {(x, y) for x in range(8) for y in range(8) if drawn.getpixel((x, y)) == colour}
        self.assertEqual(framed, {(x, y) for x in range(6) for y in range(2, 6) if x in (0, 5) or y in (2, 5)})
        self.assertEqual(drawn.getpixel((3, 3)), (255, 0, 255))
        self.assertEqual((drawn.size, drawn.mode, drawn.getpixel((7, 7))), ((8, 8), "RGB", (0, 0, 255)))

    def test_forms(self):
        """.rfl and JSON, .rir and back."""
        self.succeed("convert", "grid.rfl", "-o", "grid.json")
        self.assertIn('"answer": "things"', (self.folder / "grid.json").read_text())
        self.succeed("convert", "grid.json", "-o", "again.rfl")
        self.assertEqual((self.folder / "again.rfl").read_text(), GRID)
        text = self.succeed("opt", "grid.rfl", "--passes=")
        self.assertIn("  answer things = tanh_boxes(predictions = [predictions])\n", text)
        self.write("grid.rir", text)
        self.assertEqual(self.succeed("opt", "grid.rir", "--passes="), text)

    def test_mistakes(self):
        self.write("square.png", one_red_pixel(8, 8, 3, 2))
        self.write("cells", float_bytes([0.0] * 112))
        for words, message, status in (
                ("run grid.rfl --input cells --draw a.png",
                 "riffle: error: 1 files were given with --draw for 0 pictures\n"
                 "hint: boxes are drawn into the pictures of --image\n", 2),
                ("run grid.rfl --input cells --threshold 2",
                 "riffle: error: '2' is no value for --threshold: give a number from 0 to 1\n", 2),
                ("run identity.rfl --image square.png --draw a.png",
                 "riffle: error: --draw is for networks that answer with boxes, and 'identity' has no answer\n"
                 "hint: write 'answer NAME = ...' into the spec: docs/detect.md tells how\n", 1),
                ("run grid.rfl --input cells --top 3",
                 "riffle: error: --top is for networks that answer with classes, and 'grid' answers with boxes\n"
                 "hint: --threshold says how certain a box must be\n", 1)):
            self.expect_error(words, message, status)
        self.assertNotIn("a.png", self.files())

    def test_labels_of_all_classes(self):
        self.write("names", "cat\n")
        self.write("cells", float_bytes([0.0] * 112))
        self.expect_error("run grid.rfl --input cells --labels names",
                          "riffle: error: 'names' has 1 names where the network has 2 classes\n"
                          "hint: the file has one name a line, in class order\n")

    def test_description(self):
        self.succeed("compile", "grid.rfl", "--backend", "c", "-o", "out")
        self.assertEqual(json.loads((self.folder / "out" / "grid.json").read_text())["answer"],
                         {"name": "things", "classes": 2, "landmarks": 0})

    def test_text_of_the_ir(self):
        self.write("grid.rir", self.succeed("opt", "grid.rfl", "--passes="))
        text = (self.folder / "grid.rir").read_text()
        for old, new, message in (
                ("tanh_boxes", "tan_boxes", "there is no such decoding"),
                ("(predictions =", "(prediction =", "the decoding has no such part"),
                ("[predictions])", "[things])", "there is no such output"),
                ("[predictions])", "[predictions, predictions])", "'predictions' of tanh_boxes has 2 outputs, not 1"),
                ("f32[1,7,4,4]", "f32[1,5,4,4]",
                 "output 'predictions' is f32[1,5,4,4] where 'predictions' is [1, 5 + n, rows, columns]")):
            self.write("broken.rir", text.replace(old, new))
            done = self.invoke("opt", "broken.rir", "--passes=")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"error: {message}\n", done.stderr)

    def test_what_parts_must_be(self):
        for old, new, message in (
                (", [near[2], far[2]], ", ", ", "'boxes' of exp_boxes is missing"),
                ("[near[1], far[1]]", "near[1]", "'objects' of exp_boxes has 1 outputs, not 2, one for each stride"),
                ("strides = [1, 2]", "strides = [1, 4]",
                 "a stride of 4 does not divide the input's 4 rows and 6 columns"),
                ("        strides = [1, 2],\n", "", "'strides' of exp_boxes is missing"),
                ("[near[1], far[1]]", "[far[1], near[1]]", "output 'far_objects' is f32[1,1,2,3] where 'objects' at "
                 "stride 1 is [1, 24, 1] or [1, 1, 4, 6]"),
                ("output far_marks = far[3]", "let ten, _ = split(far[3], [10, 2])\n    output far_marks = ten",
                 "output 'far_marks' has 10 channels where 'marks' has 12"),
                ("output far_marks = far[3]", "let odd, _ = split(far[3], [11, 1])\n    output far_marks = odd",
                 "output 'far_marks' is f32[1,11,2,3] where 'landmarks' at stride 2 is [1, 6, 2 * n] or "
                 "[1, 2 * n, 2, 3]")):
            spec = STRIDES.replace(old, new)
            part = "ten" if "ten, _" in new else "odd" if "odd, _" in new else "far[3]"
            self.write("strides.rfl", spec.replace("[marks_list, far[3]]", f"[marks_list, {part}]"))
            done = self.invoke("inspect", "strides.rfl")
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, f"^strides.rfl:[0-9]+:[0-9]+: error: {re.escape(message)}\n")


if __name__ == "__main__":
    unittest.main()
