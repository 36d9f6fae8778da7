"""The twin of an ONNX model in ncnn's layers, as onnx2ncnn and pnnx write them: channel shuffles as ShuffleChannel,
activations fused into convolutions, Split where a blob is read more than once.

A blob is the ONNX tensor without its batch of 1. Of one that has more dimensions, as heads do, height and width are
joined; without a batch, as shuffles leave it, the first ones are.
"""

import numpy as np
from ncnn_builder import ABSENT, NcnnModel
from onnx import helper, numpy_helper, shape_inference

PERMUTE = {(0, 1, 2): 0, (0, 2, 1): 1, (1, 0, 2): 2, (1, 2, 0): 3, (2, 0, 1): 4, (2, 1, 0): 5, (0, 1): 0, (1, 0): 1}
ELEMENTS = {"Relu": "ReLU", "Sigmoid": "Sigmoid", "HardSwish": "HardSwish", "HardSigmoid": "HardSigmoid"}


def blob_shape(shape):
    shape = list(shape)
    if len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
        if len(shape) > 3:
            shape[2:] = [shape[2] * shape[3]]
    while len(shape) > 3:
        shape[:2] = [shape[0] * shape[1]]
    return shape


class Converter:
    def __init__(self, model, halves=False):
        graph = shape_inference.infer_shapes(model).graph
        self.graph, self.made = graph, NcnnModel(halves)
        self.shapes = {one.name: [size.dim_value for size in one.type.tensor_type.shape.dim]
                       for one in [*graph.value_info, *graph.input, *graph.output]}
        self.constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        self.alias, self.skipped = {}, set()
        self.readers = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    # ---- blobs ----

    def blob(self, name):
        while name in self.alias:
            name = self.alias[name]
        return name

    def layer(self, kind, node, parameters=None, inputs=1, output=None, **weights):
        names = [self.blob(name) for name in list(node.input)[:inputs]]
        self.made.layer(kind, node.output[0].replace("/", "_") + "_layer", names, [output or node.output[0]], parameters,
                        **weights)

    def only_reader(self, name):
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in {one.name for one in self.graph.output} else None

    # ---- nodes ----

    def convert(self):
        for one in self.graph.input:
            if one.name not in self.constants:
                keys = {3: (2, 1, 0), 1: (0,)}[len(blob_shape(self.shapes[one.name]))]
                sizes = dict(sorted(zip(keys, blob_shape(self.shapes[one.name]))))
                self.made.layer("Input", one.name, [], [one.name], sizes)
        for node in self.graph.node:
            if node.op_type != "Constant" and node.output[0] not in self.skipped:
                attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
                getattr(self, f"convert_{node.op_type.lower()}")(node, attributes)
        self.split_shared()
        return self.made

    def convert_conv(self, node, attributes):
        weight = self.constants[node.input[1]]
        bias = self.constants[node.input[2]] if len(node.input) > 2 else None
        group = attributes.get("group", 1)
        stride, dilation = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
        top, left, bottom, right = attributes.get("pads", [0] * 4)
        parameters = {0: weight.shape[0], 1: weight.shape[3], 2: dilation[1], 3: stride[1], 4: left,
                      5: int(bias is not None), 6: weight.size, 11: weight.shape[2], 12: dilation[0], 13: stride[0],
                      14: top, 15: right, 16: bottom}
        if group > 1:
            parameters[7] = group
        output = None
        reader = self.only_reader(node.output[0])
        if reader is not None and reader.op_type in ("Relu", "HardSwish", "Sigmoid"):
            parameters[9] = {"Relu": 1, "Sigmoid": 4, "HardSwish": 6}[reader.op_type]
            if reader.op_type == "HardSwish":
                parameters[10] = [0.16666667, 0.5]
            output = reader.output[0]
            self.skipped.add(output)
        self.layer("ConvolutionDepthWise" if group > 1 else "Convolution", node, parameters, output=output,
                   tagged_numbers=weight, numbers=() if bias is None else (bias,))

    def convert_batchnormalization(self, node, attributes):
        scale, bias, mean, variance = (self.constants[name] for name in node.input[1:5])
        self.layer("BatchNorm", node, {0: scale.size, 1: float(attributes.get("epsilon", 1e-5))},
                   numbers=(scale, mean, variance, bias))

    def convert_gemm(self, node, attributes):
        assert attributes.get("transB") == 1
        weight = self.constants[node.input[1]]
        bias = self.constants[node.input[2]] if len(node.input) > 2 else None
        self.layer("InnerProduct", node, {0: weight.shape[0], 1: int(bias is not None), 2: weight.size},
                   tagged_numbers=weight, numbers=() if bias is None else (bias,))

    def pool(self, node, attributes, kind):
        top, left, bottom, right = attributes.get("pads", [0] * 4)
        kernel, stride = attributes["kernel_shape"], attributes.get("strides", [1, 1])
        self.layer("Pooling", node, {0: kind, 1: kernel[1], 2: stride[1], 3: left, 5: 0 if attributes.get("ceil_mode")
                                     else 1, 6: attributes.get("count_include_pad", 0), 11: kernel[0], 12: stride[0],
                                     13: top, 14: right, 15: bottom})

    def convert_maxpool(self, node, attributes):
        self.pool(node, attributes, 0)

    def convert_averagepool(self, node, attributes):
        self.pool(node, attributes, 1)

    def convert_globalaveragepool(self, node, _):
        """Of one pixel there is nothing to do; and ncnn has it as a vector by then, which it would pool whole."""
        single = self.shapes[node.input[0]][2:] == [1, 1]
        self.layer("Noop" if single else "Pooling", node, None if single else {0: 1, 4: 1})

    def element(self, node, parameters=None):
        self.layer(ELEMENTS[node.op_type], node, parameters)

    def convert_relu(self, node, _):
        self.element(node)

    def convert_sigmoid(self, node, _):
        self.element(node)

    def convert_hardswish(self, node, _):
        self.element(node, {0: 0.16666667, 1: 0.5})

    def convert_hardsigmoid(self, node, attributes):
        self.element(node, {0: float(attributes.get("alpha", 0.2)), 1: float(attributes.get("beta", 0.5))})

    def convert_leakyrelu(self, node, attributes):
        self.layer("ReLU", node, {0: float(attributes.get("alpha", 0.01))})

    def convert_add(self, node, _):
        self.layer("Eltwise", node, {0: 1}, inputs=2)

    def convert_mul(self, node, _):
        self.layer("BinaryOp", node, {0: 2}, inputs=2)

    def convert_concat(self, node, attributes):
        rank = len(self.shapes[node.output[0]])
        self.layer("Concat", node, {0: attributes["axis"] % rank - 1}, inputs=len(node.input))

    def convert_softmax(self, node, attributes):
        rank = len(self.shapes[node.output[0]])
        self.layer("Softmax", node, {0: attributes.get("axis", -1) % rank - 1, 1: 1})

    def convert_identity(self, node, _):
        self.layer("Noop", node)

    def convert_flatten(self, node, _):
        self.layer("Flatten", node)

    def convert_slice(self, node, _):
        starts, ends, axes, *steps = (self.constants[name].tolist() for name in node.input[1:])
        sizes = self.shapes[node.input[0]]
        if steps and steps[0] == [2]:  # every other channel: those of even numbers are put in front
            assert axes == [1] and starts[0] in (0, 1)
            apart, half = f"{node.output[0]}_apart", sizes[1] // 2
            self.made.layer("ShuffleChannel", apart, [self.blob(node.input[0])], [apart], {0: 2, 1: 1})
            self.made.layer("Crop", node.output[0], [apart], [node.output[0]],
                            {9: [starts[0] * half], 10: [(starts[0] + 1) * half], 11: [0]})
            return
        assert not steps or set(steps[0]) == {1}
        self.layer("Crop", node, {9: starts, 10: [min(end, sizes[axis]) for end, axis in zip(ends, axes)],
                                  11: [axis - 1 for axis in axes]})

    def convert_split(self, node, attributes):
        sizes = [self.shapes[name][attributes.get("axis", 0)] for name in node.output]
        self.made.layer("Slice", f"{node.output[0]}_layer", [self.blob(node.input[0])], list(node.output),
                        {0: [*sizes[:-1], ABSENT], 1: attributes.get("axis", 0) - 1})

    def convert_dropout(self, node, _):
        self.layer("Dropout", node)

    def convert_gather(self, node, attributes):
        """One of several pieces that the first dimension has."""
        assert attributes.get("axis", 0) == 0
        sizes, index = self.shapes[node.input[0]], int(self.constants[node.input[1]])
        piece = blob_shape(sizes)[0] // sizes[0]
        self.layer("Crop", node, {9: [index * piece], 10: [(index + 1) * piece], 11: [0]})

    def convert_reshape(self, node, _):
        """A channel shuffle where it begins one, else as such."""
        to = self.shapes[node.output[0]]
        transpose = self.only_reader(node.output[0])
        back = None if transpose is None else self.only_reader(transpose.output[0])
        if back is not None and back.op_type == "Reshape" and len(to) == 5 and transpose.op_type == "Transpose":
            assert helper.get_attribute_value(transpose.attribute[0]) == [0, 2, 1, 3, 4]
            self.layer("ShuffleChannel", node, {0: to[1]}, output=back.output[0])
            self.skipped |= {transpose.output[0], back.output[0]}
            return
        sizes = blob_shape(to)
        self.layer("Reshape", node, dict(sorted(zip({3: (2, 1, 0), 2: (1, 0), 1: (0,)}[len(sizes)], sizes))))

    def convert_transpose(self, node, attributes):
        if attributes["perm"] == [0, 1, 3, 4, 2]:  # [1, anchors, numbers, h, w]
            self.layer("Permute", node, {0: 1})
            return
        perm, rank = list(attributes["perm"]), len(blob_shape(self.shapes[node.input[0]]))
        dropped = len(perm) - rank
        assert perm[:dropped] == list(range(dropped))
        self.layer("Permute", node, {0: PERMUTE[tuple(one - dropped for one in perm[dropped:])]})

    def convert_resize(self, node, attributes):
        assert attributes["mode"] == b"nearest"
        height, width = self.shapes[node.output[0]][2:]
        self.layer("Interp", node, {0: 1, 3: height, 4: width})

    def convert_pad(self, node, _):
        top, left, bottom, right = (self.constants[node.input[1]].tolist()[i] for i in (2, 3, 6, 7))
        self.layer("Padding", node, {0: top, 1: bottom, 2: left, 3: right})

    # ---- Split ----

    def split_shared(self):
        """Gives each reader of a blob a copy of its own, as ncnn has it."""
        lines, reads = self.made.lines, {}
        for index, line in enumerate(lines):
            words = line.split()
            for at in range(4, 4 + int(words[2])):
                reads.setdefault(words[at], []).append((index, at))
        splits = {}
        for name, places in reads.items():
            if len(places) < 2:
                continue
            copies = [f"{name}_copy{i}" for i in range(len(places))]
            for (index, at), copy in zip(places, copies):
                words = lines[index].split()
                words[at] = copy
                lines[index] = " ".join(words)
            splits[name] = " ".join(["Split", f"{name}_split", "1", str(len(copies)), name, *copies])
            self.made.blobs += len(copies)
        self.made.lines = []
        for line in lines:
            words = line.split()
            first = 4 + int(words[2])
            self.made.lines.append(line)
            self.made.lines += [splits[name] for name in words[first:first + int(words[3])] if name in splits]


def convert(model, halves=False):
    return Converter(model, halves).convert()
