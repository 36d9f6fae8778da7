"""NASNet-A and PNASNet-5, mobile, as ONNX graphs: from the papers' figures and TensorFlow's slim models.

Weight names are those of the port in pretrained-models.pytorch. Padding is TensorFlow's SAME, which ONNX knows
as SAME_UPPER; here it is spelt out, so that odd sizes are tested as well.
"""

from networks_onnx import IMAGENET_CLASSES
from onnx_builder import Builder

EPSILON = 1e-3


def same_upper(x, kernel, stride):
    """ONNX's SAME_UPPER: begin and end paddings of both axes, by the operator's documentation."""
    totals = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:]]
    return (*(total // 2 for total in totals), *(total - total // 2 for total in totals))


class Cells:
    def __init__(self, name, size, batch):
        self.b = Builder(name)
        self.image = self.b.input("image", (batch, 3, *size))

    def stem(self, path, channels=32):
        return self.b.batch_norm(self.b.conv(self.image, f"{path}.conv", channels, 3, 2), f"{path}.bn", EPSILON)

    def finish(self, x, classes):
        self.b.output("logits", self.b.linear(self.b.global_avg_pool(self.b.relu(x)), "last_linear", classes))
        return self.b

    def squeeze(self, x, path, channels, stride=1):
        x = self.b.conv(self.b.relu(x), f"{path}.conv", channels, 1, stride)
        return self.b.batch_norm(x, f"{path}.bn", EPSILON)

    def separable(self, x, path, channels, kernel, stride=1):
        for number, step in ((1, stride), (2, 1)):
            x = self.b.depthwise(self.b.relu(x), f"{path}.separable_{number}.depthwise_conv2d", kernel, step,
                                 same_upper(x, kernel, step))
            x = self.b.conv(x, f"{path}.separable_{number}.pointwise_conv2d", channels, 1)
            x = self.b.batch_norm(x, f"{path}.bn_sep_{number}", EPSILON)
        return x

    def most(self, x, stride):
        return self.b.max_pool(x, 3, stride, same_upper(x, 3, stride))

    def mean(self, x, stride=1):
        return self.b.avg_pool(x, 3, stride, same_upper(x, 3, stride), count_padding=False)

    def factorised(self, x, path, channels):
        """Two average poolings of one pixel, the second over the tensor shifted by one row and column."""
        x = self.b.relu(x)
        shifted = self.b.crop(self.b.pad(x, (0, 0, 1, 1)), (1, 1, 0, 0))
        half = channels // 2
        left = self.b.conv(self.b.avg_pool(x, 1, 2), f"{path}.path_1.conv", half, 1)
        right = self.b.conv(self.b.avg_pool(shifted, 1, 2), f"{path}.path_2.conv", channels - half, 1)
        return self.b.batch_norm(self.b.concat(left, right), f"{path}.final_path_bn", EPSILON)


def nasnet_a_mobile(filters=44, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    cells = Cells("nasnet", size, batch)
    b, separable = cells.b, cells.separable

    def reduction(h, before, path, c):
        def branch(x, name, kernel, stride=2):
            return separable(x, f"{path}.comb_iter_{name}", c, kernel, stride)

        first = b.add(branch(h, "0_left", 5), branch(before, "0_right", 7))
        second = b.add(cells.most(h, 2), branch(before, "1_right", 7))
        third = b.add(cells.mean(h, 2), branch(before, "2_right", 5))
        return b.concat(second, third, b.add(cells.mean(first), second),
                        b.add(branch(first, "4_left", 3, 1), cells.most(h, 2)))

    def normal(h, before, path, c, after_reduction):
        if after_reduction:
            before = cells.factorised(before, path, c)
        else:
            before = cells.squeeze(before, f"{path}.conv_prev_1x1", c)
        h = cells.squeeze(h, f"{path}.conv_1x1", c)

        def branch(x, name, kernel):
            return separable(x, f"{path}.comb_iter_{name}", c, kernel)

        return b.concat(
            before, b.add(branch(h, "0_left", 5), branch(before, "0_right", 3)),
            b.add(branch(before, "1_left", 5), branch(before, "1_right", 3)), b.add(cells.mean(h), before),
            b.add(cells.mean(before), cells.mean(before)), b.add(branch(h, "4_left", 3), h))

    image = cells.stem("conv0")
    quarter, half = filters // 4, filters // 2
    stem0 = reduction(cells.squeeze(image, "cell_stem_0.conv_1x1", quarter), image, "cell_stem_0", quarter)
    stem1 = reduction(cells.squeeze(stem0, "cell_stem_1.conv_1x1", half),
                      cells.factorised(image, "cell_stem_1", half), "cell_stem_1", half)
    outputs = [stem0, stem1]
    for number in range(16):
        c = filters << number // 6
        if number in (4, 10):
            path = f"reduction_cell_{number // 6}"
            outputs.append(reduction(cells.squeeze(outputs[-1], f"{path}.conv_1x1", 2 * c),
                                     cells.squeeze(outputs[-2], f"{path}.conv_prev_1x1", 2 * c), path, 2 * c))
        elif number not in (5, 11):  # the port numbers cells so that those are left out
            outputs.append(normal(outputs[-1], outputs[-2], f"cell_{number}", c, after_reduction=number % 6 == 0))
    return cells.finish(outputs[-1], classes)


def pnasnet_5_mobile(filters=54, size=(224, 224), batch=1, classes=IMAGENET_CLASSES):
    cells = Cells("pnasnet", size, batch)
    b, separable = cells.b, cells.separable

    def combine(h, before, path, c, stride):
        def branch(x, name, kernel, step=stride):
            return separable(x, f"{path}.comb_iter_{name}", c, kernel, step)

        pooled = cells.most(before, stride)
        if before.channels != c:
            pooled = b.conv(pooled, f"{path}.comb_iter_0_right.conv", c, 1)
            pooled = b.batch_norm(pooled, f"{path}.comb_iter_0_right.bn", EPSILON)
        middle = b.add(branch(h, "2_left", 5), branch(h, "2_right", 3))
        last = h if stride == 1 else cells.squeeze(h, f"{path}.comb_iter_4_right", c, stride)
        return b.concat(
            b.add(branch(before, "0_left", 5), pooled), b.add(branch(h, "1_left", 7), cells.most(h, stride)), middle,
            b.add(branch(middle, "3_left", 3, 1), cells.most(h, stride)), b.add(branch(before, "4_left", 3), last))

    def cell(h, before, path, c, stride, after_reduction):
        if after_reduction:
            before = cells.factorised(before, f"{path}.conv_prev_1x1", c)
        else:
            before = cells.squeeze(before, f"{path}.conv_prev_1x1", c)
        return combine(cells.squeeze(h, f"{path}.conv_1x1", c), before, path, c, stride)

    image = cells.stem("conv_0")
    quarter = filters // 4
    stem0 = combine(cells.squeeze(image, "cell_stem_0.conv_1x1", quarter), image, "cell_stem_0", quarter, 2)
    outputs = [stem0, cell(stem0, image, "cell_stem_1", filters // 2, 2, after_reduction=True)]
    for number in range(9):
        outputs.append(cell(outputs[-1], outputs[-2], f"cell_{number}", filters << number // 3,
                            2 if number in (3, 6) else 1, after_reduction=number in (0, 4, 7)))
    return cells.finish(outputs[-1], classes)
