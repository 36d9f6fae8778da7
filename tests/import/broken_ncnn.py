"""Models of ncnn that cannot be imported: each case is the text, the weights, and options of riffle. A text is that of a
small sound model with one thing changed."""

import struct

import numpy as np
from ncnn_builder import NcnnModel

SOUND = """7767517
5 6
Input data 0 1 data 0=6 1=6 2=3
Convolution conv 1 1 data conv 0=4 1=3 4=1 5=1 6=108 9=1
Split halves 1 2 conv a b
Pooling pool 1 1 a pooled 0=1 4=1
ReLU other 1 1 b out
"""


def weights(tag=0, numbers=112):
    return struct.pack("<I", tag) + np.linspace(-1, 1, numbers, dtype="<f4").tobytes()


def changed(old, new, data=None, *options):
    assert old in SOUND
    return SOUND.replace(old, new), weights() if data is None else data, options


def with_layers(*lines, options=()):
    """The sound model and more layers, of which none has weights."""
    text = SOUND.replace("5 6\n", f"{5 + len(lines)} 99\n") + "".join(f"{line}\n" for line in lines)
    return text, weights(), options


def quantised():
    model = NcnnModel()
    model.layer("Input", "data", [], ["data"], {0: 6, 1: 6, 2: 3})
    for i in range(3):
        model.layer("Convolution", f"conv{i}", ["data"], [f"out{i}"], {0: 4, 1: 3, 6: 108, 8: 2}, np.zeros(108))
    return model.text(), b"".join(model.weights), ()


CASES = {
    "empty": ("", weights(), ()),
    "other text": ("hello\nworld\n", weights(), ()),
    "only the number": ("7767517\n", weights(), ()),
    "no counts": changed("5 6\n", "five 6\n"),
    "binary": (b"\xdd\x85\x76\0" + bytes(60), weights(), ()),
    "a byte 0": (SOUND.replace("conv 1 1", "co\0nv 1 1"), weights(), ()),
    "pnnx": ("7767517\n2 1\npnnx.Input in0 0 1 0 #0=(1,3,6,6)f32\nnn.Conv2d c 1 1 0 1 bias=True\n", weights(), ()),
    "a layer less": changed("5 6\n", "6 6\n"),
    "a layer more": changed("5 6\n", "4 6\n"),
    "line ends early": changed("ReLU other 1 1 b out", "ReLU other 1"),
    "names are missing": changed("Split halves 1 2 conv a b", "Split halves 1 4 conv a b"),
    "counts are words": changed("ReLU other 1 1", "ReLU other one 1"),
    "counts are huge": changed("ReLU other 1 1", "ReLU other 1 99999999999"),
    "name is no UTF-8": (SOUND.encode().replace(b"halves 1 2 conv a b", b"halves 1 2 conv \xff b"), weights(), ()),
    "a parameter without a number": changed("4=1 5=1", "4= 5=1"),
    "a word among the parameters": changed("4=1 5=1", "4=1 same 5=1"),
    "a number too large": changed("4=1 5=1", "4=1e999 5=1"),
    "a parameter twice": changed("4=1 5=1", "4=1 4=1 5=1"),
    "a list of another length": changed("9=1", "9=2 -23310=3,0.1,0.2"),
    "an unknown parameter": changed("9=1", "9=1 27=1"),
    "a fraction": changed("1=3 4=1", "1=3.5 4=1"),
    "an activation that is none": changed("9=1", "9=17"),
    "an expression": with_layers('Reshape r 1 1 out seen 0="0w,-1"'),
    "an unknown size": with_layers('Reshape r 1 1 out seen 6="0z,-1"'),
    "a division by nothing": with_layers('Reshape r 1 1 out seen 6="//(0w,0),-1"'),
    "an expression without end": with_layers('Reshape r 1 1 out seen 6="*(0w,*(0h,2)"'),
    "unknown layers": with_layers("Poling p 1 1 out p", "Wavelet w 1 1 p w", "Wavelet v 1 1 w v"),
    "known and refused": with_layers("Yolov3DetectionOutput boxes 1 1 out boxes 0=80 1=3"),
    "no such input": with_layers("ReLU late 1 1 nowhere late"),
    "two of a name": with_layers("ReLU late 1 1 out a"),
    "a circle": with_layers("ReLU first 1 1 second first", "ReLU second 1 1 first second", "ReLU third 1 1 first third"),
    "too many inputs": with_layers("ReLU late 2 1 out pooled late"),
    "shapes that do not fit": with_layers("Eltwise sum 2 1 out data sum 0=1"),
    "an axis too many": with_layers("Concat joined 2 1 out out joined 0=3"),
    "early softmax": with_layers("Softmax soft 1 1 out soft 0=1"),
    "open sizes": changed(" 0=6 1=6 2=3", ""),
    "a shape with a batch": changed(" 0=6 1=6 2=3", "", None, "--set-shape", "data=2,3,6,6"),
    "a shape of no input": (SOUND, weights(), ("--set-shape", "image=1,3,6,6")),
    "a batch": (SOUND, weights(), ("--batch", "4")),
    "until nothing": (SOUND, weights(), ("--until", "poool")),
    "weights cut short": (SOUND, weights()[:300], ()),
    "weights without a tag": (SOUND, b"", ()),
    "weights left over": (SOUND, weights() + bytes(20), ()),
    "weights of another size": changed("6=108", "6=36"),
    "weights without a count": changed("6=108", "6=-108"),
    "weights in int8": (SOUND, weights(0x000D4B38), ()),
    "weights by a table": (SOUND, weights(0x00F10E12), ()),
    "weights that are no numbers": (SOUND, weights()[:-4] + b"\0\0\xc0\x7f", ()),
    "weights not fetched": (SOUND, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", ()),
    "quantised": quantised(),
    "behind weights of unknown size": changed("5 6\nInput data 0 1 data", "6 7\nQuantize q 0 1 q\nInput data 0 1 data"),
    "padding that is none": with_layers("Padding pad 1 1 out pad 0=-1"),
    "more reflection than there is": with_layers("Padding pad 1 1 out pad 0=6 4=2"),
    "bicubic": with_layers("Interp larger 1 1 out larger 0=3 1=2.0 2=2.0"),
    "a product": with_layers("Reduction product 1 1 out product 0=6"),
    "a sine": with_layers("UnaryOp sine 1 1 out sine 0=9"),
    "dynamic weights": changed("4=1 5=1", "4=1 19=1 5=1"),
    "groups": changed("Convolution conv 1 1 data conv", "ConvolutionDepthWise conv 1 1 data conv 7=2"),
    "pooling of a vector": with_layers("Pooling again 1 1 pooled again 0=1 4=1"),
    "crop of nothing": with_layers("Crop crop 1 1 out crop -23309=1,5 -23310=1,3 -23311=1,0"),
}
