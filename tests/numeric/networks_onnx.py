"""ShuffleNet V1 and V2 and SqueezeNet as ONNX graphs, with the parameters of the specs in examples/.

Written from the papers and the released reference code (torchvision for V2, Megvii for V1, Caffe's
prototxt for SqueezeNet), not from the specs: a spec that misreads its paper disagrees with this file.
Weight names are those of the specs. `size` is (height, width).
"""

import math

from onnx_builder import Builder

IMAGENET_CLASSES = 1000


# ---- ShuffleNet V2: Ma et al., ECCV 2018, table 5 and figure 3 (c), (d); torchvision's names or Megvii's ----

V2_STAGES = {0.5: (48, 96, 192), 1.0: (116, 232, 464), 1.5: (176, 352, 704), 2.0: (244, 488, 976)}


def squeeze_excitation(b, x, path, squeezed):
    scale = b.relu(b.conv(b.global_avg_pool(x), f"{path}.fc1", squeezed, 1, bias=True))
    return b.multiply(x, b.sigmoid(b.conv(scale, f"{path}.fc2", x.channels, 1, bias=True)))


def v2_working_branch(b, x, path, inner, outward, stride, residual, se, enlarged):
    y = x
    if enlarged:
        y = b.batch_norm(b.depthwise(y, f"{path}.enlarged.0", 3, 1, padding=1), f"{path}.enlarged.1")
    y = b.relu(b.batch_norm(b.conv(y, f"{path}.0", inner, 1), f"{path}.1"))
    y = b.batch_norm(b.depthwise(y, f"{path}.3", 3, stride, padding=1), f"{path}.4")
    y = b.batch_norm(b.conv(y, f"{path}.5", outward, 1), f"{path}.6")
    if se:
        y = squeeze_excitation(b, y, f"{path}.se", outward)
    return b.relu(b.add(x, y) if residual else y)


def shufflenet_v2(width=1.0, size=(224, 224), batch=1, classes=IMAGENET_CLASSES, megvii=False, residual=False,
                  se=False, enlarged=False):
    b = Builder("shufflenet_v2")
    first, last = ("first_conv", "conv_last") if megvii else ("conv1", "conv5")
    projected, worked = ("branch_proj", "branch_main") if megvii else ("branch1", "branch2")

    def unit(x, path):
        channels, half = x.channels, x.channels // 2
        if megvii:
            keep, work = b.slice(x, 0, channels, 2), b.slice(x, 1, channels, 2)
        else:
            keep, work = b.slice(x, 0, half), b.slice(x, half, channels)
        made = v2_working_branch(b, work, f"{path}.{worked}", half, half, 1, residual, se, enlarged)
        return b.concat(keep, made) if megvii else b.shuffle(b.concat(keep, made), 2)

    def down_unit(x, path, channels):
        half, kept = channels // 2, x.channels if megvii else channels // 2
        left = b.batch_norm(b.depthwise(x, f"{path}.{projected}.0", 3, 2, padding=1), f"{path}.{projected}.1")
        left = b.relu(b.batch_norm(b.conv(left, f"{path}.{projected}.2", kept, 1), f"{path}.{projected}.3"))
        right = v2_working_branch(b, x, f"{path}.{worked}", half, channels - kept, 2, False, se, enlarged)
        return b.concat(left, right) if megvii else b.shuffle(b.concat(left, right), 2)

    x = b.input("image", (batch, 3, *size))
    x = b.relu(b.batch_norm(b.conv(x, f"{first}.0", 24, 3, 2, 1), f"{first}.1"))
    x = b.max_pool(x, 3, 2, 1)
    index = 0
    for stage, channels, units in zip((2, 3, 4), V2_STAGES[width], (4, 8, 4)):
        for i in range(units):
            path = f"features.{index}" if megvii else f"stage{stage}.{i}"
            x = unit(x, path) if i else down_unit(x, path, channels)
            index += 1
    x = b.relu(b.batch_norm(b.conv(x, f"{last}.0", 2048 if width == 2.0 else 1024, 1), f"{last}.1"))
    x = b.global_avg_pool(x)
    b.output("logits", b.linear(x, "classifier.0" if megvii else "fc", classes, bias=not megvii))
    return b


# ---- ShuffleNet V1: Zhang et al., CVPR 2018, table 1 and figure 2 (b), (c); Megvii's names ----

V1_STAGES = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # channels of stage 2 at 1x; they double twice
V1_STEM = {0.25: 12, 0.5: 12, 1.0: 24, 1.5: 24, 2.0: 48}


def round_up(number, multiple):
    return math.ceil(number / multiple) * multiple


def v1_stem(groups, width):
    """Megvii's released tables, and the paper's 13 M at 0.25x; raised to what the groups divide."""
    return round_up(V1_STEM[width], groups)


def shufflenet_v1(groups=3, width=1.0, megvii=False, size=(224, 224), batch=1, classes=IMAGENET_CLASSES, shuffled=True,
                  shallow=False, se=False):
    b = Builder("shufflenet_v1")

    def unit(x, path, channels, stride, first):
        middle = round_up(channels / 4, groups)
        branch = b.conv(x, f"{path}.branch_main_1.0", middle, 1, groups=1 if first else groups)
        branch = b.relu(b.batch_norm(branch, f"{path}.branch_main_1.1"))
        if groups > 1 and shuffled and not megvii:
            branch = b.shuffle(branch, groups)
        branch = b.depthwise(branch, f"{path}.branch_main_1.3", 3, stride, 1)
        branch = b.batch_norm(branch, f"{path}.branch_main_1.4")
        if groups > 1 and shuffled and megvii:
            branch = b.shuffle_megvii(branch, groups)
        outward = channels - x.channels if stride == 2 else channels
        branch = b.conv(branch, f"{path}.branch_main_2.0", outward, 1, groups=groups)
        branch = b.batch_norm(branch, f"{path}.branch_main_2.1")
        if se:
            branch = squeeze_excitation(b, branch, f"{path}.se", channels // 16)
        if stride == 1:
            return b.relu(b.add(x, branch))
        return b.concat(b.avg_pool(x, 3, 2, 1), b.relu(branch))

    x = b.input("image", (batch, 3, *size))
    x = b.conv(x, "first_conv.0", v1_stem(groups, width), 3, 2, 1)
    x = b.max_pool(b.relu(b.batch_norm(x, "first_conv.1")), 3, 2, 1)
    index = 0
    for stage, units in enumerate((2, 4, 2) if shallow else (4, 8, 4)):
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
