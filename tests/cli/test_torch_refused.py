"""Files of weights that are not as torch.save writes them, or hold more than data: what is wrong is said, to the letter."""

import pickletools
import struct
import unittest
import zipfile

from torch_cases import BOTH, STATE_HINT, WEIGHTS, Torch, net
from torch_files import Call, Object, Storage, Tensor, archive, named, pickled, stream, tensor


class Wrong(Torch):
    """Files that are refused. Places are those of opcodes, in data.pkl or in the older format's file."""

    def refuse_pickle(self, opcodes, message, hint="", members=()):
        contents = archive(None, members=[("data.pkl", opcodes), *members])
        self.refuse(contents, f"net.pth: {message}\n{hint}")

    # ---- code ----

    def test_code(self):
        def code(name):
            return f"'{name}' is code; riffle reads data only"

        for value, name in [
            (Call("os system", "touch pwned"), "os.system"),
            (Call("posix system", "touch pwned"), "posix.system"),
            (Call("builtins eval", "open('pwned', 'w')"), "builtins.eval"),
            (Call("torch.hub load", "x"), "torch.hub.load"),
            (Call("numpy.core.multiarray scalar", 1), "numpy.core.multiarray.scalar"),
            (Call("torch._utils _rebuild_qtensor", 1), "torch._utils._rebuild_qtensor"),
            (Call("torch FloatStorage", 3), "torch.FloatStorage"),
            ({"net": named("mine Net")}, "mine.Net"),
            ({"net": Call("subprocess Popen", ["touch", "pwned"])}, "subprocess.Popen"),
            (Storage([1.0], name="torch UntypedStorage"), "torch.UntypedStorage"),
        ]:
            with self.subTest(name):
                opcode = b"c" + name.rpartition(".")[0].encode() + b"\n"
                place = pickled(value)[0].index(opcode)
                self.refuse(archive(value), f"net.pth: byte {place} of data.pkl: {code(name)}\n")
                old = stream(value)
                self.refuse(old, f"net.pth: byte {old.index(opcode)}: {code(name)}\n")
        self.refuse(archive(Call("os system", "x"), protocol=4), f"net.pth: byte 25 of data.pkl: {code('os.system')}\n")
        self.refuse(archive(Call("os a\x1b[2J\u202eb", "x"), protocol=4),
                    "net.pth: byte 28 of data.pkl: 'os.a\\x1b[2J\\xe2\\x80\\xaeb' is code; riffle reads data only\n")
        self.refuse_pickle(b"\x80\2cos\n" + b"x" * 300 + b"\n.", f"byte 2 of data.pkl: "
                           f"{code('os.' + 'x' * 200 + '...')}")
        self.assertEqual([name for name in self.files() if "pwned" in name], [])

    def test_objects(self):
        """A network that was saved whole, and what else is of a class."""
        def message(name):
            return f"an object of the class '{name}' is code; riffle reads data only\n{STATE_HINT}"

        for value, place, name in [
            (Object("mine ShuffleNet", {"training": False}), 2, "mine.ShuffleNet"),
            ({"args": Object("argparse Namespace", {"lr": 0.1})}, 16, "argparse.Namespace"),
            (Object("torch.nn.modules.conv Conv2d", {}), 2, "torch.nn.modules.conv.Conv2d"),
        ]:
            with self.subTest(name):
                self.refuse(archive(value), f"net.pth: byte {place} of data.pkl: {message(name)}")
        self.refuse_pickle(b"\x80\2(imine\nNet\n.", "byte 3 of data.pkl: " + message("mine.Net").rstrip("\n"))
        self.refuse_pickle(b"\x80\2cmine\nNet\n)}U\1aK\1s\x92.", "byte 2 of data.pkl: " +
                           message("mine.Net").rstrip("\n"))
        self.refuse_pickle(b"\x80\2(U\6modulecmine\nNet\nU\1xU\1ytQ.", "byte 11 of data.pkl: " +
                           message("mine.Net").rstrip("\n"))

    # ---- instructions that make no sense ----

    def test_instructions(self):
        proto = b"\x80\2"
        for opcodes, message in [
            (b"", "byte 0 of data.pkl: the pickle ends before STOP"),
            (b".", "byte 0 of data.pkl: the stack is empty"),
            (b"\x80\6N.", "byte 0 of data.pkl: the pickle is of protocol 6; those up to 5 are read"),
            (proto + b"\xff", "byte 2 of data.pkl: pickles have no opcode 0xff"),
            (proto + b"\0", "byte 2 of data.pkl: pickles have no opcode 0x00"),
            (proto + b"I3\n.", "byte 2 of data.pkl: the opcode INT is not read"),
            (proto + b"Pstorage\n.", "byte 2 of data.pkl: the opcode PERSID is not read"),
            (proto + b"\x82\1.", "byte 2 of data.pkl: the opcode EXT1 is not read"),
            (proto + b"\x97.", "byte 2 of data.pkl: the opcode NEXT_BUFFER is not read"),
            (proto + b"0.", "byte 2 of data.pkl: the stack is empty"),
            (proto + b"2.", "byte 2 of data.pkl: the stack is empty"),
            (proto + b"t.", "byte 2 of data.pkl: there is no mark on the stack"),
            (proto + b"N(\x85.", "byte 4 of data.pkl: the stack is empty"),
            (proto + b"}(K\1u.", "byte 6 of data.pkl: the last key of a dict has no value"),
            (proto + b"](K\1K\2u.", "byte 8 of data.pkl: items are put into a list, which is not a dict"),
            (proto + b"}K\1a.", "byte 5 of data.pkl: items are put into a dict, which is not a list"),
            (proto + b"NK\1K\2s.", "byte 7 of data.pkl: items are put into None, which is not a dict"),
            (proto + b"h\0.", "byte 2 of data.pkl: no value has the number 0"),
            (proto + b"Nq\1h\2.", "byte 5 of data.pkl: no value has the number 2"),
            (proto + b"q\0.", "byte 2 of data.pkl: the stack is empty"),
            (proto + b"Nr\xff\xff\xff\x7f.", "byte 3 of data.pkl: the number 2147483647 of a value is too large"),
            (proto + b"N).R.", "2 bytes of data.pkl are behind its end"),
            (proto + b"N)R.", "byte 4 of data.pkl: None is called"),
            (proto + b"K\1K\2\x93.", "byte 6 of data.pkl: a name is an int"),
            (proto + b"]}b.", "byte 4 of data.pkl: attributes are given to a list"),
            (proto + b"NQ.", "byte 3 of data.pkl: a persistent id is not what PyTorch makes"),
            (proto + b"ccollections\nOrderedDict\nK\1\x85R.", "byte 30 of data.pkl: what is given to "
             "'collections.OrderedDict' is not what PyTorch gives it"),
            (proto + b"ccollections\nOrderedDict\nNR.", "byte 28 of data.pkl: what is given to "
             "'collections.OrderedDict' is not what PyTorch gives it"),
        ]:
            with self.subTest(opcodes):
                self.refuse_pickle(opcodes, message)

    def test_cut_at_every_opcode(self):
        """And within each, in both formats: the message has the place of the opcode that was to come or be whole."""
        text = pickled(net(best=0.5, args={"n": [1, True, None, (1, 2)], "long": 1 << 40}))[0]
        opcodes = list(pickletools.genops(text))
        self.assertGreater(len(opcodes), 80)
        places = [at for _, _, at in opcodes]
        old = stream(net(best=0.5, args={"n": [1, True, None, (1, 2)], "long": 1 << 40}))
        names = set()
        for i, (opcode, _, at) in enumerate(opcodes):
            members = [("data.pkl", text[:at])]
            self.refuse(archive(None, members=members), f"net.pth: byte {at} of data.pkl: the pickle ends before STOP\n")
            end = places[i + 1] if i + 1 < len(places) else len(text)
            if end - at < 2 or opcode.name in names and opcode.name != "GLOBAL":
                continue
            names.add(opcode.name)
            for cut in {at + 1, end - 1}:
                self.refuse(archive(None, members=[("data.pkl", text[:cut])]),
                            f"net.pth: byte {at} of data.pkl: the pickle ends within {opcode.name}\n")
        self.assertGreater(len(names), 6)
        for cut in range(len(old) - 20, len(old), 3):
            self.write("net.pth", old[:cut])
            done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
            self.assertRegex(done.stderr, r"\Ariffle: error: net\.pth: (storage '1' of 3 numbers of float32 is larger than "
                                          r"the rest of the file, \d+ bytes\nhint: the file may be truncated|byte \d+: the "
                                          r"pickle ends (before STOP|within \w+))\n\Z")

    def test_every_cut(self):
        """Whatever is left of a file, it is refused with one message, or was whole."""
        for form, write in BOTH.items():
            contents = write(net())
            for cut in [*range(0, len(contents), 13), len(contents) - 1]:
                with self.subTest(f"{form}: {cut}"):
                    self.write("net.pth", contents[:cut])
                    done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
                    self.assertEqual((done.returncode, done.stderr.count("error:")), (1, 1), done.stderr)

    # ---- what grows ----

    def test_bombs(self):
        laughs = b"]q\x000" + b"".join(bytes([*b"](h", i, *b"h", i, *b"eq", i + 1, *b"0"]) for i in range(28))
        deep = b"(U\1a" + b"]" * 40 + b"a" * 39
        for opcodes, message in [
            (b"}" + deep + b"u.", "'" + ".".join(["a", *["0"] * 31]) + "' is nested too deep"),
            (laughs + b"}U\1ah\x1cs.", "more than 4194304 values are in the file, or ways to them"),
            (b"]" + b"Na" * (4 << 20) + b"Na.", "more than 4194304 values are in the file, or ways to them"),
            (b"N" * (1 << 20) + b"N.", f"byte {2 + (1 << 20)} of data.pkl: more than 1048576 values are on the stack"),
            (b"]0" * (1 << 21) + b"].", f"byte {2 + (1 << 22)} of data.pkl: there are more than 2097152 objects"),
            (b"NN0" + b"N0" * (8 << 20) + b".", f"byte {16 << 20} of data.pkl: the pickle is longer than 16777216 bytes"),
        ]:
            with self.subTest(message):
                self.write("net.pth", archive(None, members=[("data.pkl", b"\x80\2" + opcodes)]))
                done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
                self.assertEqual(done.stderr, f"riffle: error: net.pth: {message}\n")

    def test_what_holds_itself(self):
        for opcodes, message in [
            (b"}q\0U\1ah\0s.", "'a' holds itself"),
            (b"}q\0U\1a](h\0es.", "'a.0' holds itself"),
            (b"]q\0h\0a.", "'0' holds itself"),
            (b"](q\0", "byte 4 of data.pkl: the stack is empty"),
        ]:
            self.refuse_pickle(b"\x80\2" + opcodes, message)

    # ---- tensors and storages ----

    def test_tensors(self):
        six = Storage(WEIGHTS, key="0")
        shape = [3, 2, 1, 1]
        given = "what is given to 'torch._utils._rebuild_tensor_v2' is not what PyTorch gives it"
        for weight, message in [
            (Tensor(six, [3, 3, 1, 1], strides=[2, 1, 1, 1]), "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, shape, offset=1), "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, shape, offset=1 << 62), "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, [0], offset=7), "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, shape, strides=[1 << 62, 1, 1, 1]), "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, [1 << 62, 1 << 62], strides=[1 << 62, 4]),
             "a tensor shows more than the 6 numbers of storage '0'"),
            (Tensor(six, shape, offset=-1), given),
            (Tensor(six, [3, -2, 1, 1]), given),
            (Tensor(six, shape, strides=[-2, 1, 1, 1]), given),
            (Tensor(six, shape, strides=[2, 1, 1]), given),
            (Tensor(six, [3, "2", 1, 1], strides=[2, 1, 1, 1]), given),
            (Tensor(None, shape), given),
            (Tensor(six, [1] * 9), "a tensor has 9 dimensions; at most 8 are read"),
            (Call("torch._utils _rebuild_tensor_v2", six, 0), given),
            (Call("torch._utils _rebuild_parameter", 3),
             "what is given to 'torch._utils._rebuild_parameter' is not what PyTorch gives it"),
        ]:
            with self.subTest(message):
                for write, place in ((archive, r"byte \d+ of data\.pkl: "), (stream, r"byte \d+: ")):
                    self.write("net.pth", write({"a.weight": weight}))
                    done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
                    self.assertRegex(done.stderr, rf"\Ariffle: error: net\.pth: {place}")
                    self.assertEqual(done.stderr.partition(": byte ")[2].partition(": ")[2], message + "\n")

    def test_repeated_numbers(self):
        for form, write in BOTH.items():
            with self.subTest(form):
                self.refuse(write(net(Tensor(Storage([1.0]), [3, 2, 1, 1], strides=[0, 0, 0, 0]))),
                            "net.pth: tensor 'a.weight' of shape [3,2,1,1] repeats the numbers of a storage that has 1\n"
                            "hint: in Python, tensor.contiguous() has a number for each\n")
                self.refuse(write(net(x=Tensor(Storage([1.0]), [1 << 40, 1 << 40], strides=[0, 0]))),
                            "net.pth: tensor 'x' of shape [1099511627776,1099511627776] repeats the numbers of a storage "
                            "that has 1\nhint: in Python, tensor.contiguous() has a number for each\n"
                            "riffle: error: net.pth: tensor 'x' is used by no layer of 'net'\n")

    def test_names(self):
        one = tensor([1.0], [1])
        self.refuse(archive(net(a={"bias": one})), "net.pth: two tensors are called 'a.bias'\n")
        self.refuse(archive({"a": {"b\0c": one}}), "net.pth: 'a.' holds a name with a NUL byte\n")
        self.refuse(archive({"a": {"b" * 1001: one}}), "net.pth: 'a.' holds a name that is too long\n")
        self.refuse(archive({"a" * 999: {"b": one}}), f"net.pth: '{'a' * 200}...' is too long a name\n")
        self.refuse(archive(one), "net.pth: the file holds a tensor, not tensors by their names\nhint: in Python, "
                                  "torch.save(model.state_dict(), \"net.pth\") writes a network's weights\n")
        self.refuse(archive(3), "net.pth: the file holds an int, not tensors by their names\nhint: in Python, "
                                "torch.save(model.state_dict(), \"net.pth\") writes a network's weights\n")

    def test_types(self):
        self.write("net.pth", archive(net(tensor([1, 2, 3, 4, 5, 6], [3, 2, 1, 1], "LongStorage"))))
        done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
        self.assertEqual(done.stderr, "net.rfl:3:21: error: weight 'a.weight' has the type int64 in net.pth\n"
                                      "    output y = x |> conv(3, 1, bias = true) @ a\n"
                                      "                    ^~~~~~~~~~~~~~~~~~~~~~~\n"
                                      "hint: in Python, tensor.float() converts it\n")
        for number, what in ((float("nan"), "1 NaN and 0 infinite numbers"), (1e300, "0 NaN and 1 infinite numbers")):
            self.write("net.pth", archive(net(bias=tensor([1.0, number, 2.0], [3], "DoubleStorage"))))
            done = self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out")
            self.assertIn(f"error: weight 'a.bias' holds {what} in net.pth, as float32, the first at [1]\n", done.stderr)

    def test_storages(self):
        wrong = Storage(WEIGHTS, key="0", count=7)
        self.refuse(archive(net(Tensor(wrong, [3, 2, 1, 1]))),
                    "net.pth: storage '0' should be 7 numbers of float32, but has 24 bytes\n")
        huge = Storage(WEIGHTS, key="0", count=1 << 62)
        self.refuse(archive(net(Tensor(huge, [3, 2, 1, 1]))), "net.pth: storage '0' should be 4611686018427387904 numbers "
                                                              "of float32, but has 24 bytes\n")
        self.refuse(stream(net(Tensor(huge, [3, 2, 1, 1]))),
                    "net.pth: storage '0' of 4611686018427387904 numbers of float32 is larger than the rest of the file, "
                    "44 bytes\nhint: the file may be truncated\n")
        for key in ("../../etc/passwd", "data.pkl", "9"):
            self.refuse(archive(net(Tensor(Storage(WEIGHTS, key=key), [3, 2, 1, 1])), edit=lambda members, key=key:
                                [one for one in members if one[0] != f"data/{key}"]),
                        f"net.pth: storage '{key}' is missing: there is no member 'net/data/{key}'\n")
        for key in ("k" * 101, "a\0b"):
            self.write("net.pth", archive(net(Tensor(Storage(WEIGHTS, key=key), [3, 2, 1, 1])), edit=lambda members:
                                          [one for one in members if not one[0].startswith("data/")]))
            self.assertRegex(self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out").stderr,
                             r"\Ariffle: error: net.pth: byte \d+ of data.pkl: a persistent id is not what PyTorch makes\n\Z")
        one, other = Storage(WEIGHTS, key="0"), Storage(WEIGHTS[:3], "FloatStorage", key="0")
        self.write("net.pth", archive(net(Tensor(one, [3, 2, 1, 1]), Tensor(other, [3]))))
        self.assertRegex(self.invoke("compile", "net.rfl", "--weights", "net.pth", "-o", "out").stderr,
                         r"\Ariffle: error: net.pth: byte \d+ of data.pkl: storage '0' is 3 numbers of float32 here, and was "
                         r"6 of float32 before\n\Z")

    # ---- the older format ----

    def test_stream(self):
        whole = stream(net())
        for contents, message in [
            (stream(net(), version=1002), "the version of the file's format is not 1001"),
            (stream(net(), version="x"), "the version of the file's format is not 1001"),
            (stream(net(), system={"little_endian": False}), "the numbers are not little-endian"),
            (stream(net(), system={"a": 1}), "the file does not say whether its numbers are little-endian"),
            (stream(net(), system=[]), "the file does not say whether its numbers are little-endian"),
            (stream(net(), keys="01"), "the file has no list of its storages"),
            (stream(net(), keys=[0]), "the list of storages holds what is no str"),
            (stream(net(), keys=["0"]), "storage '1' is not in the file's list of storages"),
            (stream(net(), keys=["0", "0"]), "the file lists storage '0' twice"),
            (stream(net(), keys=["0", "1", "2"]), "the file lists a storage '2', of which no tensor is"),
            (stream(net(), keys=["k" * 101]), f"the file lists a storage '{'k' * 100}', of which no tensor is"),
            (whole + b"xyz", "3 bytes are behind the last storage"),
            (stream(net(Tensor(Storage(WEIGHTS, key="0", count=5), [5]))).replace(b"\5\0\0\0\0\0\0\0",
                                                                               b"\6\0\0\0\0\0\0\0"),
             "storage '0' should be 5 numbers of float32, but has 6"),
            (whole[:14] + b"N" + whole[15:], "the magic number of PyTorch's files is damaged"),
            (whole[:-1], "storage '1' of 3 numbers of float32 is larger than the rest of the file, 11 bytes\n"
                         "hint: the file may be truncated"),
        ]:
            with self.subTest(message):
                self.refuse(contents, f"net.pth: {message}\n")

    # ---- archives ----

    def test_archives(self):
        whole = archive(net())
        entry, end = whole.index(b"PK\1\2"), whole.rindex(b"PK\5\6")
        local = struct.unpack("<I", whole[entry + 42:entry + 46])[0]

        def changed(at, bytes_):
            return whole[:at] + bytes_ + whole[at + len(bytes_):]

        members = archive(net(), edit=lambda members: members + [("data/0", bytes(24))])
        second = whole.index(b"PK\1\2", entry + 4)
        damaged = "the directory of the zip archive is damaged"
        outside = "the directory of the zip archive does not fit into the file"
        parts = "the zip archive is one of several parts"
        large = "the zip archive lacks its records of large numbers (zip64)"
        for contents, message in [
            (whole[:-1], "the zip archive has no end\nhint: the file may be truncated"),
            (whole[:200], "the zip archive has no end\nhint: the file may be truncated"),
            (changed(end + 4, b"\1"), parts),
            (changed(end + 8, b"\1"), parts),
            (changed(end + 10, b"\xff\xff")[:end + 8] + b"\xff\xff\xff\xff" + whole[end + 12:], large),
            (changed(end + 16, b"\xff\xff\xff\xff"), large),
            (changed(end + 16, b"\xff\xff\xff\x7f"), outside),
            (changed(end + 12, b"\xff\xff\xff\x7f"), outside),
            (changed(end + 8, b"\0\x80\0\x80"), outside),
            (changed(entry, b"XX"), damaged),
            (changed(entry + 28, b"\xff\xff"), damaged),
            (changed(entry + 42, b"\xff\xff\xff\x7f"),
             "member 'net/data.pkl' of the zip archive is not where the directory says"),
            (changed(entry + 42, b"\1\0\0\0"), "member 'net/data.pkl' of the zip archive is not where the directory says"),
            (changed(entry + 42, b"\xff\xff\xff\xff"),
             "member 'net/data.pkl' of the zip archive lacks its record of large numbers (zip64)"),
            (changed(entry + 20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f"),
             "member 'net/data.pkl' of the zip archive does not fit into the file"),
            (changed(entry + 24, b"\xff\xff\xff\x7f"), "member 'net/data.pkl' of the zip archive has two sizes"),
            (changed(entry + 8, b"\1"), "member 'net/data.pkl' of the zip archive is encrypted"),
            (changed(entry + 49, b"\0"), "member 'net' of the zip archive has a NUL in its name"),
            (changed(local + 30, b"x"),
             "member 'net/data.pkl' of the zip archive is another where it lies than in the directory"),
            (changed(second + 42, whole[entry + 42:entry + 46]),
             "member 'net/byteorder' of the zip archive is another where it lies than in the directory"),
            (members, "two members of the zip archive are called 'net/data/0'"),
            (overlapping(whole, entry, second), "members 'net/data.pkl' and 'net/byteorder' of the zip archive overlap"),
            (archive(net(), compression=zipfile.ZIP_DEFLATED), "member 'net/byteorder' is compressed\nhint: torch.save "
             "compresses nothing; unpack the archive, and pack it with zip -0 -r"),
            (whole[:entry] + whole[entry:].replace(b"net/data.pkl", b"net/data.pk_"),
             "member 'net/data.pk_' of the zip archive is another where it lies than in the directory"),
            (archive(None, members=[("byteorder", b"little")]), "the zip archive has 0 members data.pkl, not one"),
            (archive(net(), edit=lambda members: members + [("x/data.pkl", b"N.")]),
             "the zip archive has 2 members data.pkl, not one"),
            (archive(net(), edit=lambda members: members + [("constants.pkl", b"N.")]),
             "this is a TorchScript program; riffle reads data only\nhint: in Python, "
             "torch.save(torch.jit.load(\"net.pt\").state_dict(), \"net.pth\") writes its tensors alone"),
            (archive(net(), edit=lambda members: [(name, b"big" if name == "byteorder" else text)
                                                  for name, text in members]), "the numbers are not little-endian"),
            (archive(net(), edit=lambda members: [(name, text + b"N." if name == "data.pkl" else text)
                                                  for name, text in members]),
             "2 bytes of data.pkl are behind its end"),
        ]:
            with self.subTest(message):
                self.refuse(contents, f"net.pth: {message}\n")

    def test_bomb_of_an_archive(self):
        """A gigabyte of zeros that packs into a megabyte: it is never unpacked."""
        zeros = archive(net(Tensor(Storage(bytes(1 << 26), key="0"), [3, 2, 1, 1])), compression=zipfile.ZIP_DEFLATED)
        self.assertLess(len(zeros), 1 << 20)
        self.refuse(zeros, "net.pth: member 'net/byteorder' is compressed\nhint: torch.save compresses nothing; unpack the "
                           "archive, and pack it with zip -0 -r\n")

    def test_pointer(self):
        self.refuse(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
                    "'net.pth' is a pointer of Git LFS in place of the file itself, not a file of weights\n"
                    "hint: `git lfs pull` fetches the file\n")


def overlapping(contents, entry, second):
    """The first member is said to reach into the second."""
    size = struct.unpack("<I", contents[entry + 20:entry + 24])[0] + 200
    return contents[:entry + 20] + struct.pack("<II", size, size) + contents[entry + 28:]


if __name__ == "__main__":
    unittest.main()
