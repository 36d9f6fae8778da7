"""Files of another kind than a reader takes: what they are, and what takes them."""

import io
import json
import re
import struct
import unittest
import zipfile

from support import NETWORK, ROOT, Command, lacks

ONNX_HINT = "export the network as an ONNX model: `riffle import` takes that"
IMPORT_HINT = "`riffle import` makes a spec and a file of weights of it"
TORCH_HINT = ("--weights takes the tensors of a state_dict; in Python, torch.onnx.export writes a model for "
              "`riffle import`")
PICTURE_HINT = "--image and --calibration take pictures"


def archive(name, contents=bytes(50)):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(name, contents)
    return file.getvalue()


def safetensors(padding=0):
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode() + b" " * padding
    return struct.pack("<Q", len(header)) + header + bytes(8)


GRAPH = "# as printed\ngraph net {\n  input %x : f32[1,4,2,2]\n  %y = relu %x : f32[1,4,2,2]\n  output y = %y\n}\n"

# What a file holds, what it is, and the hint.
KINDS = {
    "spec": (NETWORK.encode(), "a spec in riffle's language",
             "the name of a spec ends in .rfl, or in .json where it is JSON"),
    "json": (b' {"riffle": 1}', "JSON", "the name of a spec in JSON ends in .json"),
    "ir": (GRAPH.encode(), "a graph in riffle's textual IR", "the name of a graph in textual IR ends in .rir"),
    "kernels": (b"# as printed\nkernel k(read x) items 1 {\n}\n", "kernels in riffle's textual IR",
                "`riffle fmt` takes kernels; the name of such a file ends in .rkir"),
    "tuning": (b"riffle tuning 1 for x86-64-v4\n", "a tuning", "--tuning takes what `riffle tune` has written"),
    "precision map": (b"riffle precision map 1 for int8\n", "a precision map",
                      "--precision-map takes what `riffle precision` has written"),
    "safetensors": (safetensors(), "a safetensors file", "--weights takes weights in safetensors"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x3a\x00", "an ONNX model", IMPORT_HINT),
    "torch": (archive("net/data.pkl"), "a PyTorch checkpoint", TORCH_HINT),
    "torch packed anew": (archive("net/byteorder"), "a PyTorch checkpoint", TORCH_HINT),
    "torchscript": (archive("net/data/0"), "a PyTorch checkpoint", TORCH_HINT),
    "old torch": (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", "a PyTorch checkpoint", TORCH_HINT),
    "tflite": (b"\x1c\0\0\0TFL3" + bytes(50), "a TensorFlow Lite model", ONNX_HINT),
    "saved model": (b"\x08\x01\x12\x80\x20\x0a\x30\x12\x2e\x0a\x2c\x0a\x07AssignA" + bytes(5000), "a TensorFlow model",
                    ONNX_HINT),
    "frozen graph": (b"\x0a\x2c\x0a\x05input\x12\x0bPlaceholder\x2a\x00" + bytes(50), "a TensorFlow model", ONNX_HINT),
    "core ml": (b"\x08\x04\x12\x40\x0a\x10\x0a\x05image\x1a\x05\x22\x00" + bytes(50), "a Core ML model", ONNX_HINT),
    "paddle": (b"\x0a\x92\xe7\x02\x08\x00\x10" + b"\xff" * 9 + b"\x01\x1a\x0c" + bytes(50), "a Paddle model",
               "in a shell, paddle2onnx makes an ONNX model of it: `riffle import` takes that"),
    "keras archive": (archive("metadata.json", b'{"keras_version": "3.3.3"}'), "a Keras model", ONNX_HINT),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file, as Keras writes", ONNX_HINT),
    "ncnn": (b"7767517\n2 2\nInput data 0 1 data\n", "an ncnn model", IMPORT_HINT),
    "ncnn in binary": (b"\xdd\x85\x76\0" + bytes(50), "an ncnn model", IMPORT_HINT),
    "ncnn weights": (b"\x47\x6b\x30\x01" + bytes(50), "weights of an ncnn model",
                     "`riffle import` takes the .param file beside it"),
    "ort": (b"\x10\0\0\0ORTM" + bytes(50), "a model in ONNX Runtime's own format",
            "`riffle import` takes the ONNX model that it was made of"),
    "onnx as text": (b'ir_version: 8\nproducer_name: "pytorch"\n', "an ONNX model as text",
                     'in Python, onnx.save(onnx.load("net.textproto"), "net.onnx") writes the binary form'),
    "xml": (b'<?xml version="1.0"?>\n<net name="v2" version="11">\n', "an XML file, as OpenVINO writes", ONNX_HINT),
    "page": (b"<!DOCTYPE html>\n<html>\n", "a web page", "fetch the file itself, not the page that shows it"),
    "numpy": (b"\x93NUMPY\1\0" + bytes(50), "a NumPy array",
              'in Python, array.astype("<f4").tofile("x.f32") writes it as raw float32 numbers'),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture", PICTURE_HINT),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG picture", PICTURE_HINT),
    "gif": (b"GIF89a" + bytes(50), "a GIF picture", "convert it to PNG or JPEG"),
    "webp": (b"RIFF\x40\0\0\0WEBPVP8 " + bytes(50), "a WebP picture", "convert it to PNG or JPEG"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "a pointer of Git LFS in place of the file itself", "`git lfs pull` fetches the file"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(50), "a gzip file", "unpack it with gunzip, or with tar"),
    "zip": (archive("x.npy"), "a zip archive", "unpack it"),
    "elf": (b"\x7fELF\2\1\1" + bytes(50), "a program or an object file (ELF)", None),
    "library": (b"!<arch>\n" + bytes(50), "a static library", None),
}

# Name of the file, what is wanted, the kinds that are, the command with {} for the file.
READERS = [
    ("net.rfl", "a spec", ["spec"], "inspect {}"),
    ("net.json", "a spec in JSON", ["json"], "inspect {}"),
    ("net.rir", "a graph in textual IR", ["ir"], "inspect {}"),
    ("net.onnx", "a spec", ["spec"], "fmt {}"),
    ("net.xyz", "a spec", ["spec"], "convert {} --to json"),
    ("net.xyz", "a file of weights", ["safetensors", "torch", "torch packed anew", "torchscript", "old torch"],
     "compile small.rfl --weights {} -o out"),
    ("net.xyz", "an ONNX model", ["onnx", "ncnn", "ncnn in binary"], "import {} -o a.rfl --weights-out a.safetensors"),
    ("net.xyz", "a JPEG or PNG picture", ["jpeg", "png"], "run small.rfl --random-weights 1 --interpret --image {}"),
    ("net.xyz", "raw float32 numbers", [], "run small.rfl --random-weights 1 --interpret --input {} --output y.f32"),
    ("net.xyz", "a list of labels", [],
     "run small.rfl --random-weights 1 --interpret --input x.f32 --labels {} --top 1"),
    ("net.xyz", "a tuning", ["tuning"], "compile small.rfl --random-weights 1 --tuning {} --target x86-64-v4 -o out"),
    ("net.xyz", "a precision map", ["precision map"], "compile small.rfl --random-weights 1 --precision int8 "
     "--calibration random --precision-map {} --target x86-64-v4 -o out"),
    ("net.xyz", "raw float32 numbers", [], "compile small.rfl --random-weights 1 --precision int8 --calibration {} "
                                           "--target x86-64-v4 -o out"),
]


class Kinds(Command):
    def test_every_kind_is_here(self):
        table = (ROOT / "ir" / "file_kinds.def").read_text()
        names = re.findall(r'^FILE_KIND\(\w+, "(.*?)",', table, re.MULTILINE)
        self.assertGreater(len(names), 15)
        self.assertEqual(set(names), {name for _, name, _ in KINDS.values()})

    def test_every_reader(self):
        self.write("x.f32", bytes(768))
        for file, what, wanted, command in READERS:
            if command.startswith("import") and lacks("ONNX"):
                continue
            for kind, (contents, name, hint) in KINDS.items():
                if kind in wanted:
                    continue
                with self.subTest(f"{kind}: {command}"):
                    self.write(file, contents)
                    message = f"riffle: error: '{file}' is {name}, not {what}\n"
                    if hint is not None:
                        message += f"hint: {hint}\n"
                    self.expect_error(command.format(file), message)

    def test_what_is_large(self):
        self.write("net.rfl", KINDS["onnx"][0] + bytes(5 << 20))
        self.expect_error("compile net.rfl", "riffle: error: 'net.rfl' is an ONNX model, not a spec\n"
                                             f"hint: {KINDS['onnx'][2]}\n")

    def test_standard_input(self):
        done = self.invoke("inspect", "-", stdin=GRAPH)
        self.assertEqual(done.stderr, "riffle: error: '<stdin>' is a graph in riffle's textual IR, not a spec\n"
                                      f"hint: {KINDS['ir'][2]}\n")

    def test_numbers_that_look_like_something(self):
        """A header of safetensors whose length begins as a gzip file does; numbers of the right size."""
        length = 0x088b1f
        self.write("w.safetensors", safetensors(length - len(safetensors()) + 16))
        self.assertIn("weight 'conv.weight' of shape [8,3,3,3] is missing",
                      self.invoke("compile", "small.rfl", "--weights", "w.safetensors", "-o", "out").stderr)
        self.write("x.f32", b"\x93NUMPY" + bytes(762))
        self.succeed(*"run small.rfl --random-weights 1 --interpret --input x.f32 --output y.f32".split())

    def test_text_that_is_none_of_riffle(self):
        """What begins like it, but is a picture of graphviz, a program, a document."""
        for text in (b"graph g {\n  a -- b\n}\n", b"import torch\n", b"network: 1\n", b"{ a }", b"unit tests\n"):
            with self.subTest(text):
                self.write("w.xyz", text)
                done = self.invoke("compile", "small.rfl", "--weights", "w.xyz", "-o", "out")
                self.assertEqual(done.returncode, 1)
                self.assertNotIn(", not a", done.stderr)

    def test_folders(self):
        (self.folder / "folder").mkdir()
        for command in ("inspect folder", "compile small.rfl --weights folder",
                        "import folder -o a.rfl --weights-out a.safetensors",
                        "run small.rfl --random-weights 1 --interpret --image folder"):
            if command.startswith("import") and lacks("ONNX"):
                continue
            self.expect_error(command, "riffle: error: cannot open 'folder': Is a directory\n")


if __name__ == "__main__":
    unittest.main()
