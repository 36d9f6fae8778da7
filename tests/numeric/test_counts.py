"""Parameters and multiply-accumulates, by `riffle inspect`, against the papers and against the ONNX twins.

The papers' figures are rounded and not always counted alike; the twins count exactly, so riffle must agree
with them to the unit, and with the papers as far as the notes here say.
"""

import pytest
from networks_onnx import V1_STAGES, V1_STEM, V2_STAGES, shufflenet_v1, shufflenet_v2, squeezenet
from support import EXAMPLES, riffle_json, settings

# Ma et al., ECCV 2018, table 5 and section 4; parameters are those of torchvision's form.
V2_PUBLISHED = {  # width: (parameters, MACs in millions)
    0.5: (1_366_792, 41), 1.0: (2_278_604, 146), 1.5: (3_503_624, 299), 2.0: (7_393_996, 591)}
# The paper counts Megvii's first unit of stage 2 (24 -> 24 and 24 -> c/2 -> c-24), torchvision's form
# (24 -> c/2 twice), whose weight names the spec has, is 40.5, 144.9, 295.8 and 583.3: up to 1.4 % fewer.
V2_ALLOWED = 0.015

# Zhang et al., CVPR 2018, table 1; that row leaves out the fully connected layer.
V1_PUBLISHED_AT_1X = {1: 143, 2: 140, 3: 137, 4: 133, 8: 137}
# Tables 2 to 5 at g = 3; with the fully connected layer.
V1_PUBLISHED_AT_G3 = {0.5: 38, 1.5: 292, 2.0: 524}
V1_MEGVII_PARAMETERS = {(3, 0.5): 717_324}
# Iandola et al., 2016, and the Caffe release; at 224 x 224.
SQUEEZENET_PUBLISHED = {1.0: (1_248_424, 0.82e9), 1.1: (1_235_496, 0.35e9)}


def inspect(spec, **parameters):
    return riffle_json("inspect", EXAMPLES / spec, *settings(**parameters))


def assert_same_counts(report, twin):
    assert report["totals"]["parameters"] == twin.parameters
    assert report["totals"]["macs"] == twin.macs


@pytest.mark.parametrize("width", V2_STAGES)
def test_shufflenet_v2(width):
    report = inspect("shufflenet_v2.rfl", width=width)
    parameters, millions = V2_PUBLISHED[width]
    assert report["totals"]["parameters"] == parameters
    assert report["totals"]["macs"] == pytest.approx(millions * 1e6, rel=V2_ALLOWED)
    assert_same_counts(report, shufflenet_v2(width))


@pytest.mark.parametrize("width", V1_STEM)
@pytest.mark.parametrize("groups", V1_STAGES)
def test_shufflenet_v1(groups, width):
    report = inspect("shufflenet_v1.rfl", groups=groups, width=width)
    macs = report["totals"]["macs"]
    assert_same_counts(report, shufflenet_v1(groups, width))
    if width == 1.0:
        classifier = 4 * V1_STAGES[groups] * 1000
        assert round((macs - classifier) / 1e6) == V1_PUBLISHED_AT_1X[groups]
    if groups == 3 and width in V1_PUBLISHED_AT_G3:
        assert round(macs / 1e6) == V1_PUBLISHED_AT_G3[width]


@pytest.mark.parametrize("width", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("groups", [3, 8])
def test_shufflenet_v1_megvii(groups, width):
    report = inspect("shufflenet_v1.rfl", groups=groups, width=width, megvii=True)
    assert_same_counts(report, shufflenet_v1(groups, width, megvii=True))
    if (groups, width) in V1_MEGVII_PARAMETERS:
        assert report["totals"]["parameters"] == V1_MEGVII_PARAMETERS[groups, width]


@pytest.mark.parametrize("version", SQUEEZENET_PUBLISHED)
def test_squeezenet(version):
    report = inspect("squeezenet.rfl", version=version, size=(224, 224))
    parameters, macs = SQUEEZENET_PUBLISHED[version]
    assert report["totals"]["parameters"] == parameters
    assert round(report["totals"]["macs"] / 1e9, 2) == macs / 1e9
    assert_same_counts(report, squeezenet(version, size=(224, 224)))


@pytest.mark.parametrize("spec, parameters, twin", [
    ("shufflenet_v2.rfl", {"width": 1.0, "size": (97, 131), "batch": 3}, shufflenet_v2),
    ("shufflenet_v1.rfl", {"groups": 8, "width": 0.25, "size": (160, 160), "batch": 3}, shufflenet_v1),
    ("squeezenet.rfl", {"version": 1.0, "size": (97, 131), "batch": 3}, squeezenet),
])
def test_other_sizes_and_batches(spec, parameters, twin):
    assert_same_counts(inspect(spec, **parameters), twin(**parameters))
