"""Weights as torch.save writes them give the same library as safetensors does."""

import collections
import hashlib
import json
import struct
import unittest
import zipfile

from support import ROOT, SHARED, float_bytes, has_llvm
from torch_cases import BIAS, BOTH, NET, WEIGHTS, Torch, net, real_tensors, safetensors
from torch_files import Call, Parameter, Storage, Tensor, archive, pickled, tensor

try:
    import torch
except ImportError:
    torch = None


class Right(Torch):
    def setUp(self):
        super().setUp()
        self.expected = self.compute("net.safetensors", safetensors())

    def expect_same(self, value, what="", **options):
        for form, write in BOTH.items():
            with self.subTest(f"{form}: {what}"):
                self.assertEqual(self.compute("net.pth", write(value, **options)), self.expected)

    def test_as_saved(self):
        for protocol in (2, 3, 4, 5):
            self.expect_same(net(), f"protocol {protocol}", protocol=protocol)
        self.expect_same(dict(net()), "a dict")
        self.expect_same(net(Parameter(net()["a.weight"])), "a parameter")

    def test_any_name(self):
        for name in ("net.pt", "net.bin", "weights"):
            self.assertEqual(self.compute(name, archive(net())), self.expected)

    def test_types(self):
        for kind in ("HalfStorage", "BFloat16Storage", "DoubleStorage"):
            self.expect_same(net(tensor(WEIGHTS, [3, 2, 1, 1], kind), tensor(BIAS, [3], kind)), kind)

    def test_what_is_left_out(self):
        counter = tensor([7], [], "LongStorage")
        self.expect_same(net(**{"a.num_batches_tracked": counter}))

    def test_views(self):
        """A part of a storage, one that is transposed, one with holes, a storage of two tensors."""
        self.expect_same(net(Tensor(Storage([9.0] + WEIGHTS + [9.0]), [3, 2, 1, 1], offset=1)), "a part")
        self.expect_same(net(Tensor(Storage(WEIGHTS[0::2] + WEIGHTS[1::2]), [3, 2, 1, 1], strides=[1, 3, 1, 1])),
                         "transposed")
        wide = [number for pair in zip(WEIGHTS[0::2], WEIGHTS[1::2]) for number in (*pair, 9.0, 9.0)]
        self.expect_same(net(Tensor(Storage(wide), [3, 2, 1, 1], strides=[4, 1, 1, 1])), "with holes")
        self.expect_same(net(Tensor(Storage(WEIGHTS), [3, 2, 1, 1], strides=[2, 1, 1 << 62, 7])),
                         "strides of what has one number")
        shared = Storage(WEIGHTS + BIAS, key="0")
        self.expect_same(net(Tensor(shared, [3, 2, 1, 1]), Tensor(shared, [3], offset=6)), "shared")
        halves = Storage(WEIGHTS[0::2] + WEIGHTS[1::2], "HalfStorage")
        self.expect_same(net(Tensor(halves, [3, 2, 1, 1], strides=[1, 3, 2, 1])), "half precision, transposed")

    def test_other_data_beside(self):
        """Of an OrderedDict of Python 2, too, whose items are an argument; and attributes of a state_dict."""
        pairs = [[name, value] for name, value in net().items()]
        self.expect_same(Call("collections OrderedDict", pairs), "pairs")
        state = net()
        state._metadata = collections.OrderedDict([("", {"version": 1})])
        self.expect_same(state, "metadata")
        self.expect_same(net(epoch=3, best=0.75, arch="net", args={"lr": [0.1, True, None]}, big=1 << 90, raw=b"x",
                             negative=-5, long=1 << 40, tags={1, 2}, frozen=frozenset([1]), pair=(1, 2, 3, 4),
                             shape=Call("torch Size", (3, 2)), device=Call("torch device", "cuda", 0)), "plain data")

    def test_dicts_of_dicts(self):
        """Each tensor is called by its way from the outermost dict."""
        self.expect_same({"a": {"weight": net()["a.weight"], "bias": net()["a.bias"]}})

    def test_archives(self):
        """Of PyTorch before 2.1; under other folders; packed by others; with sizes of zip64."""
        for folder in ("archive", "shufflenet v2", "\u00e9"):
            self.assertEqual(self.compute("net.pth", archive(net(), folder=folder)), self.expected)
        self.assertEqual(self.compute("net.pth", archive(net(), edit=lambda members:
                                                         [one for one in members if one[0] != "byteorder"])),
                         self.expected)
        self.assertEqual(self.compute("net.pth", archive(net(), edit=sorted)),
                         self.expected)
        with zipfile.ZipFile(self.folder / "net.pth", "w") as made:
            for name, contents in [("data.pkl", pickled(net())[0]), ("data/0", float_bytes(WEIGHTS)),
                                   ("data/1", float_bytes(BIAS))]:
                with made.open("net/" + name, "w", force_zip64=True) as member:
                    member.write(contents)
        self.assertEqual(self.compute("net.pth", (self.folder / "net.pth").read_bytes()), self.expected)
        self.assertEqual(self.compute("net.pth", large_numbers(archive(net()))), self.expected)
        commented = archive(net())
        commented = commented[:-2] + b"\5\0hello"
        self.assertEqual(self.compute("net.pth", commented), self.expected)

    def test_wrong_checksums(self):
        """torch.serialization.set_crc32_options(False) leaves them out."""
        contents = archive(net())
        entry = contents.index(b"PK\1\2")
        self.assertEqual(self.compute("net.pth", contents[:entry + 16] + bytes(4) + contents[entry + 20:]),
                         self.expected)

    def test_rounding(self):
        third = [1 / 3, *WEIGHTS[1:]]
        nearest = self.compute("net.pth", archive(net(tensor(third, [3, 2, 1, 1]))))
        for form, write in BOTH.items():
            with self.subTest(form):
                self.write("net.pth", write(net(tensor(third, [3, 2, 1, 1], "DoubleStorage"))))
                done = self.invoke(*"run net.rfl --interpret --weights net.pth --input x.f32 --output y.f32".split())
                self.assertEqual(done.stderr, "net.rfl:3:21: warning: net.pth: 1 weight of the type float64 was rounded "
                                              "to float32: 'a.weight'\n"
                                              "    output y = x |> conv(3, 1, bias = true) @ a\n"
                                              "                    ^~~~~~~~~~~~~~~~~~~~~~~\n")
                self.assertEqual((done.returncode, (self.folder / "y.f32").read_bytes()), (0, nearest))

    def test_depfile(self):
        self.write("net.pth", archive(net()))
        self.succeed(*"compile net.rfl --weights net.pth --backend c -o out --depfile rule.d".split())
        self.assertIn("net.pth", (self.folder / "rule.d").read_text())

    def compare_libraries(self, spec, weights, *options):
        """The files that are made are the same, to the byte, whatever the weights are read from; the description has
        the hash of that file."""
        made = {}
        tensors = real_tensors(weights)
        for name, contents in (("safetensors", weights.read_bytes()), *((f, BOTH[f](tensors)) for f in BOTH)):
            self.write("weights", contents)
            self.succeed("compile", ROOT / "examples" / spec, "--weights", "weights", "-o", name, *options)
            made[name] = {file.name: file.read_bytes() for file in (self.folder / name).iterdir()}
            digest = hashlib.sha256(contents).hexdigest().encode()
            (description,) = (file for file in made[name] if file.endswith(".json"))
            self.assertEqual(made[name][description].count(digest), 1)
            made[name][description] = made[name][description].replace(digest, b"")
        self.assertGreater(len(made["safetensors"]), 2)
        for form in BOTH:
            self.assertEqual(made["safetensors"].keys(), made[form].keys())
            for file, contents in made[form].items():
                self.assertTrue(contents == made["safetensors"][file], f"{form}: {file}")

    @unittest.skipUnless((SHARED / "weights").is_dir(), "skipped: no weights in ../shared")
    def test_real_weights(self):
        weights = SHARED / "weights" / "shufflenet_v2_x1_0.safetensors"
        self.compare_libraries("shufflenet_v2.rfl", weights, "--backend", "c")
        if has_llvm():
            self.compare_libraries("shufflenet_v2.rfl", weights, "--target", "x86-64-v3")


