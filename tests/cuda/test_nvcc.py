"""What nvcc says of generated sources: no warnings, nothing spilled, and shared memory that the architecture has."""

import re

import pytest
from model import write_sources
from networks import FULL, NETWORKS, name, path
from resources import ARCHITECTURES, GPUS, SHARED_KIB_LIMITS, resources
from shim import find_nvcc
from support import part, settings

pytestmark = pytest.mark.skipif(find_nvcc() is None, reason="no nvcc: see requirements.txt")

# All architectures for two networks, at the papers' size, and one for the others; or all for all.
WIDELY = [("digits/digits", {}), ("shufflenet_v2", {"width": 1.0})]
WIDE_CASES = [(*each, architecture) for each in WIDELY for architecture in ARCHITECTURES]
OTHERS = [(spec, parameters, architecture) for spec, variants in NETWORKS.items()
          for parameters in (variants if FULL else variants[:1])
          for architecture in (ARCHITECTURES if FULL else ["sm_80"])
          if (spec, parameters, architecture) not in WIDE_CASES]
CASES = [pytest.param(*each, id=f"{name(*each[:2])}-{each[2]}") for each in part(WIDE_CASES, 4) + part(OTHERS, 4)]


@pytest.mark.parametrize("spec, parameters, architecture", CASES)
def test_resources(spec, parameters, architecture, tmp_path):
    write_sources(path(spec), [*settings(**parameters), "--random-weights", 1], f"cuda-{architecture}", tmp_path)
    found = resources(tmp_path, architecture)
    print(found)
    assert found.spill_bytes == 0
    assert found.static_bytes + found.dynamic_bytes <= SHARED_KIB_LIMITS[architecture] * 1024
    assert found.blocks(architecture) >= 1


@pytest.mark.parametrize("name, layer", [("linear", "input x: f32[256, 100000]\n output y = linear(x, 200)"),
                                         ("window", "input x: f32[1, 3, 110, 110]\n output y = conv(x, 12, [100, 100])")])
def test_long_sums(name, layer, tmp_path):
    """Two sets of sums, of a part and of all, fit into the registers."""
    spec = tmp_path / f"{name}.rfl"
    spec.write_text(f"network {name} {{ {layer} }}\n")
    write_sources(spec, ["--random-weights", 1], "cuda-sm_80", tmp_path)
    assert re.search(r"int part\d* = ", (tmp_path / "network.cu").read_text())
    assert resources(tmp_path, "sm_80").spill_bytes == 0


def test_table_of_gpus():
    assert GPUS == SHARED_KIB_LIMITS
