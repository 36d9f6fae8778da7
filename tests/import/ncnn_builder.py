"""Writes ncnn models: the text of layers, and the file of their weights."""

import struct

import numpy as np

HALVES = 0x01306B47
SAME_UPPER, SAME_LOWER, ABSENT = -233, -234, -233


def tagged(numbers, halves=False):
    """Numbers behind the tag that says how they lie."""
    if not halves:
        return struct.pack("<I", 0) + np.asarray(numbers, "<f4").tobytes()
    data = np.asarray(numbers, "<f2").tobytes()
    return struct.pack("<I", HALVES) + data + bytes(-len(data) % 4)


def spell(key, value):
    if isinstance(value, (list, tuple)):
        return f"{-23300 - key}={','.join(map(spell_number, [len(value), *value]))}"
    if isinstance(value, str):
        return f'{key}="{value}"'
    return f"{key}={spell_number(value)}"


def spell_number(value):
    return f"{value:e}" if isinstance(value, float) else str(value)


class NcnnModel:
    def __init__(self, halves=False):
        self.lines, self.weights, self.blobs, self.halves = [], [], 0, halves

    def layer(self, kind, name, inputs, outputs, parameters=None, tagged_numbers=None, numbers=()):
        """`numbers` lie as float32, without a tag, behind those that have one."""
        parameters = [spell(key, value) for key, value in (parameters or {}).items()]
        words = [kind, name, str(len(inputs)), str(len(outputs)), *inputs, *outputs, *parameters]
        self.lines.append(" ".join(words))
        self.blobs += len(outputs)
        if tagged_numbers is not None:
            self.weights.append(tagged(tagged_numbers, self.halves))
        self.weights += [np.asarray(array, "<f4").tobytes() for array in numbers]

    def text(self):
        return "".join(f"{line}\n" for line in ["7767517", f"{len(self.lines)} {self.blobs}", *self.lines])

    def write(self, folder, stem="model"):
        (folder / f"{stem}.param").write_text(self.text())
        (folder / f"{stem}.bin").write_bytes(b"".join(self.weights))
