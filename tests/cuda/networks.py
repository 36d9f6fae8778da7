"""Which networks the tests compile, small."""

from support import EXAMPLES, FULL

# Name of the spec -> parameters that make it small. Odd sizes meet all edges; few pixels keep it short.
NETWORKS = {
    "digits/digits": [{}, {"batch": 3}],
    "shufflenet_v1": [{"groups": 3, "width": 0.25, "size": (33, 37)},
                      {"groups": 8, "width": 0.5, "megvii": True, "size": (32, 32)},
                      {"groups": 1, "width": 0.25, "se": True, "size": (32, 40), "batch": 2}],
    "shufflenet_v2": [{"width": 0.5, "size": (33, 37), "batch": 2}, {"width": 1.5, "size": (32, 32)},
                      {"width": 0.5, "megvii": True, "se": True, "size": (32, 32)}],
    "shufflenet_v2_50": [{"size": (33, 33)}],
    "shufflenet_v2_164": [{"units": [2, 1, 2, 1], "auxiliary": True, "size": (32, 33)}],
    "shufflenet_v2_backbone": [{"width": 0.5, "size": (32, 65)}],
    "shufflenet_v2_plus": [{"model": "small", "size": (33, 32)}],
    "squeezenet": [{"version": 1.1, "size": (31, 35)}, {"version": 1.0, "size": (47, 47)}],
    "mobilenet_v1": [{"width": 0.25, "size": (33, 65)}],
    "mobilenet_v2": [{"width": 0.35, "size": (33, 64)}],
    "igcv2": [{"width": 0.25, "size": (33, 49)}],
    "igcv3": [{"width": 0.7, "size": (33, 32)}],
    "densenet_small": [{"width": 0.5, "size": (33, 49)}],
    "densenet121": [{"size": (33, 33)}],
    "condensenet": [{"groups": 8, "size": (33, 33)}],
    "googlenet": [{"size": (33, 34)}],
    "resnet": [{"layers": 18, "size": (33, 33)}, {"layers": 50, "size": (33, 33)}],
    "resnext50_32x4d": [{"size": (33, 33)}],
    "se_resnet50": [{"size": (33, 34)}],
    "nasnet_a_mobile": [{"filters": 12, "size": (33, 32), "classes": 10}],
    "pnasnet_5_mobile": [{"filters": 15, "size": (33, 32), "classes": 10}],
    "vgg_like": [{"size": (33, 33)}],
    "alexnet": [{"size": (63, 63)}],
    "vgg": [{"layers": 16, "size": (32, 32)}],
    "guidelines/g1_channel_widths": [{"size": (9, 9), "c1": 16, "c2": 48}],
    "guidelines/g2_groups": [{"size": (9, 9), "groups": 4}],
    "guidelines/g3_fragments": [{"size": (9, 9), "fragments": 4, "parallel": True}],
    "guidelines/g4_elementwise": [{"size": (9, 9)}],
    "pass_plugin/mobileone": [{"size": 32}],
}


def name(spec, parameters):
    words = [spec.split("/")[-1]]
    for key, value in parameters.items():
        words.append("x".join(map(str, value)) if key == "size" and isinstance(value, tuple) else f"{key}{value}")
    return "-".join(words)


def path(spec):
    return EXAMPLES / f"{spec}.rfl"


HUGE = {"shufflenet_v2_50", "shufflenet_v2_164"}  # minutes under the sanitizer


def all_examples():
    """(spec, parameters): one of each spec that is not huge, or all with RIFFLE_FULL_MATRIX=1."""
    return [(spec, parameters) for spec, variants in NETWORKS.items() if FULL or spec not in HUGE
            for parameters in (variants if FULL else variants[:1])]
