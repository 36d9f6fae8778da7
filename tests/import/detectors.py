"""Necks and heads of detectors at their published sizes, as their exporters write them; the weights are random.

Each function returns a model whose inputs are what the backbone gives: the last unit of a stage of ShuffleNet V2, whose
channels are joined and shuffled, so that the neck begins where it does in the network."""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Writes nodes one after the other; names are the values' own."""

    def __init__(self, opset=13):
        self.opset, self.nodes, self.inputs, self.initializers = opset, [], [], []
        self.shapes, self.random = {}, np.random.default_rng(1)

    def node(self, operator, inputs, shape, **attributes):
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
        self.shapes[name] = list(shape)
        return name

    def constant(self, array):
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def integers(self, *numbers):
        return self.constant(np.array(numbers, np.int64))

    def input(self, *shape):
        name = f"input_{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        self.shapes[name] = list(shape)
        return name

    def finish(self, *outputs):
        made = helper.make_graph(self.nodes, "detector", self.inputs,
                                 [helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shapes[name]) for name in outputs],
                                 self.initializers)
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    # ---- layers ----

    def activate(self, x, activation):
        if activation is None:
            return x
        attributes = {"alpha": 0.1} if activation == "LeakyRelu" else {}
        return self.node(activation, [x], self.shapes[x], **attributes)

    def conv(self, x, filters, kernel=1, stride=1, groups=1, activation="Relu"):
        n, channels, height, width = self.shapes[x]
        scale = math.sqrt(2 * groups / channels) / kernel
        weight = self.random.normal(0, scale, (filters, channels // groups, kernel, kernel)).astype(np.float32)
        bias = self.random.normal(0, 0.1, filters).astype(np.float32)
        shape = [n, filters, -(-height // stride), -(-width // stride)]
        return self.activate(self.node("Conv", [x, self.constant(weight), self.constant(bias)], shape, group=groups,
                                       kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4), activation)

    def depthwise(self, x, kernel, stride=1, activation="Relu"):
        return self.conv(x, self.shapes[x][1], kernel, stride, self.shapes[x][1], activation)

    def separable(self, x, filters, kernel, stride=1, activation="Relu", last="Relu"):
        return self.conv(self.depthwise(x, kernel, stride, activation), filters, activation=last)

    def add(self, a, b):
        return self.node("Add", [a, b], self.shapes[a])

    def concat(self, values, axis=1):
        shape = list(self.shapes[values[0]])
        shape[axis] = sum(self.shapes[value][axis] for value in values)
        return self.node("Concat", values, shape, axis=axis)

    def split(self, x, *sizes):
        n, _, height, width = self.shapes[x]
        parts = [f"{x}_part_{i}" for i in range(len(sizes))]
        if self.opset < 13:
            split = helper.make_node("Split", [x], parts, f"{x}_split", axis=1, split=list(sizes))
        else:
            split = helper.make_node("Split", [x, self.integers(*sizes)], parts, f"{x}_split", axis=1)
        self.nodes.append(split)
        self.shapes.update({part: [n, size, height, width] for part, size in zip(parts, sizes)})
        return parts

    def resize(self, x, factor=2, mode="nearest"):
        n, channels, height, width = self.shapes[x]
        modes = {"nearest": dict(coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
                 "linear": dict(coordinate_transformation_mode="half_pixel")}[mode]
        scales = self.constant(np.array([1, 1, factor, factor], np.float32))
        region = "" if self.opset >= 13 else self.constant(np.zeros(0, np.float32))
        return self.node("Resize", [x, region, scales], [n, channels, int(height * factor), int(width * factor)], mode=mode, **modes)

    def reshape(self, x, *shape):
        shape = list(shape)
        if -1 in shape:
            shape[shape.index(-1)] = math.prod(self.shapes[x]) // -math.prod(shape)
        return self.node("Reshape", [x, self.integers(*shape)], shape)

    def transpose(self, x, *order):
        return self.node("Transpose", [x], [self.shapes[x][i] for i in order], perm=order)

    def sigmoid(self, x):
        return self.node("Sigmoid", [x], self.shapes[x])

    def softmax(self, x, axis):
        return self.node("Softmax", [x], self.shapes[x], axis=axis)

    def stage(self, channels, size):
        """The end of a stage: a unit of ShuffleNet V2."""
        x = self.input(1, channels, size, size)
        half = channels // 2
        kept, changed = self.split(self.conv(x, channels), half, half)
        changed = self.conv(self.depthwise(self.conv(changed, half), 3, activation=None), half)
        pairs = self.reshape(self.concat([kept, changed]), 1, 2, half, size, size)
        return self.reshape(self.transpose(pairs, 0, 2, 1, 3, 4), 1, channels, size, size)


def fastestdet():
    """github.com/dog-qiuqiu/FastestDet, 352x352."""
    net = Net()
    c1, c2, c3 = net.stage(48, 44), net.stage(96, 22), net.stage(192, 11)
    half = net.node("AveragePool", [c1], [1, 48, 22, 22], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    x = net.conv(net.concat([half, c2, net.resize(c3)]), 96)
    rings = [net.depthwise(x, 5)]
    rings.append(net.depthwise(net.depthwise(x, 5), 5))
    rings.append(net.depthwise(net.depthwise(net.depthwise(x, 5), 5), 5))
    x = net.activate(net.add(x, net.conv(net.concat(rings), 96, activation=None)), "Relu")
    x = net.conv(x, 96)
    head = [net.separable(net.conv(x, 96), filters, 5, last=None) for filters in (1, 4, 80)]
    classes = net.transpose(net.softmax(net.transpose(head[2], 0, 3, 2, 1), 3), 0, 3, 2, 1)
    return net.finish(net.concat([net.sigmoid(head[0]), head[1], classes]))


def yolo_fastestv2():
    """github.com/dog-qiuqiu/Yolo-FastestV2, 352x352."""
    net = Net()
    c2, c3 = net.stage(96, 22), net.stage(192, 11)
    s3 = net.conv(c3, 72)
    s2 = net.conv(net.concat([net.resize(c3), c2]), 72)
    outputs = []
    for level in (s2, s3):
        classes, boxes = (net.separable(net.separable(level, 72, 5, last=None), 72, 5, last=None) for _ in range(2))
        parts = [net.sigmoid(net.conv(boxes, 12, activation=None)), net.sigmoid(net.conv(classes, 3, activation=None)),
                 net.softmax(net.conv(classes, 80, activation=None), 1)]
        outputs.append(net.transpose(net.concat(parts), 0, 2, 3, 1))
    return net.finish(*outputs)


def yolov5_lite_features(net):
    """v5Lite-s: the three levels of its neck, 320x320."""
    c3, c4, c5 = net.stage(116, 40), net.stage(232, 20), net.stage(464, 10)
    top = net.conv(c5, 96, activation="LeakyRelu")
    middle = net.conv(net.separable(net.concat([net.resize(top), c4]), 96, 3, activation="LeakyRelu", last="LeakyRelu"), 96,
                      activation="LeakyRelu")
    low = net.separable(net.concat([net.resize(middle), c3]), 96, 3, activation="LeakyRelu", last="LeakyRelu")
    out4 = net.separable(net.add(net.separable(low, 96, 3, 2), middle), 96, 3)
    out5 = net.separable(net.add(net.separable(out4, 96, 3, 2), top), 96, 3)
    return low, out4, out5


def yolov5_lite_heads(net):
    """Each level as [1, anchors, height, width, numbers]."""
    heads = []
    for level in yolov5_lite_features(net):
        size = net.shapes[level][2]
        head = net.reshape(net.conv(level, 255, activation=None), 1, 3, 85, size, size)
        heads.append(net.transpose(head, 0, 1, 3, 4, 2))
    return heads


def yolov5_lite():
    """github.com/ppogg/YOLOv5-Lite: the heads as five dimensions, before the boxes are decoded."""
    net = Net(12)
    return net.finish(*yolov5_lite_heads(net))


def yolov5_lite_rows():
    """The same, exported with --concat: sigmoid of all, each anchor and pixel a row."""
    net = Net(12)
    return net.finish(net.concat([net.reshape(net.sigmoid(head), 1, -1, 85) for head in yolov5_lite_heads(net)], 1))


def nanodet_heads(net, levels, activation, kernel):
    flat = []
    for level in levels:
        x = net.separable(net.separable(level, 96, kernel, activation=activation, last=activation), 96, kernel,
                          activation=activation, last=activation)
        classes, distances = net.split(net.conv(x, 80 + 32, activation=None), 80, 32)
        both = net.concat([net.sigmoid(classes), distances])
        flat.append(net.reshape(both, 1, 112, -1))
    return net.finish(net.transpose(net.concat(flat, 2), 0, 2, 1))


def nanodet_m():
    """github.com/RangiLyu/nanodet, NanoDet-m, 320x320: PAN with bilinear resizing, up and down."""
    net = Net(11)
    laterals = [net.conv(net.stage(channels, size), 96, activation=None) for channels, size in ((116, 40), (232, 20), (464, 10))]
    for i in (2, 1):
        laterals[i - 1] = net.add(laterals[i - 1], net.resize(laterals[i], 2, "linear"))
    for i in (0, 1):
        laterals[i + 1] = net.add(laterals[i + 1], net.resize(laterals[i], 0.5, "linear"))
    return nanodet_heads(net, laterals, "LeakyRelu", 3)


def ghost_block(net, x, filters):
    """GhostNet's bottleneck: half of the channels computed, half by a depthwise convolution of these."""
    few = net.conv(x, filters // 2, activation="LeakyRelu")
    x2 = net.concat([few, net.depthwise(few, 3, activation="LeakyRelu")])
    few = net.conv(x2, filters // 2, activation=None)
    y = net.concat([few, net.depthwise(few, 3, activation=None)])
    return net.add(y, net.conv(net.depthwise(x, 5, activation=None), filters, activation=None))


def nanodet_plus_m():
    """NanoDet-plus-m, 320x320: GhostPAN and four levels."""
    net = Net(11)
    reduced = [net.conv(net.stage(channels, size), 96, activation="LeakyRelu") for channels, size in ((116, 40), (232, 20), (464, 10))]
    inner = [reduced[2]]
    for i in (1, 0):
        inner.insert(0, ghost_block(net, net.concat([net.resize(inner[0], 2, "linear"), reduced[i]]), 96))
    outs = [inner[0]]
    for i in (1, 2):
        down = net.separable(outs[-1], 96, 5, 2, activation="LeakyRelu", last="LeakyRelu")
        outs.append(ghost_block(net, net.concat([down, inner[i]]), 96))
    outs.append(net.add(net.separable(reduced[2], 96, 5, 2, activation="LeakyRelu", last="LeakyRelu"),
                        net.separable(outs[-1], 96, 5, 2, activation="LeakyRelu", last="LeakyRelu")))
    return nanodet_heads(net, outs, "LeakyRelu", 5)


def csp_layer(net, x):
    """PicoDet's: half through a bottleneck, half beside it."""
    main = net.conv(x, 48, activation="HardSwish")
    main = net.separable(net.conv(main, 48, activation="HardSwish"), 48, 5, activation="HardSwish", last="HardSwish")
    return net.conv(net.concat([main, net.conv(x, 48, activation="HardSwish")]), 96, activation="HardSwish")


def picodet_s():
    """PaddleDetection, PicoDet-S, 320x320, exported without its postprocessing: scores and distances of four levels."""
    net = Net(14)
    reduced = [net.conv(net.stage(channels, size), 96, activation="HardSwish") for channels, size in ((96, 40), (192, 20), (384, 10))]
    inner = [reduced[2]]
    for i in (1, 0):
        inner.insert(0, csp_layer(net, net.concat([net.resize(inner[0]), reduced[i]])))
    outs = [inner[0]]
    for i in (1, 2):
        down = net.separable(outs[-1], 96, 5, 2, activation="HardSwish", last="HardSwish")
        outs.append(csp_layer(net, net.concat([down, inner[i]])))
    outs.append(net.add(net.separable(reduced[2], 96, 5, 2, activation="HardSwish", last="HardSwish"),
                        net.separable(outs[-1], 96, 5, 2, activation="HardSwish", last="HardSwish")))
    scores, distances = [], []
    for level in outs:
        x = net.separable(net.separable(level, 96, 5, activation="HardSwish", last="HardSwish"), 96, 5, activation="HardSwish",
                          last="HardSwish")
        classes, boxes = net.split(net.conv(x, 80 + 32, activation=None), 80, 32)
        scores.append(net.reshape(net.transpose(net.sigmoid(classes), 0, 2, 3, 1), 1, -1, 80))
        distances.append(net.reshape(net.transpose(boxes, 0, 2, 3, 1), 1, -1, 32))
    return net.finish(*scores, *distances)


def ultraface():
    """Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB, 320x240: eight heads become rows; scores by softmax."""
    net = Net(9)
    scores, boxes = [], []
    for (channels, height, width), anchors in zip(((64, 30, 40), (128, 15, 20), (256, 8, 10), (256, 4, 5)), (3, 2, 2, 3)):
        level = net.conv(net.input(1, channels, height, width), channels)
        for rows, numbers in ((scores, 2), (boxes, 4)):
            head = net.separable(level, anchors * numbers, 3, last=None)
            rows.append(net.reshape(net.transpose(head, 0, 2, 3, 1), 1, -1, numbers))
    return net.finish(net.softmax(net.concat(scores, 1), 2), net.concat(boxes, 1))


def yunet():
    """ShiqiYu/libfacedetection.train, 320x320: a feature pyramid of sums; twelve outputs of rows."""
    net = Net(11)
    levels = [net.conv(net.input(1, 64, size, size), 64) for size in (40, 20, 10)]
    for i in (2, 1):
        levels[i] = net.separable(levels[i], 64, 3)
        levels[i - 1] = net.add(levels[i - 1], net.resize(levels[i]))
    levels[0] = net.separable(levels[0], 64, 3)
    outputs = []
    for numbers, last in ((1, True), (1, True), (4, False), (10, False)):
        for level in levels:
            head = net.conv(net.depthwise(net.conv(level, numbers, activation=None), 3, activation=None), numbers, activation=None)
            rows = net.reshape(net.transpose(head, 0, 2, 3, 1), 1, -1, numbers)
            outputs.append(net.sigmoid(rows) if last else rows)
    return net.finish(*outputs)
