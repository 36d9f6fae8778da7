"""The channel shuffle in every spelling that was met: each function appends nodes of the same meaning."""

import numpy as np
from onnx_builder import Tensor


def reshape(b, x, groups):
    """As the dynamo exporter: constant shapes."""
    return b.shuffle(x, groups)


def shape_chain(b, x, groups):
    """As the TorchScript exporter with dynamic axes: sizes are taken from the tensor and computed."""
    batch, channels, height, width = x.shape
    shape = b.node("Shape", [x], (4,))
    sizes = [b.node("Gather", [shape, b.constant(i)], (), axis=0) for i in range(4)]
    share = b.node("Div", [sizes[1], b.constant(groups)], ())
    share = b.node("Cast", [b.node("Cast", [share], (), to=7)], (), to=7)

    def listed(items):
        items = [b.node("Unsqueeze", [item, b.constant([0])], (1,)) for item in items]
        return b.node("Concat", items, (len(items),), axis=0)

    five = listed([sizes[0], b.constant(groups), share, sizes[2], sizes[3]])
    apart = b.node("Reshape", [x, five], (batch, groups, channels // groups, height, width))
    turned = b.node("Transpose", [apart], (batch, channels // groups, groups, height, width), perm=[0, 2, 1, 3, 4])
    four = listed([sizes[0], b.constant(-1), sizes[2], sizes[3]])
    return b.node("Reshape", [turned, four], x.shape)


def joined_space(b, x, groups):
    """Height and width as one dimension, and 0 for what stays."""
    batch, channels, height, width = x.shape
    n = channels // groups
    apart = b.node("Reshape", [x, b.constant([0, groups, n, height * width])], (batch, groups, n, height * width))
    turned = b.node("Transpose", [apart], (batch, n, groups, height * width), perm=[0, 2, 1, 3])
    return b.node("Reshape", [turned, b.constant([batch, -1, height, width])], x.shape)


def order(channels, groups):
    return np.arange(channels).reshape(groups, -1).T.reshape(-1)


def gather(b, x, groups):
    """A constant list of indices."""
    return b.gather(x, order(x.channels, groups).tolist())


def negative_gather(b, x, groups):
    """The same, counted from the end."""
    return b.gather(x, (order(x.channels, groups) - x.channels).tolist())


def slices(b, x, groups):
    """Single channels cut out and joined in turn."""
    return b.concat(*(b.slice(x, int(i), int(i) + 1) for i in order(x.channels, groups)))


def split(b, x, groups):
    """Chunks stacked behind the channels and joined with them."""
    batch, channels, height, width = x.shape
    n = channels // groups
    names = [b._fresh("chunk") for _ in range(groups)]
    b.node("Split", [x], (batch, n, height, width), axis=1, num_outputs=groups)
    b.nodes[-1].output[:] = names
    chunks = [b.node("Unsqueeze", [Tensor(name, (batch, n, height, width)), b.constant([2])],
                     (batch, n, 1, height, width)) for name in names]
    stacked = b.node("Concat", chunks, (batch, n, groups, height, width), axis=2)
    return b.node("Reshape", [stacked, b.constant([batch, channels, height, width])], x.shape)


def sliced_stack(b, x, groups):
    """The same with Slice in place of Split."""
    batch, channels, height, width = x.shape
    n = channels // groups
    parts = [b.node("Unsqueeze", [b.slice(x, i * n, (i + 1) * n), b.constant([2])], (batch, n, 1, height, width))
             for i in range(groups)]
    stacked = b.node("Concat", parts, (batch, n, groups, height, width), axis=2)
    return b.node("Reshape", [stacked, b.constant([batch, channels, height, width])], x.shape)


def even_odd(b, x, groups):
    """Megvii's V2 code: pairs turned with the batch in front, the halves taken by index; joined, they are the
    shuffle that undoes one of two groups."""
    batch, channels, height, width = x.shape
    pairs = b.node("Reshape", [x, b.constant([batch * channels // groups, groups, height * width])],
                   (batch * channels // groups, groups, height * width))
    turned = b.node("Transpose", [pairs], (groups, batch * channels // groups, height * width), perm=[1, 0, 2])
    apart = b.node("Reshape", [turned, b.constant([groups, -1, channels // groups, height, width])],
                   (groups, batch, channels // groups, height, width))
    return b.concat(*(b.node("Gather", [apart, b.constant(i)], (batch, channels // groups, height, width), axis=0)
                      for i in range(groups)))


SPELLINGS = {function.__name__: function for function in
             (reshape, shape_chain, joined_space, gather, negative_gather, slices, split, sliced_stack, even_odd)}


def shuffle(b, x, groups, spelling):
    return SPELLINGS[spelling](b, x, groups)
