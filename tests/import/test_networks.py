"""Networks as PyTorch exports them, imported, compiled, and compared with ONNX Runtime."""

import pytest
from comparing import compare
from exported import NETWORKS, scopes
from safetensors.numpy import load_file


@pytest.mark.parametrize("folded", [False, True], ids=["kept", "folded"])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.__name__)
def test_network(network, folded, tmp_path):
    twin = network(folded=folded)
    compare(twin.model(twin.random_weights(seed=2)), tmp_path)


def test_paths_are_the_modules(tmp_path):
    """With batch norms kept, the weights' names come through; with folded ones, the nodes' scopes give them."""
    for folded in (False, True):
        twin = NETWORKS[0](folded=folded)
        compare(twin.model(twin.random_weights(seed=2)), tmp_path)
        paths = set(load_file(tmp_path / "net.safetensors"))
        assert {"stage2.1.branch2.3.weight", "conv5.0.weight", "fc.bias"} <= paths
        assert folded or paths == set(twin.weights)


def test_scopes():
    assert scopes("stage2.0.conv") == ["stage2", "stage2.0", "stage2.0.conv"]
