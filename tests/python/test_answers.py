"""What the numbers of a network say, by the functions of its library, beside NumPy and the command."""

import numpy as np
import pytest
import riffle
from conftest import write_spec
from support import riffle_json

CLASSES = 37


def scoring(folder, end="negate", batch=1):
    spec = write_spec(folder, f"network net {{\n    input x: f32[{batch}, {CLASSES}]\n"
                              f"    output scores = x |> negate |> {end}\n}}\n")
    return riffle.load(spec, random_weights=1).compile()


@pytest.mark.parametrize("end", ["negate", "softmax"])
def test_top(tmp_path, end):
    net = scoring(tmp_path, end)
    x = np.random.default_rng(1).normal(0, 3, (1, CLASSES)).astype(np.float32)
    x.tofile(tmp_path / "x.f32")
    rows = riffle_json("run", tmp_path / "net.rfl", "--random-weights", "1", "--interpret", "--input", tmp_path / "x.f32",
                       "--top", "7")["top"][0]
    scores = net(x)
    if end == "negate":  # softmax rounds as its target does
        assert net.top(scores, 7) == [(row["class"], np.float32(row["probability"])) for row in rows]
    assert [which for which, _ in net.top(scores, 7)] == [row["class"] for row in rows]
    assert net.top(scores[0]) == net.top(scores, 5) == net.top(scores, 7)[:5]
    assert len(net.top(scores, 1000)) == CLASSES and net.top(scores, 0) == []
    wide = np.zeros((1, 2 * CLASSES), np.float32)
    wide[:, ::2] = scores
    assert net.top(wide[:, ::2]) == net.top(scores)
    scores[0, net.top(scores, 1)[0][0]] = np.nan
    assert len(net.top(scores, 1000)) == CLASSES - 1


def test_top_of_a_batch(tmp_path):
    net = scoring(tmp_path, batch=3)
    scores = net(np.random.default_rng(2).normal(0, 3, (3, CLASSES)).astype(np.float32))
    assert [net.top(row, 1)[0][0] for row in scores] == scores.argmax(axis=1).tolist()
    with pytest.raises(ValueError, match="one image of a batch at a time"):
        net.top(scores)


def test_top_refused(tmp_path, one_net):
    net = scoring(tmp_path)
    for bad, error in [([1.0], TypeError), (np.zeros(CLASSES), TypeError), (np.zeros(3, np.float32), ValueError)]:
        with pytest.raises(error):
            net.top(bad)
    with pytest.raises(ValueError, match="negative"):
        net.top(np.zeros(CLASSES, np.float32), -1)
    with pytest.raises(riffle.Error, match="finds no classes in 'result'"):
        one_net.top(np.zeros(5 * 64, np.float32))
