"""Writes safetensors files, good and bad ones, for the prepare.py scripts of the cases."""

import json
import struct


def write(path, tensors, header=None, cut=0):
    """tensors: {name: (shape, values)}. `header` changes the header's dictionary before it is written,
    `cut` drops bytes at the end of the file."""
    data = b""
    entries = {}
    for name, (shape, values) in tensors.items():
        begin = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, len(data)]}
    if header:
        header(entries)
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    contents = struct.pack("<Q", len(text)) + text + data
    with open(path, "wb") as file:
        file.write(contents[: len(contents) - cut])


def zeros(*shape):
    count = 1
    for size in shape:
        count *= size
    return list(shape), [0.0] * count


# What the cases' tiny.rfl needs.
def tiny():
    return {"first.weight": zeros(4, 3, 3, 3), "second.weight": zeros(2, 4, 1, 1),
        "second.bias": zeros(2)}
