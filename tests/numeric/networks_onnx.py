"""ShuffleNet V1 and V2 and SqueezeNet as ONNX graphs, with the parameters of the specs in examples/.

Written from the papers and the released reference code (torchvision for V2, Megvii for V1, Caffe's
prototxt for SqueezeNet), not from the specs: a spec that misreads its paper disagrees with this file.
Weight names are those of the specs. `size` is (height, width).
"""

import math

from onnx_builder import Builder

IMAGENET_CLASSES = 1000


# ---- ShuffleNet V2: Ma et al., ECCV 2018, table 5 and figure 3 (c), (d); torchvision's names ----

V2_STAGES = {0.5: (48, 96, 192), 1.0: (116, 232, 464), 1.5: (176, 352, 704), 2.0: (244, 488, 976)}


def shufflenet_v2(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b = Builder("shufflenet_v2")

    def conv_norm(x, path, at, channels, relu=True):
        x = b.conv(x, f"{path}.{at}", channels, 1)
        x = b.batch_norm(x, f"{path}.{at + 1}")
        return b.relu(x) if relu else x

    def depthwise_norm(x, path, at, stride):
        x = b.depthwise(x, f"{path}.{at}", 3, stride, padding=1)
        return b.batch_norm(x, f"{path}.{at + 1}")

    def working_branch(x, path, channels, stride):
        x = conv_norm(x, path, 0, channels)
        x = depthwise_norm(x, path, 3, stride)
        return conv_norm(x, path, 5, channels)

    def unit(x, path, channels):
        half = channels // 2
        keep, work = b.slice(x, 0, half), b.slice(x, half, channels)
        return b.shuffle(b.concat(keep, working_branch(work, f"{path}.branch2", half, 1)), 2)

    def down_unit(x, path, channels):
        half = channels // 2
        left = conv_norm(depthwise_norm(x, f"{path}.branch1", 0, 2), f"{path}.branch1", 2, half)
        return b.shuffle(b.concat(left, working_branch(x, f"{path}.branch2", half, 2)), 2)

    x = b.input("image", (batch, 3, *size))
    x = b.relu(b.batch_norm(b.conv(x, "conv1.0", 24, 3, 2, 1), "conv1.1"))
    x = b.max_pool(x, 3, 2, 1)
    for stage, channels, units in zip((2, 3, 4), V2_STAGES[width], (4, 8, 4)):
        x = down_unit(x, f"stage{stage}.0", channels)
        for i in range(1, units):
            x = unit(x, f"stage{stage}.{i}", channels)
    x = conv_norm(x, "conv5", 0, 2048 if width == 2.0 else 1024)
    b.output("logits", b.linear(b.global_avg_pool(x), "fc", classes))
    return b


# ---- ShuffleNet V1: Zhang et al., CVPR 2018, table 1 and figure 2 (b), (c); Megvii's names ----

V1_STAGES = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # channels of stage 2 at 1x; they double twice
V1_STEM = {0.25: 12, 0.5: 12, 1.0: 24, 1.5: 24, 2.0: 48}


def round_up(number, multiple):
    return math.ceil(number / multiple) * multiple


def v1_stem(groups, width):
    """Megvii's released tables, and the paper's 13 M at 0.25x; raised to what the groups divide."""
    return round_up(V1_STEM[width], groups)


def shufflenet_v1(groups=3, width=1.0, megvii=False, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    b = Builder("shufflenet_v1")

    def unit(x, path, channels, stride, first):
        middle = round_up(channels / 4, groups)
        branch = b.conv(x, f"{path}.branch_main_1.0", middle, 1, groups=1 if first else groups)
        branch = b.relu(b.batch_norm(branch, f"{path}.branch_main_1.1"))
        if groups > 1 and not megvii:
            branch = b.shuffle(branch, groups)
        branch = b.depthwise(branch, f"{path}.branch_main_1.3", 3, stride, 1)
        branch = b.batch_norm(branch, f"{path}.branch_main_1.4")
        if groups > 1 and megvii:
            branch = b.shuffle_megvii(branch, groups)
        outward = channels - x.channels if stride == 2 else channels
        branch = b.conv(branch, f"{path}.branch_main_2.0", outward, 1, groups=groups)
        branch = b.batch_norm(branch, f"{path}.branch_main_2.1")
        if stride == 1:
            return b.relu(b.add(x, branch))
        return b.concat(b.avg_pool(x, 3, 2, 1), b.relu(branch))

    x = b.input("image", (batch, 3, *size))
    x = b.conv(x, "first_conv.0", v1_stem(groups, width), 3, 2, 1)
    x = b.max_pool(b.relu(b.batch_norm(x, "first_conv.1")), 3, 2, 1)
    index = 0
    for stage, units in enumerate((4, 8, 4)):
        channels = int(V1_STAGES[groups] * width) << stage
        for i in range(units):
            x = unit(x, f"features.{index}", channels, 2 if i == 0 else 1, first=index == 0)
            index += 1
    b.output("logits", b.linear(b.global_avg_pool(x), "classifier.0", classes, bias=not megvii))
    return b


# ---- SqueezeNet: Iandola et al., 2016, table 1; the Caffe release's names ----

def squeezenet(version=1.1, size=(227, 227), batch=1, classes=IMAGENET_CLASSES):
    b = Builder("squeezenet")

    def fire(x, path, squeeze):
        expand = squeeze * 4
        x = b.relu(b.conv(x, f"{path}/squeeze1x1", squeeze, 1, bias=True))
        one = b.relu(b.conv(x, f"{path}/expand1x1", expand, 1, bias=True))
        three = b.relu(b.conv(x, f"{path}/expand3x3", expand, 3, padding=1, bias=True))
        return b.concat(one, three)

    def pool(x):
        return b.max_pool(x, 3, 2, ceil=True)

    first, kernel, pooled_before = {1.0: (96, 7, (5, 9)), 1.1: (64, 3, (4, 6))}[version]
    x = b.input("image", (batch, 3, *size))
    x = pool(b.relu(b.conv(x, "conv1", first, kernel, 2, bias=True)))
    for number, squeeze in enumerate((16, 16, 32, 32, 48, 48, 64, 64), 2):
        if number in pooled_before:
            x = pool(x)
        x = fire(x, f"fire{number}", squeeze)
    x = b.relu(b.conv(x, "conv10", classes, 1, bias=True))
    b.output("logits", b.flatten(b.global_avg_pool(x)))
    return b
