"""The experiments of the ShuffleNet papers, with the figures that they published.

Tables 1 to 4 are of ShuffleNet V2 (Ma et al., ECCV 2018): batches per second on a GTX 1080Ti, images per second on a
Snapdragon 810.
Table 8 is of ShuffleNet V1 (Zhang et al., CVPR 2018): milliseconds on one core of a Snapdragon 820.
"""

from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent

# gpu and cpu: a list of rows of published figures, one for each column. cases(device): a list of rows of settings of
# the spec for the widths of that device ("cpu" or "gpu").
Experiment = namedtuple("Experiment", "key title spec rows columns cpu gpu cases")

WIDTHS_1 = {"cpu": [(32, 32), (22, 44), (13, 78), (9, 108)], "gpu": [(128, 128), (90, 180), (52, 312), (36, 432)]}
WIDTHS_2 = {"cpu": [64, 90, 128, 180], "gpu": [128, 180, 256, 360]}
WIDTHS_3 = {"cpu": [64, 128, 256], "gpu": [128, 256, 512]}
WIDTHS_4 = [32, 64, 128]
SCALES = [1, 2, 4]
FRAGMENTS = [(1, False), (2, False), (4, False), (2, True), (4, True)]
UNITS = [(True, True), (True, False), (False, True), (False, False)]


def channel_widths(device):
    return [[{"c1": c1, "c2": c2, "times": times} for times in SCALES] for c1, c2 in WIDTHS_1[device]]


def groups(device):
    return [[{"c": c, "groups": count, "times": times} for times in SCALES]
            for c, count in zip(WIDTHS_2[device], [1, 2, 4, 8])]


def fragments(device):
    return [[{"c": c, "fragments": count, "parallel": parallel} for c in WIDTHS_3[device]]
            for count, parallel in FRAGMENTS]


def elementwise(_device):
    return [[{"c": c, "activated": activated, "shortcut": shortcut} for c in WIDTHS_4]
            for activated, shortcut in UNITS]


EXPERIMENTS = [
    Experiment(
        "g1", "G1, equal channel widths (table 1)", HERE / "g1_channel_widths.rfl", ["1:1", "1:2", "1:6", "1:12"],
        ["x1", "x2", "x4"],
        [[76.2, 21.7, 5.3], [72.9, 20.5, 5.1], [69.1, 17.9, 4.6], [57.6, 15.1, 4.4]],
        [[1480, 723, 232], [1296, 586, 206], [876, 489, 189], [748, 392, 163]], channel_widths),
    Experiment(
        "g2", "G2, groups (table 2)", HERE / "g2_groups.rfl", ["1 group", "2 groups", "4 groups", "8 groups"],
        ["x1", "x2", "x4"],
        [[40.0, 10.2, 2.3], [35.0, 9.5, 2.2], [32.9, 8.7, 2.1], [27.8, 7.5, 1.8]],
        [[2451, 1289, 437], [1725, 873, 341], [1026, 644, 338], [634, 445, 230]], groups),
    Experiment(
        "g3", "G3, fragments (table 3)", HERE / "g3_fragments.rfl",
        ["1 fragment", "2 in series", "4 in series", "2 in parallel", "4 in parallel"],
        ["x1", "x2", "x4"],
        [[40.2, 10.1, 2.3], [38.6, 10.1, 2.2], [38.4, 10.1, 2.3], [33.4, 9.1, 2.2], [35.0, 8.4, 2.1]],
        [[2446, 1274, 434], [1790, 909, 336], [752, 745, 349], [1537, 803, 320], [691, 572, 292]], fragments),
    Experiment(
        "g4", "G4, element-wise ops (table 4)", HERE / "g4_elementwise.rfl",
        ["ReLU, shortcut", "ReLU", "shortcut", "neither"], ["c = 32", "c = 64", "c = 128"],
        [[56.7, 16.9, 5.0], [61.9, 18.8, 5.2], [57.3, 18.2, 5.1], [66.3, 20.2, 5.4]],
        [[2427, 2066, 1436], [2647, 2256, 1735], [2672, 2121, 1458], [2842, 2376, 1782]], elementwise),
]

# G4 in riffle's terms: what is done about concat, shuffle and split, and then about tensors between layers.
FORMS = {
    "as written": ["--layout=as-written", "--chains=never"],
    "merged": ["--layout=merged", "--chains=never"],
    "routed": ["--layout=routed", "--chains=never"],
    "depth-first": ["--layout=routed", "--chains=by-cost"],
}
FORM_SIZES = [(224, 224), (720, 1280)]
FORM_SPEC = EXAMPLES / "shufflenet_v2.rfl"

SIZES = [(224, 224), (480, 640), (720, 1280)]
V1 = EXAMPLES / "shufflenet_v1.rfl"
NETWORKS = {  # name: spec, settings, published milliseconds
    "ShuffleNet V1 0.5x, g = 3": (V1, {"width": 0.5, "groups": 3}, [15.2, 87.4, 260.1]),
    "ShuffleNet V1 1.0x, g = 3": (V1, {"width": 1.0, "groups": 3}, [37.8, 222.2, 684.5]),
    "ShuffleNet V1 2.0x, g = 3": (V1, {"width": 2.0, "groups": 3}, [108.8, 617.0, 1857.6]),
    "AlexNet": (EXAMPLES / "alexnet.rfl", {}, [184.0, 1156.7, 3633.9]),
    "MobileNet V1 1.0x": (EXAMPLES / "mobilenet_v1.rfl", {}, [110.0, 612.0, 1879.2]),
}
