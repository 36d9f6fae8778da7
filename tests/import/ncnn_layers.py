"""One case for each meaning of a layer of ncnn: its parameters, its weights, and how many results it has.

The inputs are small blobs of several ranks; each case stands alone behind one or two of them.
"""

import numpy as np
from ncnn_builder import ABSENT, SAME_LOWER, SAME_UPPER, NcnnModel

INPUTS = {"image": (4, 5, 6), "other": (4, 5, 6), "wide": (8, 4, 4), "vector": (4,), "rows": (5, 6), "pixel": (1, 5, 6),
          "columns": (4, 5), "five": (5,), "six": (6,), "positive": (4, 5, 6)}


def array(source, count):
    return source.normal(size=count).astype(np.float32)


class Cases(NcnnModel):
    def __init__(self):
        super().__init__()
        self.results = []
        self.source = np.random.default_rng(5)
        for name, shape in INPUTS.items():
            keys = {3: (2, 1, 0), 2: (1, 0), 1: (0,)}[len(shape)]
            self.layer("Input", name, [], [name], dict(sorted(zip(keys, shape))))

    def case(self, kind, blobs, parameters=None, tagged_count=None, counts=(), results=1, positive=False):
        name = f"{kind.lower()}_{len(self.lines)}"
        outputs = [f"{name}_{i}" for i in range(results)]
        tagged_numbers = None if tagged_count is None else array(self.source, tagged_count)
        numbers = [array(self.source, count) for count in counts]
        self.layer(kind, name, blobs.split(), outputs, parameters, tagged_numbers,
                   [np.abs(one) + 0.5 if positive else one for one in numbers])
        if kind != "MemoryData":  # which its readers show
            self.results += outputs
        return outputs[0]


def convolutions(m):
    m.case("Convolution", "image", {0: 3, 1: 3, 5: 1, 6: 108}, 108, [3])
    m.case("Convolution", "image", {0: 3, 1: 3, 3: 2, 4: 1, 6: 108}, 108)
    m.case("Convolution", "image", {0: 2, 1: 3, 11: 2, 2: 1, 12: 2, 3: 2, 13: 1, 4: 1, 14: 2, 15: 0, 16: 1, 6: 48}, 48)
    m.case("Convolution", "image", {0: 3, 1: 3, 3: 2, 4: SAME_UPPER, 6: 108}, 108)
    m.case("Convolution", "image", {0: 3, 1: 4, 3: 2, 4: SAME_LOWER, 6: 192}, 192)
    m.case("Convolution", "image", {0: 3, 1: 1, 5: 1, 6: 12, 9: 1}, 12, [3])
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 2, 10: [0.1]}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 3, 10: [0.0, 6.0]}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 3, 10: [-0.5, 1.5]}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 4}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 5}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 6, 10: [0.16666667, 0.5]}, 12)
    m.case("Convolution", "image", {0: 3, 1: 1, 6: 12, 9: 6, 10: [0.2, 0.5]}, 12)
    m.case("Convolution", "vector", {0: 3, 1: 1, 5: 1, 6: 12}, 12, [3])
    m.case("ConvolutionDepthWise", "image", {0: 4, 1: 3, 4: 1, 5: 1, 6: 36, 7: 4, 9: 1}, 36, [4])
    m.case("ConvolutionDepthWise", "image", {0: 8, 1: 3, 4: 1, 6: 144, 7: 2}, 144)
    m.case("Convolution", "image", {0: 3, 1: 3, 4: 1, 6: 108, 18: 1.5}, 108)
    m.case("Deconvolution", "image", {0: 3, 1: 3, 3: 2, 5: 1, 6: 108, 9: 1}, 108, [3])
    m.case("Deconvolution", "image", {0: 3, 1: 4, 11: 3, 3: 2, 13: 1, 4: 1, 18: 1, 19: 0, 6: 144}, 144)
    m.case("Deconvolution", "image", {0: 3, 1: 3, 2: 2, 3: 2, 6: 108}, 108)
    m.case("Deconvolution", "image", {0: 3, 1: 3, 3: 2, 4: SAME_UPPER, 20: 12, 21: 10, 6: 108}, 108)
    m.case("Deconvolution", "image", {0: 3, 1: 3, 3: 2, 4: SAME_LOWER, 20: 12, 21: 10, 6: 108}, 108)
    m.case("DeconvolutionDepthWise", "image", {0: 4, 1: 2, 3: 2, 5: 1, 6: 16, 7: 4}, 16, [4])
    m.case("DeconvolutionDepthWise", "image", {0: 6, 1: 2, 3: 2, 6: 48, 7: 2}, 48)
    m.case("InnerProduct", "image", {0: 3, 1: 1, 2: 360}, 360, [3])
    m.case("InnerProduct", "vector", {0: 3, 2: 12, 9: 1}, 12)


