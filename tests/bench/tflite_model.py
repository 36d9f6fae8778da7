"""Writes an ONNX model as a .tflite file, for LiteRT: channels last, activations fused into the layer before.

It knows the operators of the networks that benchmark.py times, after ONNX Runtime has folded batch norms, and refuses
others by name. Dense tensors of the model are [batch, channels, ..., height, width]; here they are
[batch, height, width, channels, ...]. TFLite has no explicit padding, so windows that are padded otherwise than its
SAME get a PAD before them, which XNNPACK fuses into convolutions again.
"""

from math import prod

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

IDENTIFIER = b"TFL3"
VERSION = 3
RELU, RELU6, NONE = (getattr(schema.ActivationFunctionType, name) for name in ("RELU", "RELU6", "NONE"))
TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int32): schema.TensorType.INT32}


class NotExpressible(Exception):
    """The model holds what this writer does not know."""


def channels_last(rank):
    """Which axis of an ONNX tensor each axis of ours is."""
    return [0, rank - 2, rank - 1, *range(1, rank - 2)] if rank > 3 else list(range(rank))


def attributes(node):
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


class Writer:
    def __init__(self, model):
        model = onnx.shape_inference.infer_shapes(model)
        self.graph = model.graph
        self.constants = {item.name: numpy_helper.to_array(item) for item in self.graph.initializer}
        slots = [*self.graph.input, *self.graph.value_info, *self.graph.output]
        self.shapes = {slot.name: [size.dim_value for size in slot.type.tensor_type.shape.dim] for slot in slots}
        self.readers = {}
        for node in self.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.outputs = {slot.name for slot in self.graph.output}
        self.tensors, self.buffers, self.operators, self.codes = [], [schema.BufferT()], [], []
        self.of_value, self.not_negative = {}, set()

    # ---- the parts of a file ----

    def tensor(self, name, shape, dtype=np.float32, data=None):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, [int(size) for size in shape], TYPES[np.dtype(dtype)], 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            self.buffers.append(buffer)
            made.buffer = len(self.buffers) - 1
        self.tensors.append(made)
        return len(self.tensors) - 1

    def constant(self, data, dtype=np.float32):
        data = np.asarray(data, dtype)
        return self.tensor(f"constant_{len(self.tensors)}", data.shape, dtype, data)

    def value(self, name):
        """The tensor of an ONNX value; made when first asked for."""
        if name not in self.of_value:
            shape = self.shapes[name]
            self.of_value[name] = self.tensor(name, [shape[axis] for axis in channels_last(len(shape))])
        return self.of_value[name]

    def operator(self, kind, inputs, outputs, options=None, **fields):
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self.codes:
            self.codes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self.codes.index(code), inputs, outputs
        if options:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            made.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in fields.items():
                assert hasattr(made.builtinOptions, name), f"{options} has no {name}"
                setattr(made.builtinOptions, name, value)
        self.operators.append(made)

    def bytes(self):
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs = [self.value(slot.name) for slot in self.graph.input]
        subgraph.outputs = [self.value(slot.name) for slot in self.graph.output]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.operatorCodes = VERSION, [subgraph], self.buffers, []
        for code in self.codes:
            made = schema.OperatorCodeT()
            made.builtinCode, made.deprecatedBuiltinCode = code, min(code, 127)
            model.operatorCodes.append(made)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())

    # ---- activations ----

    def activation_of(self, node):
        if node.op_type == "Relu":
            return RELU
        if node.op_type == "Clip" and [float(self.constants[name]) for name in node.input[1:]] == [0, 6]:
            return RELU6
        raise NotExpressible(f"{node.op_type} with these bounds")

    def fused(self, node):
        """The value that a layer makes, its only reader's where that is an activation; and that activation."""
        name = node.output[0]
        readers = self.readers.get(name, [])
        if len(readers) == 1 and name not in self.outputs and readers[0].op_type in ("Relu", "Clip"):
            result, activation = readers[0].output[0], self.activation_of(readers[0])
            self.not_negative.add(result)
            self.of_value[name] = None  # no tensor: the activation is done
            return result, activation
        return name, NONE

    def activate(self, node):
        if self.of_value.get(node.input[0], 0) is None:
            return
        kind = {RELU: "RELU", RELU6: "RELU6"}[self.activation_of(node)]
        self.not_negative.add(node.output[0])
        self.operator(kind, [self.value(node.input[0])], [self.value(node.output[0])])

    # ---- layers ----

    def windows(self, node, result, kernel, strides, dilations=(1, 1)):
        """The input, padded where it must be, and the kind of padding that is left."""
        source, pads = node.input[0], attributes(node).get("pads", [0] * 4)
        inside, outside = self.shapes[source][2:], self.shapes[result][2:]
        reach = [dilation * (size - 1) + 1 for dilation, size in zip(dilations, kernel)]
        needed = [(out - 1) * stride + size - entered
                  for out, stride, size, entered in zip(outside, strides, reach, inside)]
        after = [max(0, need - before) for need, before in zip(needed, pads)]
        if not any(pads[:2]) and not any(after):
            return self.value(source), schema.Padding.VALID
        same = [-(-entered // stride) for entered, stride in zip(inside, strides)] == outside and all(
            before == max(0, need) // 2 for before, need in zip(pads, needed))
        if same and node.op_type == "Conv":
            return self.value(source), schema.Padding.SAME
        if node.op_type == "MaxPool" and source not in self.not_negative:
            raise NotExpressible("MaxPool of negative numbers with padding")
        batch, channels, height, width = self.shapes[source]
        padded = self.tensor(f"{source}_padded",
                             (batch, height + pads[0] + after[0], width + pads[1] + after[1], channels))
        amounts = [(0, 0), (pads[0], after[0]), (pads[1], after[1]), (0, 0)]
        self.operator("PAD", [self.value(source), self.constant(amounts, np.int32)], [padded], "PadOptions")
        return padded, schema.Padding.VALID

    def convolve(self, node):
        given = attributes(node)
        weight = self.constants[node.input[1]]
        bias = self.constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        strides, dilations = given.get("strides", [1, 1]), given.get("dilations", [1, 1])
        result, activation = self.fused(node)
        source, padding = self.windows(node, result, weight.shape[2:], strides, dilations)
        fields = {"padding": padding, "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilations[0],
                  "dilationWFactor": dilations[1], "fusedActivationFunction": activation}
        groups, channels = given.get("group", 1), self.shapes[node.input[0]][1]
        if groups == channels and weight.shape[1] == 1 and groups > 1:
            filters = self.constant(weight.transpose(1, 2, 3, 0))
            self.operator("DEPTHWISE_CONV_2D", [source, filters, self.constant(bias)], [self.value(result)],
                          "DepthwiseConv2DOptions", depthMultiplier=len(weight) // groups, **fields)
        else:
            filters = self.constant(weight.transpose(0, 2, 3, 1))
            self.operator("CONV_2D", [source, filters, self.constant(bias)], [self.value(result)], "Conv2DOptions",
                          **fields)

    def pool(self, node):
        given = attributes(node)
        kernel, strides = given["kernel_shape"], given.get("strides", [1, 1])
        if node.op_type == "AveragePool" and any(given.get("pads", [])) and not given.get("count_include_pad"):
            raise NotExpressible("AveragePool that does not count its padding")
        kind = {"MaxPool": "MAX_POOL_2D", "AveragePool": "AVERAGE_POOL_2D"}[node.op_type]
        source, padding = self.windows(node, node.output[0], kernel, strides)
        if node.input[0] in self.not_negative:
            self.not_negative.add(node.output[0])
        self.operator(kind, [source], [self.value(node.output[0])], "Pool2DOptions", padding=padding,
                      filterHeight=kernel[0], filterWidth=kernel[1], strideH=strides[0], strideW=strides[1],
                      fusedActivationFunction=NONE)

    def average(self, node):
        self.operator("MEAN", [self.value(node.input[0]), self.constant([1, 2], np.int32)],
                      [self.value(node.output[0])], "ReducerOptions", keepDims=True)

    def connect(self, node):
        given = attributes(node)
        weight, bias = (self.constants[name] for name in node.input[1:3])
        if given.get("alpha", 1) != 1 or given.get("beta", 1) != 1 or given.get("transA"):
            raise NotExpressible("Gemm that scales or transposes its input")
        result, activation = self.fused(node)
        inputs = [self.value(node.input[0]), self.constant(weight if given.get("transB") else weight.T),
                  self.constant(bias)]
        self.operator("FULLY_CONNECTED", inputs, [self.value(result)], "FullyConnectedOptions",
                      fusedActivationFunction=activation)

    def add(self, node):
        result, activation = self.fused(node)
        self.operator("ADD", [self.value(name) for name in node.input], [self.value(result)], "AddOptions",
                      fusedActivationFunction=activation)

    # ---- layout ----

    def reshape(self, node):
        source, result = node.input[0], node.output[0]
        before, after = self.shapes[source], self.shapes[result]
        # Channels stay last as long as height and width are untouched, or one pixel is all there is.
        if before[-2:] != after[-2:] and prod(before[2:]) != 1:
            raise NotExpressible(f"{node.op_type} across pixels")
        target = self.value(result)
        shape = self.tensors[target].shape
        self.operator("RESHAPE", [self.value(source), self.constant(shape, np.int32)], [target], "ReshapeOptions",
                      newShape=shape)

    def transpose(self, node):
        order = attributes(node)["perm"]
        axes = channels_last(len(order))
        ours = [axes.index(order[axis]) for axis in axes]
        self.operator("TRANSPOSE", [self.value(node.input[0]), self.constant(ours, np.int32)],
                      [self.value(node.output[0])], "TransposeOptions")

    def concat(self, node):
        if attributes(node)["axis"] != 1:
            raise NotExpressible("Concat along pixels")
        result = node.output[0]
        self.operator("CONCATENATION", [self.value(name) for name in node.input], [self.value(result)],
                      "ConcatenationOptions", axis=len(self.shapes[result]) - 1, fusedActivationFunction=NONE)
        if all(name in self.not_negative for name in node.input):
            self.not_negative.add(result)

    def slice(self, node):
        begin, _, axes, *steps = (self.constants[name].tolist() for name in node.input[1:])
        if axes != [1] or steps not in ([], [[1]]):
            raise NotExpressible("Slice of pixels, or with steps")
        target = self.value(node.output[0])
        size = self.tensors[target].shape
        first = [0] * (len(size) - 1) + [begin[0]]
        self.operator("SLICE", [self.value(node.input[0]), self.constant(first, np.int32),
                                self.constant(size, np.int32)], [target], "SliceOptions")

    LAYERS = {"Conv": convolve, "Relu": activate, "Clip": activate, "MaxPool": pool, "AveragePool": pool,
              "GlobalAveragePool": average, "Gemm": connect, "Add": add, "Reshape": reshape, "Flatten": reshape,
              "Transpose": transpose, "Concat": concat, "Slice": slice}

    def write(self):
        for node in self.graph.node:
            if node.op_type not in self.LAYERS:
                raise NotExpressible(node.op_type)
            self.LAYERS[node.op_type](self, node)
        return self.bytes()


def write_tflite(model, path):
    """`model` is ONNX with batch norms folded; its inputs and outputs become channels last."""
    path.write_bytes(Writer(model).write())
