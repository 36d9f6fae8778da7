"""The kernels of examples as text: they read back as they are. Most examples are builds of tests/kernels, whose program
holds the same; here are the others, each for another GPU. Those with the largest weights are tried with
RIFFLE_FULL_MATRIX=1 alone."""

import pytest
from resources import ARCHITECTURES
from networks import FULL, NETWORKS, name, path
from shim import HERE, call
from support import RIFFLE, settings

BUILDS = (HERE.parent / "kernels" / "builds.txt").read_text().splitlines()
HELD = {line.split(".rfl")[0] for line in BUILDS if " cuda-" in line}
LARGE = {"vgg", "pass_plugin/mobileone"}
OTHERS = [(spec, variants[0]) for spec, variants in NETWORKS.items()
          if spec not in HELD and (FULL or spec not in LARGE)]
CASES = [pytest.param(*each, f"cuda-{ARCHITECTURES[i % len(ARCHITECTURES)]}", id=name(*each))
         for i, each in enumerate(OTHERS)]


def test_builds_hold_most():
    assert len(OTHERS) < len(HELD)


@pytest.mark.parametrize("spec, parameters, target", CASES)
def test_read_back(spec, parameters, target, tmp_path):
    call([RIFFLE, "compile", path(spec), *settings(**parameters), "--random-weights", 3, "--target", target,
          "--name", "network", "--emit", "kernels", "-o", tmp_path])
    kernels = tmp_path / "network.rkir"
    assert f"\nprogram network for {target}, " in "\n" + kernels.read_text()
    assert " threads 256 as thread2 {" in kernels.read_text()
    call([RIFFLE, "fmt", "--check", kernels])