class Prefixes(Torch):
    """A state_dict under a key of a checkpoint, and names as DataParallel makes them."""

    def setUp(self):
        super().setUp()
        self.expected = self.compute("net.safetensors", safetensors())
        moments = {"state": {0: {"exp_avg": tensor(WEIGHTS, [3, 2, 1, 1])}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
        self.checkpoint = {"epoch": 3, "optimizer": moments,
                           "state_dict": {f"module.{name}": value for name, value in net().items()}}

    def test_checkpoint(self):
        for form, write in BOTH.items():
            with self.subTest(form):
                self.refuse(write(self.checkpoint), "net.pth: the file has all 2 weights of the network with "
                            "'state_dict.module.' before their names: 'state_dict.module.a.weight' is 'a.weight'\n"
                            "hint: --weights-prefix=state_dict.module. takes it off\n")
                self.assertEqual(self.compute("net.pth", write(self.checkpoint),
                                              "--weights-prefix=state_dict.module."), self.expected)

    def test_half_a_prefix(self):
        self.write("net.pth", archive(self.checkpoint))
        self.expect_error("compile net.rfl --weights net.pth --weights-prefix state_dict. -o out",
                          "riffle: error: net.pth: the file has all 2 weights of the network with 'module.' before their "
                          "names: 'module.a.weight' is 'a.weight'\nhint: --weights-prefix=state_dict.module. takes it off\n")

    def test_no_such_prefix(self):
        self.write("net.pth", archive(net()))
        self.expect_error("compile net.rfl --weights net.pth --weights-prefix model. -o out",
                          "riffle: error: net.pth: no tensor's name begins with 'model.'\nhint: the first is 'a.bias'\n")
        self.write("net.pth", archive({}))
        self.expect_error("compile net.rfl --weights net.pth --weights-prefix model. -o out",
                          "riffle: error: net.pth: no tensor's name begins with 'model.'\n")
        self.expect_error("compile net.rfl --random-weights 1 --weights-prefix model. -o out",
                          "riffle: error: --weights-prefix says which tensors of --weights to take, and there is none\n",
                          status=2)

    def test_quotes(self):
        self.refuse(archive({"my net": dict(net())}), "net.pth: the file has all 2 weights of the network with 'my net.' "
                    "before their names: 'my net.a.weight' is 'a.weight'\nhint: --weights-prefix='my net.' takes it off\n")
        self.refuse(archive({"my\u00e9": dict(net())}), "net.pth: the file has all 2 weights of the network with "
                    "'my\u00e9.' before their names: 'my\u00e9.a.weight' is 'a.weight'\n")

    def test_safetensors(self):
        """As in the other formats."""
        header = json.dumps({"m.a.weight": {"dtype": "F32", "shape": [3, 2, 1, 1], "data_offsets": [0, 24]},
                             "m.a.bias": {"dtype": "F32", "shape": [3], "data_offsets": [24, 36]},
                             "other": {"dtype": "F32", "shape": [1], "data_offsets": [36, 40]}}).encode()
        contents = struct.pack("<Q", len(header)) + header + float_bytes(WEIGHTS + BIAS + [1.0])
        self.assertEqual(self.compute("net.st", contents, "--weights-prefix", "m."), self.expected)

    def test_the_network_has_one(self):
        self.write("net.rfl", NET.replace("@ a", "@ layers.a"))
        self.refuse(archive(net()), "net.pth: the file has all 2 weights of the network without 'layers.' before their "
                    "names: 'a.weight' is 'layers.a.weight'\nhint: in Python, torch.save({\"layers.\" + name: tensor for "
                    "name, tensor in torch.load(\"net.pth\").items()}, \"net.pth\") writes it so\n")


@unittest.skipIf(torch is None, "skipped: this Python has no torch")
class Made(Torch):
    """By PyTorch itself."""

    def test_as_made(self):
        expected = self.compute("net.safetensors", safetensors())
        weight = torch.tensor(WEIGHTS).reshape(3, 2, 1, 1)
        values = {"a.weight": weight, "a.bias": torch.nn.Parameter(torch.tensor(BIAS)),
                  "a.num_batches_tracked": torch.tensor(7)}
        for zipped in (True, False):
            for kind in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
                for layout in (torch.contiguous_format, torch.channels_last):
                    with self.subTest(f"{zipped} {kind} {layout}"):
                        made = dict(values, **{"a.weight": weight.to(kind).contiguous(memory_format=layout)})
                        torch.save(made, self.folder / "made.pth", _use_new_zipfile_serialization=zipped)
                        self.assertEqual(self.compute("net.pth", (self.folder / "made.pth").read_bytes()), expected)

    def test_a_whole_network(self):
        torch.save(torch.nn.Conv2d(2, 3, 1), self.folder / "made.pth")
        self.write("net.pth", (self.folder / "made.pth").read_bytes())
        done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
        self.assertRegex(done.stderr, r"\Ariffle: error: net.pth: byte \d+ of data.pkl: an object of the class "
                                      r"'torch.nn.modules.conv.Conv2d' is code; riffle reads data only\n")


def large_numbers(contents):
    """The archive with the end that it would have if it had more members than 16 bits count."""
    end = contents.rindex(b"PK\5\6")
    count, size, begin = struct.unpack("<HII", contents[end + 10:end + 20])
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, begin)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    return contents[:end] + record + locator + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xffff, 0xffff, 0xffffffff,
                                                           0xffffffff, 0)


if __name__ == "__main__":
    unittest.main()
