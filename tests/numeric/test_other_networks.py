"""The other networks of the papers against ONNX Runtime, at small sizes; and their counts against their twins."""

import pytest
from classic_onnx import (alexnet, googlenet, resnet, resnext50_32x4d, se_resnet50, shufflenet_v2_50,
                          shufflenet_v2_164, shufflenet_v2_backbone, shufflenet_v2_plus, vgg, vgg_like)
from light_onnx import condensenet, densenet121, densenet_small, igcv2, igcv3, mobilenet_v1, mobilenet_v2
from nasnet_onnx import nasnet_a_mobile, pnasnet_5_mobile
from support import EXAMPLES, best_target, riffle_json, settings
from test_onnx import compare, name

pytestmark = pytest.mark.part(2)

VARIANTS = [
    (alexnet, {"size": (95, 75), "batch": 2}),
    (vgg, {"layers": 16, "size": (32, 64), "batch": 1}),
    (vgg, {"layers": 19, "size": (33, 32), "batch": 2}),
    (vgg_like, {"size": (97, 65), "batch": 1}),
    (googlenet, {"size": (97, 66), "batch": 2}),
    (resnet, {"layers": 18, "size": (97, 65), "batch": 2}),
    (resnet, {"layers": 34, "size": (65, 65), "batch": 1}),
    (resnet, {"layers": 50, "size": (65, 97), "batch": 2}),
    (resnext50_32x4d, {"size": (65, 97), "batch": 2}),
    (se_resnet50, {"size": (65, 98), "batch": 2}),
    (shufflenet_v2_50, {"size": (65, 97), "batch": 2}),
    (shufflenet_v2_164, {"units": [2, 1, 3, 1], "auxiliary": True, "size": (64, 97), "batch": 1}),
    (shufflenet_v2_plus, {"model": "small", "size": (97, 65), "batch": 2}),
    (shufflenet_v2_plus, {"model": "medium", "size": (64, 96), "batch": 1}),
    (shufflenet_v2_plus, {"model": "large", "size": (65, 64), "batch": 1}),
    (shufflenet_v2_backbone, {"width": 0.5, "size": (96, 65), "batch": 2}),
    (shufflenet_v2_backbone, {"width": 1.0, "size": (97, 128), "batch": 1}),
    (nasnet_a_mobile, {"size": (75, 96), "batch": 2}),
    (nasnet_a_mobile, {"filters": 12, "size": (63, 64), "batch": 1, "classes": 10}),
    (pnasnet_5_mobile, {"size": (75, 96), "batch": 2}),
    (pnasnet_5_mobile, {"filters": 15, "size": (63, 64), "batch": 1, "classes": 10}),
    (mobilenet_v1, {"width": 0.25, "size": (97, 65), "batch": 1}),
    (mobilenet_v1, {"width": 1.0, "size": (65, 97), "batch": 1}),
    (mobilenet_v2, {"width": 1.0, "size": (65, 97), "batch": 2}),
    (mobilenet_v2, {"width": 1.4, "size": (33, 64), "batch": 1}),
    (mobilenet_v2, {"width": 0.15, "size": (97, 65), "batch": 1}),
    (densenet121, {"size": (65, 97), "batch": 1}),
    (densenet_small, {"width": 0.5, "size": (65, 97), "batch": 2}),
    (densenet_small, {"width": 1.5, "size": (65, 64), "batch": 1}),
    (condensenet, {"groups": 8, "size": (65, 97), "batch": 1}),
    (condensenet, {"groups": 4, "size": (64, 66), "batch": 2}),
    (igcv2, {"width": 0.25, "size": (65, 97), "batch": 2}),
    (igcv3, {"width": 0.7, "size": (65, 97), "batch": 1}),
    (igcv3, {"width": 1.0, "size": (97, 65), "batch": 2}),
    (igcv3, {"width": 1.4, "size": (33, 64), "batch": 1}),
]
CASES = [pytest.param(*each, id=name(*each)) for each in VARIANTS]


@pytest.mark.parametrize("network, parameters", CASES)
def test_against_onnxruntime(network, parameters, tmp_path):
    compare(network, parameters, best_target(), tmp_path)


@pytest.mark.parametrize("network, parameters", CASES)
def test_counts(network, parameters):
    """At this size and at the papers'."""
    whole = {key: value for key, value in parameters.items() if key in ("layers", "model", "width", "groups", "auxiliary")}
    for chosen in (parameters, whole):
        totals = riffle_json("inspect", EXAMPLES / f"{network.__name__}.rfl", *settings(**chosen))["totals"]
        twin = network(**chosen)
        assert (totals["parameters"], totals["macs"]) == (twin.parameters, twin.macs)