def channels(m):
    for blob, count in (("image", 4), ("rows", 5), ("vector", 4)):
        m.case("BatchNorm", blob, {0: count, 1: 1e-3}, None, [count] * 4, positive=True)
        m.case("Scale", blob, {0: count, 1: 1}, None, [count] * 2)
    m.case("Bias", "image", {0: 4}, None, [4])
    m.case("Scale", "image", {0: 4}, None, [4])
    m.case("Scale", "image vector", {0: ABSENT})
    m.case("InstanceNorm", "image", {0: 4, 1: 1e-3}, None, [4] * 2)
    m.case("InstanceNorm", "image", {0: 4, 2: 0})
    m.case("GroupNorm", "image", {0: 2, 1: 4, 2: 1e-3}, None, [4] * 2)
    m.case("GroupNorm", "image", {0: 1, 1: 4, 3: 0})
    m.case("Normalize", "image", {0: 0, 1: 0, 3: 4, 4: 1}, None, [4])
    m.case("Normalize", "image", {0: 1, 1: 1, 2: 1e-3, 3: 1, 4: 1, 9: 1}, None, [1])
    m.case("Normalize", "image", {0: 1, 1: 0, 3: 4, 4: 0, 9: 2}, None, [4])
    for blob, count in (("image", 4), ("rows", 5), ("vector", 4), ("image", 1)):
        m.case("PReLU", blob, {0: count}, None, [count])


