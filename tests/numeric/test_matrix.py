"""Compiled code against the interpreter: every network, width and group count, at several sizes and batches.

By default each network is verified at two combinations of size and batch, both batches among them, dealt so
that every size meets every group count; RIFFLE_FULL_MATRIX=1 verifies all, which takes three times as long.
"""

import itertools
import os

import pytest
from networks_onnx import V1_STAGES, V1_STEM, V2_STAGES
from support import EXAMPLES, best_target, invoke, settings, verify

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
    full = os.environ.get("RIFFLE_FULL_MATRIX") == "1"
    for row, (spec, parameters) in enumerate(NETWORKS):
        for column, (size, batch) in enumerate(SHAPES):
            # Columns alternate batch 1 and 3, so three further on is the other batch and another size.
            if full or column in (row % len(SHAPES), (row + 3) % len(SHAPES)):
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


def test_verify_can_fail():
    """Compiled code adds in another order than the interpreter: agreement to every bit must be refused."""
    done = invoke("verify", EXAMPLES / "shufflenet_v2.rfl", *settings(width=0.5, size=(97, 131)),
                  "--random-weights", 11, "--target", best_target(), "--count", 1, "--tolerance", "1e-12")
    assert done.returncode != 0
    assert "1e-12" in done.stdout + done.stderr
