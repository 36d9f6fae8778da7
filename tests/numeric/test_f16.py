"""--precision fp16 on x86-64: weights are halves, and all else is float. Compiled code against the interpreter, which
rounds the same weights and nothing else: sums alone differ. 64-bit ARM is looked at in ../arm/test_fp16.py."""

import json

import pytest
from marks import needs_shared, target_parameter
from small_networks import UNITS, WINDOWS
from support import EXAMPLES, invoke, riffle, run_riffle, settings
from test_bf16 import LINEAR, RESIDUAL, SHAPES, compare, products, roundings, write
from test_reference import RELEASED, reference

TARGETS = [target_parameter(target) for target in ("x86-64-v3", "x86-64-v4")]
FP16 = ("--precision", "fp16", "--target")
NETWORKS = [WINDOWS.format(channels=29, size=24), UNITS.format(channels=36), UNITS.format(channels=116),
            RESIDUAL.format(channels=23)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape.values())))
def test_products(tmp_path, target, shape):
    text, tolerance = products(**shape)
    compare(write(tmp_path, text), (*FP16, target), tolerance)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("inputs,outputs,batch", [(31, 17, 1), (257, 40, 5), (1, 3, 2)])
def test_fully_connected(tmp_path, target, inputs, outputs, batch):
    compare(write(tmp_path, LINEAR.format(**locals())), (*FP16, target), roundings(inputs))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", NETWORKS, ids=range(len(NETWORKS)))
def test_networks(tmp_path, target, text):
    spec = write(tmp_path, text)
    for chains in ("never", "always"):
        compare(spec, (*FP16, target, "--layers", "--threads", 2, "--chains", chains), roundings(2000))


@pytest.mark.parametrize("target", TARGETS)
def test_values(tmp_path, target):
    """Halves between layers, as on ARM, for who asks for them: one that is rounded to the next is no fault."""
    compare(write(tmp_path, UNITS.format(channels=36)),
            (*FP16, target, "--precision-options", "values=true"), 0.002)


@pytest.mark.parametrize("target", TARGETS)
def test_proof(tmp_path, target):
    """Halves lie where the kernels read them."""
    assert "the kernels compute what the network says" in riffle(
        "verify", write(tmp_path, UNITS.format(channels=12)), "--exact", "--random-weights", 1, *FP16, target)


def test_size(tmp_path):
    """Half of the weights, of which depthwise layers keep theirs."""
    bytes_of = {}
    for precision in ("fp32", "fp16"):
        riffle("compile", EXAMPLES / "shufflenet_v2.rfl", *settings(width=0.5), "--random-weights", 1, "--precision",
               precision, "--target", "x86-64-v3", "--name", "net", "-o", tmp_path / precision)
        bytes_of[precision] = json.loads((tmp_path / precision / "net.json").read_text())["totals"]["weight_bytes"]
    assert bytes_of["fp16"] < 0.53 * bytes_of["fp32"]


def test_refused(tmp_path):
    """SSE2 has no such numbers."""
    done = invoke("compile", write(tmp_path, UNITS.format(channels=12)), "--random-weights", 1, *FP16, "x86-64-v2", "-o",
                  tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert done.returncode == 1
    assert done.stderr.startswith("riffle: error: there is no code for fp16 on 'x86-64-v2'\nhint: 64-bit ARM and x86-64-v3 ")


@needs_shared
@pytest.mark.parametrize("target", TARGETS)
def test_logits(tmp_path, target):
    released = RELEASED["v2"]
    image, logits = reference("v2", "pelican")
    got, = run_riffle(EXAMPLES / released.spec, [*released.options(), *FP16, target], [image], [logits.shape], tmp_path)
    assert got.argmax() == logits.argmax()
    assert abs(got - logits).max() <= 0.002 * abs(logits).max()