def windows(m):
    for kind in (0, 1):
        m.case("Pooling", "image", {0: kind, 1: 2, 2: 2})
        m.case("Pooling", "image", {0: kind, 1: 3, 2: 2, 3: 1})
        m.case("Pooling", "image", {0: kind, 1: 3, 2: 2, 5: 1})
        m.case("Pooling", "image", {0: kind, 1: 3, 2: 2, 3: 1, 5: 1})
        m.case("Pooling", "image", {0: kind, 1: 3, 2: 2, 5: 2})
        m.case("Pooling", "image", {0: kind, 1: 4, 2: 2, 5: 3})
        m.case("Pooling", "image", {0: kind, 1: 2, 11: 3, 2: 1, 12: 2, 3: 1, 13: 0, 14: 0, 15: 1})
        m.case("Pooling", "image", {0: kind, 4: 1})
        m.case("Pooling", "image", {0: kind, 7: 1, 8: 1})
        m.case("Pooling", "image", {0: kind, 7: 1, 8: 3, 18: ABSENT})
    m.case("Pooling", "image", {0: 1, 1: 3, 2: 2, 3: 1, 6: 1})
    m.case("Pooling", "image", {0: 1, 1: 3, 2: 2, 6: 1})
    m.case("Padding", "image", {0: 1, 1: 2, 2: 0, 3: 3})
    m.case("LRN", "image", {0: 0, 1: 3, 2: 0.1, 3: 0.75, 4: 1.0})
    m.case("Interp", "image", {0: 1, 1: 2.0, 2: 2.0})
    m.case("Interp", "image", {0: 1, 3: 7, 4: 9})
    m.case("Interp", "image", {0: 1, 1: 1.5, 2: 0.5})
    m.case("Interp", "image wide", {0: 1, 5: 1})
    m.case("Interp", "vector", {0: 1, 3: 2, 4: 3})
    for kind in (1, 2):
        m.case("Padding", "image", {0: 1, 1: 2, 2: 0, 3: 3, 4: kind})
    m.case("Padding", "image", {0: 1, 1: 2, 2: 0, 3: 3, 5: -1.5})
    m.case("Interp", "image", {0: 2, 1: 2.0, 2: 2.0})
    m.case("Interp", "image", {0: 2, 3: 7, 4: 9})
    m.case("Interp", "image", {0: 2, 3: 10, 4: 12, 6: 1})
    m.case("Interp", "image", {0: 2, 3: 3, 4: 4})
    m.case("Interp", "image wide", {0: 2, 5: 1})
    for kind in (0, 1, 2, 3, 4, 5, 7, 8):
        m.case("Reduction", "image", {0: kind})
        m.case("Reduction", "image", {0: kind, 1: 0, 3: [0], 4: 0, 5: 1})
        m.case("Reduction", "image", {0: kind, 1: 0, 2: 0.5, 3: [2], 4: 1, 5: 1})
    m.case("Reduction", "positive", {0: 9, 1: 0, 3: [1, 2], 4: 0, 5: 1})
    m.case("Reduction", "image", {0: 10, 1: 0, 3: [0], 4: 1, 5: 1})
    m.case("Reduction", "rows", {0: 0, 1: 0, 3: [0], 4: 0, 5: 1})
    m.case("Reduction", "image", {0: 3, 1: 0, 3: [1, 2], 4: 0, 5: 1})
    m.case("Reduction", "image", {0: 3, 1: 0, 3: [-1, -2], 4: 1, 5: 1})


def elements(m):
    for blob in ("image", "rows", "vector"):
        m.case("ReLU", blob)
    m.case("ReLU", "image", {0: 0.25})
    m.case("Clip", "image", {0: 0.0, 1: 6.0})
    m.case("Clip", "image", {0: -0.5, 1: 0.75})
    m.case("Clip", "image", {0: -0.5})
    m.case("Clip", "image", {1: 0.5})
    for kind in ("HardSigmoid", "HardSwish"):
        m.case(kind, "image")
        m.case(kind, "image", {0: 0.16666667, 1: 0.5})
    for kind in ("Sigmoid", "Swish", "Mish", "TanH", "ELU", "SELU", "AbsVal", "Exp", "Dropout", "Noop", "GELU",
                 "Softplus", "BNLL"):
        m.case(kind, "image")
    m.case("CELU", "image", {0: 0.5})
    m.case("ELU", "image", {0: 0.7})
    m.case("GELU", "image", {0: 1})
    m.case("Exp", "image", {0: 2.0, 1: 0.5, 2: 0.25})
    m.case("Dropout", "image", {0: 0.5})
    m.case("Log", "positive", {0: 2.0, 1: 0.5, 2: 0.25})
    m.case("Log", "positive")
    m.case("Power", "positive", {0: 2.5, 1: 0.5, 2: 0.25})
    m.case("Power", "image", {1: 0.5, 2: -0.25})
    for kind in (5, 6, 8, 17):
        m.case("UnaryOp", "positive", {0: kind})
    m.case("BinaryOp", "positive other", {0: 6})
    m.case("BinaryOp", "positive", {0: 9, 1: 1, 2: 1.5})
    for kind in (18, 19, 0, 1, 2, 3, 4, 7, 15, 16):
        m.case("UnaryOp", "image", {0: kind})
    for kind in (0, 1, 2, 3, 4, 5, 7, 8):
        m.case("BinaryOp", "image other", {0: kind})
        m.case("BinaryOp", "image", {0: kind, 1: 1, 2: -1.5})
    m.case("BinaryOp", "image vector", {0: 2})
    m.case("BinaryOp", "vector image", {0: 0})
    m.case("BinaryOp", "image vector", {0: 1})
    for pair in ("columns image", "image columns", "rows five", "five rows", "six rows", "image six"):
        m.case("BinaryOp", pair, {0: 1})
    m.case("BinaryOp", "image " + m.case("MemoryData", "", {0: 6, 1: 5, 2: 4}, None, [120]), {0: 3})
    m.case("BinaryOp", m.case("MemoryData", "", {0: 4}, None, [4]) + " image", {0: 1})
    m.case("BinaryOp", "image " + m.case("MemoryData", "", {0: 6}, None, [6]), {0: 2})
    m.case("Eltwise", "image other", {0: 0})
    m.case("Eltwise", "image other", {0: 1})
    m.case("Eltwise", "image other image", {0: 1, 1: [0.5, -1.0, 2.0]})
    m.case("Eltwise", "image other", {0: 2})
    for blob, axes in (("image", (0, 1, 2, -1)), ("rows", (0, 1)), ("vector", (0,))):
        for axis in axes:
            m.case("Softmax", blob, {0: axis, 1: 1})


