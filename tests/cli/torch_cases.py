"""What the tests of weights as torch.save writes them share: a network, its weights, and what is done with a file."""

import collections
import json
import struct

from support import Command, float_bytes
from torch_files import Storage, Tensor, archive, stream, tensor

NET = """network net {
    input x: f32[1, 2, 2, 2]
    output y = x |> conv(3, 1, bias = true) @ a
}
"""
WEIGHTS = [0.5, -1.25, 3.0, 0.0, -0.5, 2.0]  # exact in half precision, too
BIAS = [1.0, -2.0, 0.25]
STATE_HINT = 'hint: in Python, torch.save(model.state_dict(), "net.pth") writes the tensors alone\n'
BOTH = {"zip": archive, "stream": stream}


def net(weight=None, bias=None, **more):
    return collections.OrderedDict([
        ("a.weight", tensor(WEIGHTS, [3, 2, 1, 1]) if weight is None else weight),
        ("a.bias", tensor(BIAS, [3]) if bias is None else bias), *more.items()])


def safetensors():
    header = json.dumps({"a.weight": {"dtype": "F32", "shape": [3, 2, 1, 1], "data_offsets": [0, 24]},
                         "a.bias": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]}}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + float_bytes(WEIGHTS + BIAS)


def real_tensors(path):
    contents = path.read_bytes()
    length = struct.unpack("<Q", contents[:8])[0]
    data = contents[8 + length:]
    kinds = {"F32": "FloatStorage", "I64": "LongStorage"}
    return collections.OrderedDict(
        (name, Tensor(Storage(data[slice(*entry["data_offsets"])], kinds[entry["dtype"]]), entry["shape"]))
        for name, entry in json.loads(contents[8:8 + length]).items() if name != "__metadata__")


class Torch(Command):
    def setUp(self):
        super().setUp()
        self.write("net.rfl", NET)
        self.write("x.f32", float_bytes([1, -2, 3, -4, 0.5, 6, -7, 8]))

    def compute(self, name, contents, *options):
        """What the network computes with these weights."""
        self.write(name, contents)
        self.succeed("run", "net.rfl", "--interpret", "--weights", name, "--input", "x.f32", "--output", "y.f32",
                     *options)
        return (self.folder / "y.f32").read_bytes()

    def refuse(self, contents, message):
        """The file is refused with this message about it."""
        self.write("net.pth", contents)
        self.expect_error("compile net.rfl --weights net.pth -o out", f"riffle: error: {message}")
        self.assertFalse((self.folder / "out").exists())
