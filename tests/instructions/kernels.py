"""The kernels whose instructions are counted: small layers of the kinds that these networks are made of. They read
and write NHWC, as inside a network."""

# name: the input's shape, and what follows it
KERNELS = {
    "pointwise": ((116, 5, 5), "conv(116, 1, bias = true) @ a |> relu"),
    "pointwise_long": ((464, 2, 3), "conv(64, 1, bias = true) @ a"),
    "pointwise_grouped": ((240, 4, 4), "conv(60, 1, groups = 3, bias = true) @ a |> shuffle(3)"),
    "depthwise": ((116, 7, 7), "depthwise(3, padding = 1, bias = true) @ a"),
    "depthwise_stride": ((58, 15, 15), "depthwise(3, stride = 2, padding = 1, bias = true) @ a"),
    "stem": ((3, 24, 24), "conv(24, 3, stride = 2, padding = 1, bias = true) @ a |> relu"),
    "dense": ((32, 6, 6), "conv(32, 3, padding = 1, bias = true) @ a |> relu"),
    "max_pool": ((24, 16, 16), "max_pool(3, stride = 2, padding = 1)"),
    "classifier": ((256, 4, 4), "global_avg_pool |> linear(100) @ a"),
    "hard_swish": ((40, 8, 8), "hard_swish"),
}
UNIT = """network shuffle_unit {
    input x: f32[1, 116, 4, 4] nhwc
    kept, worked = x |> split(2)
    inner = worked |> conv(58, 1, bias = true) @ a |> relu |> depthwise(3, padding = 1, bias = true) @ b
    output y nhwc = concat(kept, inner |> conv(58, 1, bias = true) @ c |> relu) |> shuffle(2)
}
"""


def network(name):
    """A kernel as a network of its own, in the language; "shuffle_unit" is figure 3 (c) of the V2 paper."""
    if name == "shuffle_unit":
        return UNIT
    (channels, height, width), layers = KERNELS[name]
    last = "" if name == "classifier" else " nhwc"  # of rank 2
    return (f"network {name} {{\n    input x: f32[1, {channels}, {height}, {width}] nhwc\n"
            f"    output y{last} = x |> {layers}\n}}\n")


NAMES = [*KERNELS, "shuffle_unit"]
