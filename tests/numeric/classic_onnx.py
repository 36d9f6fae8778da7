"""The networks that the ShuffleNet papers measure beside their own, and large forms of V2, as ONNX graphs.

Written from the papers and the released code that each function names, not from the specs. A function has the
name of the spec in examples/ and its parameters; weight names are those of the release.
"""

from networks_onnx import IMAGENET_CLASSES
from onnx_builder import Builder


def start(name, size, batch):
    b = Builder(name)
    return b, b.input("image", (batch, 3, *size))


def finish(b, x, path, classes, bias=True):
    b.output("logits", b.linear(b.global_avg_pool(x), path, classes, bias))
    return b


def conv_norm(b, x, conv, norm, channels, kernel, stride=1, groups=1, relu=True, epsilon=1e-5):
    x = b.conv(x, conv, channels, kernel, stride, kernel // 2, groups=groups)
    x = b.batch_norm(x, norm, epsilon)
    return b.relu(x) if relu else x


# ---- torchvision: AlexNet, VGG, GoogLeNet ----

def alexnet(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("alexnet", size, batch)
    layers = [(0, 64, 11, 4, 2), (3, 192, 5, 1, 2), (6, 384, 3, 1, 1), (8, 256, 3, 1, 1), (10, 256, 3, 1, 1)]
    for index, channels, kernel, stride, padding in layers:
        x = b.relu(b.conv(x, f"features.{index}", channels, kernel, stride, padding, bias=True))
        if index in (0, 3, 10):
            x = b.max_pool(x, 3, 2)
    for index in (1, 4):
        x = b.relu(b.linear(x, f"classifier.{index}", 4096))
    b.output("logits", b.linear(x, "classifier.6", classes))
    return b


VGG = {16: "1 1 P 2 2 P 4 4 4 P 8 8 8 P 8 8 8 P", 19: "1 1 P 2 2 P 4 4 4 4 P 8 8 8 8 P 8 8 8 8 P"}


def vgg(layers=16, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("vgg", size, batch)
    index = 0
    for word in VGG[layers].split():
        if word == "P":
            x = b.max_pool(x, 2, 2)
            index += 1
        else:
            x = b.relu(b.conv(x, f"features.{index}", 64 * int(word), 3, padding=1, bias=True))
            index += 2
    for index in (0, 3):
        x = b.relu(b.linear(x, f"classifier.{index}", 4096))
    b.output("logits", b.linear(x, "classifier.6", classes))
    return b


INCEPTION = {  # 1x1, 3x3 reduce, 3x3, second 3x3 reduce, second 3x3, pool projection
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}


def googlenet(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("googlenet", size, batch)

    def basic(x, path, channels, kernel, stride=1):
        return conv_norm(b, x, f"{path}.conv", f"{path}.bn", channels, kernel, stride, epsilon=1e-3)

    x = b.max_pool(basic(x, "conv1", 64, 7, 2), 3, 2, ceil=True)
    x = b.max_pool(basic(basic(x, "conv2", 64, 1), "conv3", 192, 3), 3, 2, ceil=True)
    for name, (one, reduce3, three, reduce5, five, projection) in INCEPTION.items():
        path = f"inception{name}"
        x = b.concat(
            basic(x, f"{path}.branch1", one, 1),
            basic(basic(x, f"{path}.branch2.0", reduce3, 1), f"{path}.branch2.1", three, 3),
            basic(basic(x, f"{path}.branch3.0", reduce5, 1), f"{path}.branch3.1", five, 3),
            basic(b.max_pool(x, 3, 1, 1, ceil=True), f"{path}.branch4.1", projection, 1))
        if name == "3b":
            x = b.max_pool(x, 3, 2, ceil=True)
        elif name == "4e":
            x = b.max_pool(x, 2, 2, ceil=True)
    return finish(b, x, "fc", classes)


# ---- ShuffleNet V1's comparison of units; no code was released ----

def vgg_like(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("vgg_like", size, batch)
    x = b.max_pool(conv_norm(b, x, "conv1.0", "conv1.1", 24, 3, 2), 3, 2, 1)
    for stage, channels, units in ((2, 25, 4), (3, 49, 8), (4, 97, 4)):
        for i in range(units):
            path = f"stage{stage}.{i}"
            x = conv_norm(b, x, f"{path}.0", f"{path}.1", channels, 3, 2 if i == 0 else 1)
            x = conv_norm(b, x, f"{path}.3", f"{path}.4", channels, 3)
    return finish(b, x, "fc", classes)


# ---- torchvision: ResNet, ResNeXt; SE-ResNet as pretrained-models.pytorch has it from Caffe ----

RESNET = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


def residual_blocks(b, x, counts, outward, branch):
    """branch(x, path, planes, stride) makes what is added to the input or its projection."""
    for stage, count in enumerate(counts, 1):
        planes = 64 << (stage - 1)
        for i in range(count):
            path, stride = f"layer{stage}.{i}", 2 if i == 0 and stage > 1 else 1
            made, channels = branch(x, path, planes, stride), outward * planes
            if stride > 1 or x.channels != channels:
                x = conv_norm(b, x, f"{path}.downsample.0", f"{path}.downsample.1", channels, 1, stride, relu=False)
            x = b.relu(b.add(made, x))
    return x


def torchvision_resnet(name, counts, outward, branch, size, batch, classes):
    b, x = start(name, size, batch)
    x = b.max_pool(conv_norm(b, x, "conv1", "bn1", 64, 7, 2), 3, 2, 1)
    x = residual_blocks(b, x, counts, outward, lambda *each: branch(b, *each))
    return finish(b, x, "fc", classes)


def basic_branch(b, x, path, planes, stride):
    x = conv_norm(b, x, f"{path}.conv1", f"{path}.bn1", planes, 3, stride)
    return conv_norm(b, x, f"{path}.conv2", f"{path}.bn2", planes, 3, relu=False)


def bottleneck_branch(b, x, path, planes, stride, width=1, groups=1, first_stride=1):
    x = conv_norm(b, x, f"{path}.conv1", f"{path}.bn1", planes * width, 1, first_stride)
    x = conv_norm(b, x, f"{path}.conv2", f"{path}.bn2", planes * width, 3, stride, groups)
    return conv_norm(b, x, f"{path}.conv3", f"{path}.bn3", planes * 4, 1, relu=False)


def resnet(layers=50, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    kind = (1, basic_branch) if layers < 50 else (4, bottleneck_branch)
    return torchvision_resnet("resnet", RESNET[layers], *kind, size, batch, classes)


def resnext50_32x4d(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    def branch(*arguments):
        return bottleneck_branch(*arguments, width=2, groups=32)

    return torchvision_resnet("resnext", RESNET[50], 4, branch, size, batch, classes)


def se_resnet50(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("se_resnet", size, batch)

    def branch(x, path, planes, stride):
        x = bottleneck_branch(b, x, path, planes, 1, first_stride=stride)
        scale = b.conv(b.global_avg_pool(x), f"{path}.se_module.fc1", planes // 4, 1, bias=True)
        scale = b.conv(b.relu(scale), f"{path}.se_module.fc2", planes * 4, 1, bias=True)
        return b.multiply(x, b.sigmoid(scale))

    x = conv_norm(b, x, "layer0.conv1", "layer0.bn1", 64, 7, 2)
    x = residual_blocks(b, b.max_pool(x, 3, 2, ceil=True), RESNET[50], 4, branch)
    return finish(b, x, "last_linear", classes)


# ---- large forms of ShuffleNet V2 ----

def v2_unit(b, x, path, channels, stride, downs):
    """Figure 3 (c), or (d) where `downs`; torchvision's names."""
    half = channels // 2
    keep, work = (x, x) if downs else (b.slice(x, 0, half), b.slice(x, half, channels))
    if downs:
        keep = b.batch_norm(b.depthwise(keep, f"{path}.branch1.0", 3, stride, 1), f"{path}.branch1.1")
        keep = conv_norm(b, keep, f"{path}.branch1.2", f"{path}.branch1.3", half, 1)
    work = conv_norm(b, work, f"{path}.branch2.0", f"{path}.branch2.1", half, 1)
    work = b.batch_norm(b.depthwise(work, f"{path}.branch2.3", 3, stride, 1), f"{path}.branch2.4")
    work = conv_norm(b, work, f"{path}.branch2.5", f"{path}.branch2.6", half, 1)
    return b.shuffle(b.concat(keep, work), 2)


def shufflenet_v2_50(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("shufflenet_v2_50", size, batch)
    x = b.max_pool(conv_norm(b, x, "conv1.0", "conv1.1", 64, 3, 2), 3, 2, 1)
    for stage, channels, units in ((2, 244, 3), (3, 488, 4), (4, 976, 6), (5, 1952, 3)):
        for i in range(units):
            stride = 2 if i == 0 and stage > 2 else 1
            x = v2_unit(b, x, f"stage{stage}.{i}", channels, stride, downs=i == 0)
    return finish(b, conv_norm(b, x, "conv6.0", "conv6.1", 2048, 1), "fc", classes)


def shufflenet_v2_backbone(width=1.0, size=(320, 320), batch=1):
    b, x = start("shufflenet_v2_backbone", size, batch)
    x = b.max_pool(conv_norm(b, x, "conv1.0", "conv1.1", 24, 3, 2), 3, 2, 1)
    channels = {0.5: 48, 1.0: 116, 1.5: 176, 2.0: 244}[width]
    for stage, units in ((2, 4), (3, 8), (4, 4)):
        for i in range(units):
            x = v2_unit(b, x, f"stage{stage}.{i}", channels, 2 if i == 0 else 1, downs=i == 0)
        b.output(f"stride{4 << (stage - 1)}", x)
        channels *= 2
    return b


def even_odd(b, x):
    """Megvii's split: reshaped to (2, n) with the pairs apart, the even channels pass."""
    return b.slice(x, 0, x.channels, 2), b.slice(x, 1, x.channels, 2)


def shufflenet_v2_164(units=(10, 10, 23, 10), auxiliary=False, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    """Megvii, ShuffleNetV2.Large."""
    b, x = start("shufflenet_v2_164", size, batch)

    def conv(x, path, channels, kernel, stride=1, groups=1, relu=True):
        return conv_norm(b, x, f"{path}.conv", f"{path}.bn", channels, kernel, stride, groups, relu, 1e-9)

    def unit(x, path, channels, stride, first):
        keep, old = even_odd(b, x)
        new = conv(conv(old, f"{path}.branch_main.0", channels, 1), f"{path}.branch_main.1", channels, 3, stride, 8)
        new = conv(new, f"{path}.branch_main.2", channels, 1, relu=False)
        scale = b.relu(b.linear(b.global_avg_pool(new), f"{path}.se_fc1", channels))
        new = b.multiply(new, b.sigmoid(b.linear(scale, f"{path}.se_fc2", channels)))
        if first:
            keep = conv(keep, f"{path}.proj", channels, 3, stride, relu=False)
        else:
            new = b.add(old, new)
        x = b.relu(b.concat(keep, new))
        return conv(x, f"{path}.down", 2 * channels, 1) if stride == 2 else x

    def predict(x, path):
        c = x.channels
        x = conv(conv(b.max_pool(x, 3, 2, 1), f"{path}.conv.0", c, 1), f"{path}.conv.1", c, 3)
        b.output(path, b.linear(b.global_avg_pool(x), f"{path}.fc", classes))

    x = conv(conv(conv(x, "first_conv.0", 64, 3, 2), "first_conv.1", 64, 3), "first_conv.2", 128, 3)
    x = b.max_pool(x, 3, 2, 1)
    for stage, count in enumerate(units):
        for i in range(count):
            path = f"features.{stage}.{stage + 2}{chr(ord('a') + i)}"
            x = unit(x, path, 128 << stage, 2 if i == 0 and stage > 0 else 1, first=i == 0)
        if auxiliary and stage < 3:
            predict(x, f"predict_{56 >> stage}")
    return finish(b, conv(x, "conv_last", 1280, 3), "fc", classes)


PLUS_CHANNELS = {"small": (36, 104, 208, 416), "medium": (48, 128, 256, 512), "large": (68, 168, 336, 672)}
PLUS_BLOCKS = [0, 0, 3, 1, 1, 1, 0, 0, 2, 0, 2, 1, 1, 0, 2, 0, 2, 1, 3, 2]  # kernels 3, 5, 7; three depthwise


def shufflenet_v2_plus(model="medium", size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    """Megvii, ShuffleNetV2+."""
    b, x = start("shufflenet_v2_plus", size, batch)

    def excite(x, path):
        scale = b.conv(b.global_avg_pool(x), f"{path}.SE_opr.1", x.channels // 4, 1)
        scale = b.relu(b.batch_norm(scale, f"{path}.SE_opr.2"))
        return b.multiply(x, b.hard_sigmoid(b.conv(scale, f"{path}.SE_opr.4", x.channels, 1)))

    def pointwise(x, path, at, channels, activation):
        x = b.batch_norm(b.conv(x, f"{path}.{at}", channels, 1), f"{path}.{at + 1}")
        return activation(x)

    def depthwise(x, path, at, kernel, stride=1):
        return b.batch_norm(b.depthwise(x, f"{path}.{at}", kernel, stride, kernel // 2), f"{path}.{at + 1}")

    def unit(x, path, channels, block, stride, activation, excites):
        keep, work = (x, x) if stride == 2 else even_odd(b, x)
        made, kernel, main, end = channels - keep.channels, 3 + 2 * block % 6, f"{path}.branch_main", 8
        if stride == 2:
            keep = depthwise(keep, f"{path}.branch_proj", 0, kernel, 2)
            keep = pointwise(keep, f"{path}.branch_proj", 2, keep.channels, activation)
        if block == 3:
            for at in (0, 5, 10):
                work = depthwise(work, main, at, 3)
                work = pointwise(work, main, at + 2, made if at == 10 else channels // 2, activation)
            end = 15
        else:
            work = depthwise(pointwise(work, main, 0, channels // 2, activation), main, 3, kernel, stride)
            work = pointwise(work, main, 5, made, activation)
        return b.concat(keep, excite(work, f"{main}.{end}") if excites else work)

    x = b.hard_swish(b.batch_norm(b.conv(x, "first_conv.0", 16, 3, 2, 1), "first_conv.1"))
    blocks = iter(enumerate(PLUS_BLOCKS))
    for stage, (channels, units) in enumerate(zip(PLUS_CHANNELS[model], (4, 4, 8, 4))):
        for i in range(units):
            index, block = next(blocks)
            activation = b.hard_swish if stage else b.relu
            x = unit(x, f"features.{index}", channels, block, 2 if i == 0 else 1, activation, stage >= 2)
    x = b.global_avg_pool(pointwise(x, "conv_last", 0, 1280, b.hard_swish))
    x = b.hard_swish(b.linear(excite(x, "LastSE"), "fc.0", 1280, bias=False))
    b.output("logits", b.linear(x, "classifier.0", classes, bias=False))
    return b
