"""The small networks that the ShuffleNet papers measure beside their own, as ONNX graphs.

Written from the papers and the released code that the specs name, not from the specs. A function has the name of
the spec in examples/ and its parameters; weight names are those of the release, where there is one.
"""

from networks_onnx import IMAGENET_CLASSES
from classic_onnx import finish, start


# ---- MobileNet V1 (timm) and V2 (torchvision) ----

def conv_norm6(b, x, conv, norm, channels, kernel, stride=1, groups=1, activated=True):
    x = b.batch_norm(b.conv(x, conv, channels, kernel, stride, kernel // 2, groups=groups), norm)
    return b.relu6(x) if activated else x


def mobilenet_v1(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("mobilenet_v1", size, batch)
    x = conv_norm6(b, x, "conv_stem", "bn1", int(32 * width), 3, 2)
    layers = [(64,), (128, 128), (256, 256), (512,) * 6, (1024, 1024)]
    for stage, row in enumerate(layers):
        for i, channels in enumerate(row):
            path = f"blocks.{stage}.{i}"
            stride = 2 if stage and not i else 1
            x = conv_norm6(b, x, f"{path}.conv_dw", f"{path}.bn1", x.channels, 3, stride, x.channels)
            x = conv_norm6(b, x, f"{path}.conv_pw", f"{path}.bn2", int(channels * width), 1)
    return finish(b, x, "classifier", classes)


def divisible_by_8(channels):
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def mobilenet_v2(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("mobilenet_v2", size, batch)
    x = conv_norm6(b, x, "features.0.0", "features.0.1", divisible_by_8(32 * width), 3, 2)
    index = 1
    for expansion, channels, repeats, first_stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        channels = divisible_by_8(channels * width)
        for i in range(repeats):
            entered, stride, path = x, 1 if i else first_stride, f"features.{index}.conv"
            widened, at = x.channels * expansion, 0
            if expansion != 1:
                x = conv_norm6(b, x, f"{path}.0.0", f"{path}.0.1", widened, 1)
                at = 1
            x = conv_norm6(b, x, f"{path}.{at}.0", f"{path}.{at}.1", widened, 3, stride, widened)
            x = conv_norm6(b, x, f"{path}.{at + 1}", f"{path}.{at + 2}", channels, 1, activated=False)
            if stride == 1 and entered.channels == channels:
                x = b.add(entered, x)
            index += 1
    x = conv_norm6(b, x, f"features.{index}.0", f"features.{index}.1", divisible_by_8(1280 * max(1.0, width)), 1)
    return finish(b, x, "classifier.1", classes)


# ---- DenseNet (torchvision) ----

def norm_relu_conv(b, x, norm, conv, channels, kernel, groups=1):
    return b.conv(b.relu(b.batch_norm(x, norm)), conv, channels, kernel, 1, kernel // 2, groups=groups)


def dense_blocks(b, x, layers, growth):
    for block, count in enumerate(layers, 1):
        for layer in range(1, count + 1):
            path = f"features.denseblock{block}.denselayer{layer}"
            y = norm_relu_conv(b, x, f"{path}.norm1", f"{path}.conv1", 4 * growth, 1)
            x = b.concat(x, norm_relu_conv(b, y, f"{path}.norm2", f"{path}.conv2", growth, 3))
        if block < len(layers):
            path = f"features.transition{block}"
            x = b.avg_pool(norm_relu_conv(b, x, f"{path}.norm", f"{path}.conv", x.channels // 2, 1), 2, 2)
    return b.relu(b.batch_norm(x, "features.norm5"))


def densenet(name, stem, kernel, layers, growth, size, batch, classes):
    b, x = start(name, size, batch)
    x = b.conv(x, "features.conv0", stem, kernel, 2, kernel // 2)
    x = b.max_pool(b.relu(b.batch_norm(x, "features.norm0")), 3, 2, 1)
    return finish(b, dense_blocks(b, x, layers, growth), "classifier", classes)


def densenet121(size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    return densenet("densenet121", 64, 7, (6, 12, 24, 16), 32, size, batch, classes)


def densenet_small(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    return densenet("densenet_small", 16, 3, (4, 12, 24, 8), int(8 * width), size, batch, classes)


# ---- CondenseNet (the authors' code, converted for testing) ----

def learned_stand_in(channels, step, group):
    """What the spec takes where no learned index is given: see examples/condensenet.rfl."""
    half = channels // 2 // step * step
    first = [i for i in range(half) if i % step == group - group % 2]
    return first + [i for i in range(half, channels) if (i - half) % step == (group + 3) % step]


def condensenet(groups=8, indices=None, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("condensenet", size, batch)
    x = b.conv(x, "features.init_conv", 16, 3, 2, 1)
    for block, (layers, growth) in enumerate(zip((4, 6, 8, 10, 8), (8, 16, 32, 64, 128)), 1):
        for layer in range(1, layers + 1):
            path = f"features.denseblock_{block}.denselayer_{layer}"
            index = (indices or {}).get(f"{path}.conv_1")
            index = index or [i for group in range(groups) for i in learned_stand_in(x.channels, groups, group)]
            y = norm_relu_conv(b, b.gather(x, index), f"{path}.conv_1.norm", f"{path}.conv_1.conv", 4 * growth, 1, groups)
            y = b.shuffle(y, groups)
            y = norm_relu_conv(b, y, f"{path}.conv_2.norm", f"{path}.conv_2.conv", growth, 3, groups)
            x = b.concat(x, y)
        if block < 5:
            x = b.avg_pool(x, 2, 2)
    x = b.global_avg_pool(b.relu(b.batch_norm(x, "features.norm_last")))
    x = b.gather(x, (indices or {}).get("classifier") or learned_stand_in(x.channels, 2, 0))
    b.output("logits", b.linear(x, "classifier.linear", classes))
    return b


# ---- IGCV2 (paths are the spec's) and IGCV3 (the authors' MXNet code) ----

def igcv2(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("igcv2", size, batch)
    x = b.relu(b.batch_norm(b.conv(x, "stem.conv", int(64 * width), 3, 2, 1), "stem.bn"))
    channels = [128, 256, 256, 512, 512] + [1024] * 6 + [2048] * 2
    for block, outward in enumerate(channels, 1):
        path, outward, inward = f"block{block}", int(outward * width), x.channels
        stride = 2 if block in (2, 4, 6, 12) else 1
        x = b.batch_norm(b.depthwise(x, f"{path}.spatial.conv", 3, stride, 1), f"{path}.spatial.bn")
        x = b.batch_norm(b.conv(x, f"{path}.first.conv", inward, 1, groups=8), f"{path}.first.bn")
        x = b.shuffle(x, 8)
        x = b.batch_norm(b.conv(x, f"{path}.second.conv", outward, 1, groups=8), f"{path}.second.bn")
        x = b.relu(b.shuffle(x, outward // 8))
    return finish(b, x, "fc", classes)


def igcv3(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b, x = start("igcv3", size, batch)

    def unit(x, path, channels, kernel=1, stride=1, groups=1, activated=True):
        return conv_norm6(b, x, f"{path}-conv2d", f"{path}-batchnorm", channels, kernel, stride, groups, activated)

    def even(channels):
        return round(channels) + round(channels) % 2

    x = unit(x, "first-3x3-conv", even(32 * width), 3, 2)
    rows = ((1, 16, 1, 1), (6, 24, 4, 2), (6, 32, 6, 2), (6, 64, 8, 2), (6, 96, 6, 1), (6, 160, 6, 2), (6, 320, 1, 1))
    for sequence, (expansion, channels, repeats, first_stride) in enumerate(rows):
        channels = even(channels * width)
        for i in range(repeats):
            path, widened = f"seq-{sequence}-block{i}", x.channels * expansion
            y = b.shuffle(unit(x, f"{path}-exp", widened, groups=2, activated=False), 2)
            y = unit(y, f"{path}-depthwise", widened, 3, 1 if i else first_stride, widened)
            y = b.shuffle(unit(y, f"{path}-linear", channels, groups=2, activated=False), channels // 2)
            x = b.add(x, y) if i else y
    x = unit(x, "last-1x1-conv", int(1280 * width) + 1 if width > 1 else 1280)
    return finish(b, x, "fc", classes)
