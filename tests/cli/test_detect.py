"""The detectors of examples/detect with the weights that their projects publish, on photos."""

import json
import unittest

from support import RGB, ROOT, SHARED, Command, float_bytes, floats, png, safetensors

try:
    import numpy
    import onnxruntime
    from PIL import Image
except ImportError:
    numpy = None

DETECT = ROOT / "examples" / "detect"
MODELS = {"fastestdet": "fastestdet.onnx", "yunet": "yunet_n_320.onnx"}
SHAPES = {"a.weight": [2, 3, 1, 1], "a.bias": [2], "b.weight": [2, 2, 1, 1]}
NET = """network net {
    input x: f32[1, 3, 2, 2]
    output y = x |> conv(2, 1, bias = true) @ first |> conv(2, 1) @ second.conv
}
"""


class Names(Command):
    """--weights-names"""

    def setUp(self):
        super().setUp()
        self.write("net.rfl", NET)
        self.write("plain.rfl", NET.replace("first", "a").replace("second.conv", "b"))
        self.write("w", safetensors(SHAPES))
        self.write("x", float_bytes([1.0, 2.0, -1.0, 0.5] * 3))
        self.succeed(*"run plain.rfl --weights w --input x --output y --interpret".split())
        self.expected = (self.folder / "y").read_bytes()

    def compute(self, names, *words, weights="w"):
        self.write("names", names)
        self.succeed("run", "net.rfl", "--weights", weights, "--weights-names", "names", *words, "--input", "x",
                     "--output", "z", "--interpret")
        return (self.folder / "z").read_bytes()

    def test_layers_and_tensors(self):
        for names in ("a first\nb second.conv\n", "# all\n\n  a\tfirst # the first\r\nb second.conv",
                      "a.weight first.weight\na.bias first.bias\nb.weight second.conv.weight\n"):
            self.assertEqual(self.compute(names), self.expected)

    def test_two_that_change_places(self):
        self.write("net.rfl", NET.replace("first", "b").replace("second.conv", "a"))
        self.assertEqual(self.compute("a b\nb a\n"), self.expected)

    def test_behind_a_prefix(self):
        self.write("v", safetensors({f"model.{name}": shape for name, shape in SHAPES.items()}))
        self.assertEqual(self.compute("a first\nb second.conv\n", "--weights-prefix", "model.", weights="v"),
                         self.expected)

    def test_mistakes(self):
        for names, message in (
                ("a\n", "names:1:1: error: a line has a layer's name in the file and its path in the network\n"
                        "a\n^\n"),
                ("a first and more\n", "names:1:1: error: a line has a layer's name in the file and its path in the "
                                       "network\na first and more\n^\n"),
                ("a first\na b\n", "names:2:1: error: there is a line for this name already\na b\n^\n"),
                ("a first\nc second.conv\n", "names:2:1: error: w: no layer is called 'c'\nc second.conv\n^\n"),
                ("a first\nb first\n", "riffle: error: w: two tensors are called 'first.weight'\n")):
            self.write("names", names)
            self.expect_error("run net.rfl --weights w --weights-names names --input x --output z", message)
        self.expect_error("run net.rfl --random-weights 1 --weights-names names --input x --output z",
                          "riffle: error: --weights-names says what the layers of --weights are called, and there is "
                          "none\n", 2)

    def test_depfile(self):
        self.write("names", "a first\nb second.conv\n")
        self.succeed(*"compile net.rfl --weights w --weights-names names --backend c -o o --depfile d".split())
        self.assertIn("names", (self.folder / "d").read_text())


def suppressed(found, threshold, overlap):
    """Boxes (score, class, corners, landmarks) without those that lie on better ones of their class."""
    kept = []
    for one in sorted((one for one in found if one[0] >= threshold), key=lambda one: -one[0]):
        if all(other[1] != one[1] or union_share(other[2], one[2]) <= overlap for other in kept):
            kept.append(one)
    return kept


