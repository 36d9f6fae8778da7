"""Compiled code against the interpreter: every network, width and group count, at several sizes and batches.

By default each network is verified at two combinations of size and batch, both batches among them, dealt so
that every size meets every group count; RIFFLE_FULL_MATRIX=1 verifies all, which takes three times as long.
"""

import itertools

import pytest
from networks_onnx import V1_STAGES, V1_STEM, V2_STAGES
from support import EXAMPLES, FULL, best_target, invoke, settings, verify

pytestmark = pytest.mark.part(2)

SIZES = [(224, 224), (160, 160), (97, 131)]
BATCHES = [1, 3]
SHAPES = list(itertools.product(SIZES, BATCHES))

NETWORKS = [
    *(("shufflenet_v1.rfl", {"groups": groups, "width": width}) for groups in V1_STAGES for width in V1_STEM),
    *(("shufflenet_v1.rfl", {"groups": groups, "width": 0.5, "megvii": True}) for groups in (3, 8)),
    *(("shufflenet_v2.rfl", {"width": width}) for width in V2_STAGES),
    *(("squeezenet.rfl", {"version": version}) for version in (1.0, 1.1)),
]


def combinations():
    """(spec, parameters) of the whole matrix, or of the part that runs by default."""
    for row, (spec, parameters) in enumerate(NETWORKS):
        for column, (size, batch) in enumerate(SHAPES):
            # Columns alternate batch 1 and 3, so three further on is the other batch and another size.
            if FULL or column in (row % len(SHAPES), (row + 3) % len(SHAPES)):
                yield spec, parameters | {"size": size, "batch": batch}


def name(spec, parameters):
    words = [spec.removesuffix(".rfl")]
    for key, value in parameters.items():
        words.append("x".join(map(str, value)) if key == "size" else f"{key}{value}")
    return "-".join(words)


CASES = [pytest.param(*case, id=name(*case)) for case in combinations()]


@pytest.mark.parametrize("spec, parameters", CASES)
def test_compiled_agrees_with_interpreter(spec, parameters):
    verify(EXAMPLES / spec, *settings(**parameters), "--random-weights", 11, "--target", best_target(), "--count", 1)


SMALL = [("shufflenet_v1.rfl", {"groups": 4, "width": 0.25}), ("shufflenet_v2.rfl", {"width": 0.5}),
         ("squeezenet.rfl", {"version": 1.1})]


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("spec, parameters", [pytest.param(*each, id=name(*each)) for each in SMALL])
def test_each_layer_at_each_level(spec, parameters, level):
    """Every layer is an output here, on three threads; and without that, where layers are merged and fused."""
    options = [EXAMPLES / spec, *settings(**parameters, size=(97, 131), batch=2), "--random-weights", 13, "--target",
               best_target(), "-O", level, "--count", 1]
    verify(*options, "--layers", "--threads", 3)
    verify(*options, "--threads", 3)


@pytest.mark.parametrize("spec, parameters", [
    ("shufflenet_v1.rfl", {"groups": 3, "width": 0.5, "size": (32, 32)}),
    ("shufflenet_v2.rfl", {"width": 0.5, "size": (32, 32)}),
    ("shufflenet_v2.rfl", {"width": 0.5, "size": (33, 257), "batch": 2}),
    ("shufflenet_v2.rfl", {"width": 1.0, "size": (480, 640)}),
    ("squeezenet.rfl", {"version": 1.1, "size": (31, 35), "batch": 5}),
], ids=str)
def test_smallest_and_large_inputs(spec, parameters):
    verify(EXAMPLES / spec, *settings(**parameters), "--random-weights", 17, "--target", best_target(), "--count", 1)


def test_verify_can_fail():
    """Compiled code adds in another order than the interpreter: agreement to every bit must be refused."""
    done = invoke("verify", EXAMPLES / "shufflenet_v2.rfl", *settings(width=0.5, size=(97, 131)),
                  "--random-weights", 11, "--target", best_target(), "--count", 1, "--tolerance", "1e-12")
    assert done.returncode != 0
    assert "1e-12" in done.stdout + done.stderr
