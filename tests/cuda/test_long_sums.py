"""Sums of many terms on a GPU: what ../numeric/test_long_sums.py asks of processors, with few terms.

The first one is so large that a float32 which holds it does not change when one of the others is added. One sum would
lose all of them, parts lose those of the first."""

import numpy as np
import pytest
from model import Model
from shim import call

ALLOWED = 5e-6

NETWORKS = {
    "global mean": "input x: f32[1, 1, 80, 100]\n output y = global_avg_pool(x)",
    "mean": "input x: f32[1, 1, 40, 41]\n output y = avg_pool(x, [40, 40], stride = 1)",
    "mean of padded windows": "input x: f32[1, 2, 20, 20]\n"
                              "output y = avg_pool(x, [15, 13], stride = 5, padding = 2, count_padding = true)",
    "softmax": "input x: f32[1, 76801]\n output y = softmax(x)",
    "response norm": "input x: f32[1, 401, 1, 1]\n"
                     "output y = local_response_norm(x, 801, alpha = 1000, beta = 1, k = 0)",
}
FIRST = {"softmax": 18, "response norm": 2**12}  # the others are 1


@pytest.mark.parametrize("name", NETWORKS)
def test_against_interpreter(name, tmp_path):
    spec = tmp_path / "sums.rfl"
    spec.write_text(f"network sums {{ {NETWORKS[name]} }}\n")
    model = Model(spec, {}, tmp_path / "out")
    [(_, count)] = model.tensors("inputs")
    image = np.ones(count, np.float32)
    image[0] = FIRST.get(name, 2**24)
    model.write_expected(inputs=[image])
    said = call([model.program("asan"), "compare"], cwd=model.folder)
    errors = list(map(float, said.stdout.split()))
    assert errors and all(error < ALLOWED for error in errors), errors