def union_share(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def decode_fastestdet(outputs, width, height):
    """As the project's runtime.py does."""
    cells = outputs[0][0].transpose(1, 2, 0).astype(numpy.float64)
    rows, columns, _ = cells.shape
    for y in range(rows):
        for x in range(columns):
            cell = cells[y, x]
            middle = (x + numpy.tanh(cell[1])) / columns, (y + numpy.tanh(cell[2])) / rows
            size = 1 / (1 + numpy.exp(-cell[3])), 1 / (1 + numpy.exp(-cell[4]))
            yield (cell[0] * cell[5:].max(), int(cell[5:].argmax()),
                   [(middle[0] - size[0] / 2) * width, (middle[1] - size[1] / 2) * height,
                    (middle[0] + size[0] / 2) * width, (middle[1] + size[1] / 2) * height], [])


def decode_yunet(outputs, width, height):
    """As OpenCV's FaceDetectorYN does."""
    for level, stride in enumerate((8, 16, 32)):
        classes, objects, boxes, marks = (outputs[level + 3 * part][0].astype(numpy.float64) for part in range(4))
        columns = 320 // stride
        for cell in range(columns * columns):
            x, y = cell % columns, cell // columns
            score = (min(max(classes[cell, 0], 0), 1) * min(max(objects[cell, 0], 0), 1)) ** 0.5
            middle = (x + boxes[cell, 0]) * stride, (y + boxes[cell, 1]) * stride
            size = numpy.exp(boxes[cell, 2]) * stride, numpy.exp(boxes[cell, 3]) * stride
            scale = [width / 320, height / 320]
            yield (score, 0, [(middle[i % 2] + (size[i % 2] / 2 if i > 1 else -size[i % 2] / 2)) * scale[i % 2]
                              for i in range(4)],
                   [(marks[cell, i] + (x, y)[i % 2]) * stride * scale[i % 2] for i in range(10)])


DECODERS = {"fastestdet": (decode_fastestdet, 352, 1 / 255), "yunet": (decode_yunet, 320, 1)}


class BatchNorms(Command):
    def test_both_forms(self):
        """With folded = false the .pth of the project: each layer with a batch norm has the four tensors of it."""
        for network, some in (("fastestdet", "SPP.S3.7.running_mean"), ("yunet", "backbone.model0.bn1.running_var")):
            text = self.succeed("opt", DETECT / f"{network}.rfl", "--passes=")
            self.assertIn(f"weight @{some} : ", text)
            self.assertNotIn(f"weight @{some} : ",
                             self.succeed("opt", DETECT / f"{network}.rfl", "--passes=", "--set", "folded=true"))


@unittest.skipUnless((SHARED / "models").is_dir(), "skipped: no models in ../shared")
class Published(Command):
    """The files of the projects, imported; the examples take their weights by name."""

    def weights(self, network):
        if "without ONNX" in self.succeed("--version"):
            self.skipTest("skipped: riffle was built without ONNX")
        self.succeed("import", SHARED / "models" / MODELS[network], "-o", f"{network}.rfl", "--weights-out", "w")
        return ["--weights", "w", "--weights-names", DETECT / f"{network}.names", "--set", "folded=true"]

    def numbers(self, spec, *words):
        words = [*words, "--input", "x"] + [f"--output={i}" for i in range(12 if "yunet" in str(spec) else 1)]
        self.succeed("run", spec, *words)
        return [floats((self.folder / str(i)).read_bytes()) for i in range(12 if "yunet" in str(spec) else 1)]

    def test_same_numbers(self):
        """As the spec that was imported gives, to what another order of additions changes."""
        for network in MODELS:
            words = self.weights(network)
            size = DECODERS[network][1]
            self.write("x", float_bytes([(i * 7919 % 256) * DECODERS[network][2] for i in range(3 * size * size)]))
            imported = self.numbers(f"{network}.rfl", "--weights", "w")
            written = self.numbers(DETECT / f"{network}.rfl", *words)
            for a, b in zip(imported, written):
                largest = max(map(abs, a))
                self.assertLess(max(abs(x - y) for x, y in zip(a, b)), 1e-5 * largest, network)

    def test_imported_with_an_answer(self):
        """Two changes make a detector of what was imported: docs/detect.md."""
        words = self.weights("yunet")
        page = (ROOT / "docs" / "detect.md").read_text()
        answer = page[page.index("    answer faces = exp_boxes("):]
        answer = answer[:answer.index("\n    )") + 7]
        text = (self.folder / "yunet.rfl").read_text().replace("320, 320]\n", "320, 320] = pixels(bgr)\n", 1)
        self.write("edited.rfl", text.rstrip().rstrip("}") + answer + "}\n")
        rows = [bytes(i * i * y % 256 for i in range(120)) for y in range(30)]
        photo = self.write("photo.png", png(40, 30, RGB, rows))
        options = ["--image", photo, "--threshold", 0.001]
        given = self.succeed("run", "edited.rfl", "--weights", "w", *options)
        self.assertGreater(len(given), 0)
        self.assertEqual(given, self.succeed("run", DETECT / "yunet.rfl", *words, *options))

    @unittest.skipUnless(numpy, "skipped: needs NumPy, ONNX Runtime and Pillow")
    @unittest.skipUnless((SHARED / "photos").is_dir(), "skipped: no photos in ../shared")
    def test_boxes_on_photos(self):
        """Those of ONNX Runtime and a decoder in Python. The photos show no face: YuNet has to guess."""
        for network, threshold in (("fastestdet", 0.3), ("yunet", 0.01)):
            words = self.weights(network)
            decode, size, scale = DECODERS[network]
            session = onnxruntime.InferenceSession(SHARED / "models" / MODELS[network])
            count = 0
            for photo in sorted((SHARED / "photos").glob("*.jpg"))[:2]:
                image = Image.open(photo).convert("RGB")
                small = numpy.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).astype(numpy.float32)
                x = numpy.ascontiguousarray(small[:, :, ::-1].transpose(2, 0, 1)[None]) * numpy.float32(scale)
                outputs = session.run(None, {session.get_inputs()[0].name: x})
                wanted = suppressed(decode(outputs, *image.size), threshold, 0.45)
                printed = json.loads(self.succeed("run", DETECT / f"{network}.rfl", *words, "--image", photo, "--draw",
                                                  "drawn.png", "--threshold", threshold, "--json"))["boxes"][0]
                self.assertEqual([box["class"] for box in printed], [box[1] for box in wanted], photo)
                for box, (score, _, corners, marks) in zip(printed, wanted):
                    self.assertAlmostEqual(box["score"], score, 3)
                    for a, b in zip([*box["corners"], *box.get("landmarks", [])], [*corners, *marks]):
                        self.assertAlmostEqual(a, b, delta=0.002 * max(image.size))
                count += len(printed)
                with Image.open(self.folder / "drawn.png") as drawn:
                    self.assertEqual(drawn.size, image.size)
            self.assertGreater(count, 0, network)


if __name__ == "__main__":
    unittest.main()
