"""NAME_top_...: the best classes of random outputs, beside NumPy and `riffle run`."""

import ctypes
import json

import numpy as np
import pytest
from support import BACKENDS, NULL_POINTER, RIFFLE, load, run

CLASSES = 37


@pytest.fixture(name="top", params=[(options, end) for options in BACKENDS for end in ("negate", "softmax")])
def make_top(request, tmp_path):
    """A function that finds classes, one that runs riffle, and whether the network ends with softmax."""
    options, end = request.param
    spec = tmp_path / "net.rfl"
    spec.write_text(f"network net {{\n    input x: f32[1, {CLASSES}]\n    output scores = x |> negate |> {end}\n}}\n")
    run(RIFFLE, "compile", spec, "-o", tmp_path, "--random-weights", 1, *BACKENDS[options])
    library = load(tmp_path, "net")
    library.net_top_scores.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_int]

    def find(scores, most, with_probabilities=True):
        classes = np.full(most + 4, -77, np.int32)
        probabilities = np.full(most + 4, -77, np.float32)
        count = library.net_top_scores(scores.ctypes.data, classes.ctypes.data,
                                       probabilities.ctypes.data if with_probabilities else None, most)
        assert (classes[max(count, 0):] == -77).all() and (probabilities[max(count, 0):] == -77).all()
        return classes[:count], probabilities[:count]

    def riffle_run(x, most):
        x.tofile(tmp_path / "x.f32")
        out = json.loads(run(RIFFLE, "run", spec, "--interpret", "--input", tmp_path / "x.f32", "--top", most, "--json",
                             "--output", tmp_path / "y.f32", statuses=(0, 3)))  # 3: NaN in the answer
        return np.fromfile(tmp_path / "y.f32", np.float32), out["top"][0]

    return find, riffle_run, end == "softmax", library


def test_best(top):
    find, riffle_run, are_probabilities, library = top
    numbers = np.random.default_rng(4)
    for most in (1, 5, CLASSES, CLASSES + 3):
        for _ in range(50):
            scores = np.round(numbers.normal(0, 4, CLASSES) * 2).astype(np.float32) / 2  # with equal ones
            wanted = np.argsort(-scores, kind="stable")[:most]
            classes, probabilities = find(scores, most)
            assert classes.tolist() == wanted.tolist()
            exponentials = np.exp(scores.astype(float) - scores.max())
            exact = scores if are_probabilities else exponentials / exponentials.sum()
            assert np.allclose(probabilities, exact[wanted], rtol=1e-7)
        scores, answers = riffle_run(numbers.normal(0, 9, CLASSES).astype(np.float32), most)
        classes, probabilities = find(scores, most)
        assert classes.tolist() == [answer["class"] for answer in answers]
        assert probabilities.tolist() == [np.float32(answer["probability"]) for answer in answers]
    assert find(scores, 3, with_probabilities=False)[0].tolist() == classes[:3].tolist()
    assert library.net_top_scores(None, scores.ctypes.data, None, 1) == -NULL_POINTER
    assert library.net_top_scores(scores.ctypes.data, None, None, 1) == -NULL_POINTER
    assert library.net_top_scores(scores.ctypes.data, scores.ctypes.data, None, 0) == 0


def test_numbers_that_are_none(top):
    find, _, are_probabilities, _ = top
    scores = np.full(CLASSES, np.nan, np.float32)
    assert len(find(scores, 5)[0]) == 0
    scores[[3, 9]] = -2, 1
    assert find(scores, 5)[0].tolist() == [9, 3]
    scores[:] = -np.inf
    scores[4] = 1e30
    classes, probabilities = find(scores, 2)
    assert classes.tolist() == [4, 0]
    if not are_probabilities:
        assert probabilities.tolist() == [1, 0]
