"""Small networks as templates, which the tests of each precision fill in."""

# Examples at sizes at which the interpreter takes a second: file, settings, and how far answers that end in floats may be off.
SMALL_EXAMPLES = [
    ("condensenet.rfl", {"size": [64, 64]}, 0), ("densenet_small.rfl", {}, 0), ("googlenet.rfl", {"size": [96, 96]}, 0),
    ("igcv2.rfl", {"size": [64, 64]}, 0), ("igcv3.rfl", {"size": [64, 64]}, 0), ("mobilenet_v1.rfl", {"size": [64, 64]}, 0),
    ("mobilenet_v2.rfl", {"size": [64, 64]}, 0), ("resnet.rfl", {"layers": 18, "size": [64, 64]}, 0),
    ("se_resnet50.rfl", {"size": [64, 64]}, 0), ("resnext50_32x4d.rfl", {"size": [64, 64]}, 0),
    ("shufflenet_v1.rfl", {"groups": 3, "size": [64, 64]}, 0), ("shufflenet_v2.rfl", {"width": 0.5, "size": [64, 64]}, 0),
    ("shufflenet_v2.rfl", {"width": 0.5, "size": [64, 64], "residual": True, "se": True}, 0),
    ("shufflenet_v2_50.rfl", {"size": [64, 64]}, 0), ("shufflenet_v2_backbone.rfl", {"size": [64, 64]}, 0),
    ("shufflenet_v2_plus.rfl", {"size": [64, 64]}, 0), ("vgg_like.rfl", {"size": [32, 32]}, 0),
    ("squeezenet.rfl", {"size": [64, 64]}, 1e-6), ("detect/yunet.rfl", {}, 1e-6),
    ("detect/fastestdet.rfl", {"size": [96, 96]}, 1e-6),
]

WINDOWS = """network windows {{
    input image: f32[2, 3, {size}, {size} + 4]
    x = image |> conv({channels}, 3, stride = 2, padding = 1) @ a |> relu |> max_pool(3, stride = 2, padding = 1)
    y = x |> depthwise(3, padding = 1) @ b |> conv({channels}, 1) @ c |> relu
    z = y |> depthwise(3, stride = 2, padding = 1) @ d |> conv(7, 1) @ e
    output z = z
    output w = x |> conv(9, 3, padding = 1) @ f
}}
"""

UNITS = """network units {{
    input image: f32[1, 10, 9, 7]
    x = image |> conv({channels}, 1) @ a |> relu
    let keep, work = split(x, 2)
    work = work |> conv({channels} / 2, 1) @ b |> relu |> depthwise(3, padding = 1) @ c |> conv({channels} / 2, 1) @ d |> relu
    x = concat(keep, work) |> shuffle(2)
    x = x |> conv({channels}, 1, groups = 2) @ e |> relu |> shuffle(2)
    output y = x |> conv(11, 1) @ f
}}
"""
