"""Writes files as torch.save does, in both of its formats, without PyTorch: good and bad ones."""

import collections
import io
import pickle
import struct
import zipfile

MAGIC = 0x1950a86a20f9469cfc6c
SYSTEM = {"protocol_version": 1001, "little_endian": True,
          "type_sizes": {"short": 2, "int": 4, "long": 4}}
# The classes of storages, the bytes of a number, and how struct calls it.
STORAGES = {"FloatStorage": (4, "f"), "HalfStorage": (2, "e"), "BFloat16Storage": (2, None), "DoubleStorage": (8, "d"),
            "LongStorage": (8, "q"), "IntStorage": (4, "i"), "ShortStorage": (2, "h"), "CharStorage": (1, "b"),
            "ByteStorage": (1, "B"), "BoolStorage": (1, "B")}


def named(text):
    """What is pickled as a function or class of that name."""
    return type("Named", (), {"text": text})()


class Storage:
    """Numbers, as values of struct or as bytes. What is pickled of it may be given otherwise."""

    def __init__(self, values, kind="FloatStorage", key=None, count=None, name=None):
        size, letter = STORAGES[kind]
        if not isinstance(values, bytes):
            if letter is None:  # a bfloat16 is the first half of a float
                values = b"".join(struct.pack("<f", value)[2:] for value in values)
            else:
                values = struct.pack(f"<{len(values)}{letter}", *values)
        self.bytes = values
        self.count = len(values) // size if count is None else count
        self.name = name or f"torch {kind}"
        self.key = key


class Tensor:
    def __init__(self, storage, shape, offset=0, strides=None, function="torch._utils _rebuild_tensor_v2"):
        if strides is None:
            strides, step = [], 1
            for extent in reversed(shape):
                strides.insert(0, step)
                step *= extent
        self.storage, self.shape, self.offset, self.strides = storage, tuple(shape), offset, tuple(strides)
        self.function = function


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor


class Call:
    """The call of a function, which a pickle can ask for."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Object:
    """One of a class, with attributes."""

    def __init__(self, name, state=None):
        self.name, self.state = name, state


def tensor(values, shape, kind="FloatStorage"):
    return Tensor(Storage(values, kind), shape)


class Pickler(pickle._Pickler):
    """Python's own, in Python, since names of what is not there are to be written. A name is "module name"."""

    def __init__(self, file, protocol, old):
        super().__init__(file, protocol)
        self.old = old
        self.storages = {}

    def name(self, text):
        module, name = text.split(" ")
        if self.proto >= 4:
            self.save(module)
            self.save(name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(b"c" + module.encode() + b"\n" + name.encode() + b"\n")

    def call(self, function, *arguments):
        self.name(function)
        self.save(arguments)
        self.write(pickle.REDUCE)

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Storage):
            if obj.key is None:
                obj.key = str(len(self.storages))
            self.storages.setdefault(obj.key, obj)
            identity = ("storage", named(obj.name), obj.key, "cpu", obj.count)
            self.save(identity + (None,) if self.old else identity)
            self.write(pickle.BINPERSID)
        elif isinstance(obj, Tensor):
            self.call(obj.function, obj.storage, obj.offset, obj.shape, obj.strides, False,
                      collections.OrderedDict())
        elif isinstance(obj, Parameter):
            self.call("torch._utils _rebuild_parameter", obj.tensor, True, collections.OrderedDict())
        elif isinstance(obj, Call):
            self.call(obj.function, *obj.arguments)
        elif isinstance(obj, Object):
            self.name(obj.name)
            self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
            if obj.state is not None:
                self.save(obj.state)
                self.write(pickle.BUILD)
        elif hasattr(obj, "text"):
            self.name(obj.text)
        else:
            super().save(obj, save_persistent_id)


def pickled(value, protocol=2, old=False):
    """The pickle, and the storages that it names."""
    file = io.BytesIO()
    pickler = Pickler(file, protocol, old)
    pickler.dump(value)
    return file.getvalue(), pickler.storages


def archive(value, protocol=2, folder="net", compression=zipfile.ZIP_STORED, edit=None, members=None):
    """The format since PyTorch 1.6. `edit` changes the list of members, pairs of a name and its bytes, which
    `members` gives instead."""
    if members is None:
        text, storages = pickled(value, protocol)
        members = [("data.pkl", text), ("byteorder", b"little")]
        members += [(f"data/{key}", storage.bytes) for key, storage in storages.items()]
        members.append(("version", b"3\n"))
    if edit is not None:
        members = edit(members) or members
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, contents in members:
            entry = zipfile.ZipInfo(f"{folder}/{name}")
            entry.compress_type = compression
            # As PyTorch does: what a storage holds begins at a multiple of 64 bytes.
            padding = -(made.fp.tell() + 30 + len(entry.filename) + 4) % 64
            entry.extra = struct.pack("<HH", 0x4246, padding) + b"Z" * padding
            made.writestr(entry, contents)
    return file.getvalue()


def stream(value, system=None, keys=None, version=1001, protocol=2, cut=0):
    """The format before PyTorch 1.6. `keys` lists the storages that are written, by default all."""
    text, storages = pickled(value, protocol, old=True)
    if keys is None:
        keys = sorted(storages)
    parts = [pickle.dumps(MAGIC, 2), pickle.dumps(version, 2),
             pickle.dumps(SYSTEM if system is None else system, 2), text, pickle.dumps(keys, 2)]
    for key in keys:
        if key in storages:
            parts.append(struct.pack("<q", storages[key].count) + storages[key].bytes)
    contents = b"".join(parts)
    return contents[: len(contents) - cut]
