"""Parameters and multiply-accumulates, by `riffle inspect`, against the papers and against the ONNX twins.

The published figures are rounded and not always counted alike; the twins count exactly, so riffle must agree
with them to the unit, and with published.json as far as its rows say.
"""

import json
from pathlib import Path

import pytest
from networks_onnx import V1_STAGES, V1_STEM, V2_STAGES, shufflenet_v1, shufflenet_v2, squeezenet
from support import EXAMPLES, riffle_json, settings

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text())["networks"]
COLUMNS = {"network", "settings", "source", "parameters", "macs", "tolerance", "note", "macs_without"}
UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}


def inspect(spec, **parameters):
    return riffle_json("inspect", EXAMPLES / spec, *settings(**parameters))


def row_name(row):
    return "-".join([row["network"], *(f"{key}{value}".replace(" ", "") for key, value in row["settings"].items())])


def assert_published(counted, published, tolerance):
    if published is None:
        return
    if isinstance(published, int):
        assert counted == published
        return
    digits, unit = published.split()
    last_place = 10.0 ** -len(digits.partition(".")[2]) * UNITS[unit]
    value = float(digits) * UNITS[unit]
    # Half of the last place, and a bit for figures that end in 5 exactly.
    assert counted == pytest.approx(value, rel=0, abs=0.5001 * last_place + tolerance * value)


@pytest.mark.parametrize("row", [pytest.param(row, id=row_name(row)) for row in PUBLISHED])
def test_published(row):
    assert set(row) <= COLUMNS and ("parameters" in row or "macs" in row)
    assert "tolerance" not in row or row["note"], "what is off by more than rounding needs a note"
    report = inspect(f"{row['network']}.rfl", **row["settings"])
    left_out = row.get("macs_without", [])
    macs = {layer["name"]: layer["macs"] for layer in report["layers"]}
    counted = report["totals"]["macs"] - sum(macs[layer] for layer in left_out)
    assert_published(report["totals"]["parameters"], row.get("parameters"), row.get("tolerance", 0))
    assert_published(counted, row.get("macs"), row.get("tolerance", 0))


def assert_same_counts(report, twin):
    assert report["totals"]["parameters"] == twin.parameters
    assert report["totals"]["macs"] == twin.macs


@pytest.mark.parametrize("width", V2_STAGES)
def test_shufflenet_v2(width):
    assert_same_counts(inspect("shufflenet_v2.rfl", width=width), shufflenet_v2(width))


@pytest.mark.parametrize("width", V1_STEM)
@pytest.mark.parametrize("groups", V1_STAGES)
def test_shufflenet_v1(groups, width):
    assert_same_counts(inspect("shufflenet_v1.rfl", groups=groups, width=width), shufflenet_v1(groups, width))


@pytest.mark.parametrize("width", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("groups", [3, 8])
def test_shufflenet_v1_megvii(groups, width):
    report = inspect("shufflenet_v1.rfl", groups=groups, width=width, megvii=True)
    assert_same_counts(report, shufflenet_v1(groups, width, megvii=True))


@pytest.mark.parametrize("version", [1.0, 1.1])
def test_squeezenet(version):
    report = inspect("squeezenet.rfl", version=version, size=(224, 224))
    assert_same_counts(report, squeezenet(version, size=(224, 224)))


@pytest.mark.parametrize("spec, parameters, twin", [
    ("shufflenet_v2.rfl", {"width": 1.0, "size": (97, 131), "batch": 3}, shufflenet_v2),
    ("shufflenet_v1.rfl", {"groups": 8, "width": 0.25, "size": (160, 160), "batch": 3}, shufflenet_v1),
    ("squeezenet.rfl", {"version": 1.0, "size": (97, 131), "batch": 3}, squeezenet),
])
def test_other_sizes_and_batches(spec, parameters, twin):
    assert_same_counts(inspect(spec, **parameters), twin(**parameters))