def layouts(m):
    for axis in (0, 1, 2):
        m.case("Concat", "image other", {0: axis})
        m.case("Slice", "image", {0: [2, ABSENT], 1: axis}, results=2)
    m.case("Concat", "rows rows", {0: 1})
    m.case("Concat", "vector vector")
    m.case("Slice", "wide", {0: [ABSENT, ABSENT, ABSENT]}, results=3)
    m.case("Slice", "wide", {2: [3, -2], 1: 0}, results=3)
    m.case("Crop", "image", {0: 1, 1: 2, 2: 1, 3: 3, 4: 2, 5: 2})
    m.case("Crop", "image", {0: 1, 1: 2, 2: 1, 3: ABSENT, 4: ABSENT, 5: ABSENT, 6: 1, 7: 1, 8: 1})
    m.case("Crop", "image", {9: [1, -3], 10: [3, ABSENT], 11: [0, 2]})
    m.case("ShuffleChannel", "wide", {0: 2})
    m.case("ShuffleChannel", "wide", {0: 2, 1: 1})
    for order in range(6):
        m.case("Permute", "image", {0: order})
    for order in (0, 1):
        m.case("Permute", "rows", {0: order})
    m.case("Reshape", "image", {0: 120})
    m.case("Reshape", "image", {0: -1})
    m.case("Reshape", "image", {0: 6, 1: -1})
    m.case("Reshape", "image", {0: 3, 1: -1, 2: 0})
    m.case("Reshape", "image", {0: 0, 1: 0, 2: -1})
    m.case("Reshape", "rows", {0: 3, 1: 2, 2: 5})
    m.case("Reshape", "vector", {0: 1, 1: 1, 2: -1})
    m.case("Reshape", "image", {6: "6,*(0h,2),//(0c,2)"})
    m.case("Reshape", "image", {6: "*(0w,0h),+(-(0c,1),1)"})
    m.case("Reshape", "vector", {12: 0, 13: 0, 6: "1,1,//(4,0n),0n"})
    m.case("Flatten", "image")
    m.case("Squeeze", "pixel", {3: [0]})
    m.case("Squeeze", "pixel", {2: 1})
    m.case("ExpandDims", "rows", {3: [0]})
    m.case("ExpandDims", "rows", {3: [-1]})
    m.case("ExpandDims", "vector", {3: [1, 2]})
    for mode in (0, 1):
        m.case("PixelShuffle", "wide", {0: 2, 1: mode})
        m.case("Reorg", "wide", {0: 2, 1: mode})


GROUPS = {"convolutions": convolutions, "channels": channels, "windows": windows, "elements": elements,
          "layouts": layouts}


def cases(group):
    model = Cases()
    GROUPS[group](model)
    return model


def inputs():
    source = np.random.default_rng(6)
    arrays = {name: source.normal(size=shape).astype(np.float32) for name, shape in INPUTS.items()}
    return {name: np.abs(array) + 0.5 if name == "positive" else array for name, array in arrays.items()}
