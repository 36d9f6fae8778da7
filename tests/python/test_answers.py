"""What the numbers of a network say, by the functions of its library, beside NumPy and the command."""

import numpy as np
import pytest
import riffle
from conftest import write_spec
from support import EXAMPLES, riffle_json

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


# Outputs in both layouts, landmarks, and a batch.
FACES = """network faces(batch = 1) {
    input cells: f32[batch, 18, 4, 6]
    let near = split(cells |> negate |> negate, [3, 1, 4, 10])
    output classes = near[0]
    output objects nhwc = near[1]
    output boxes = near[2]
    output marks nhwc = near[3]
    labels = "names.txt"
    answer seen = exp_boxes([near[0]], [near[1]], [near[2]], landmarks = [near[3]], strides = [1])
}
"""


@pytest.fixture(scope="module", name="faces")
def make_faces(tmp_path_factory):
    """The network, for one image and for two, and some cells."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "names.txt").write_text("cat\ndog\nbird\n")
    spec = write_spec(folder, FACES)
    cells = np.random.default_rng(3).normal(0.3, 1, (2, 18, 4, 6)).astype(np.float32)
    return [riffle.load(spec, random_weights=1, set={"batch": batch}).compile() for batch in (1, 2)], cells


def test_find(faces, tmp_path):
    (net, pair), cells = faces
    assert net.description["answer"] == {"name": "seen", "classes": 3, "landmarks": 5}
    assert net.labels == ("cat", "dog", "bird")
    outputs = pair(cells)
    for item in range(2):
        cells[item].tofile(tmp_path / "cells")
        (rows,) = riffle_json("run", write_faces(tmp_path), "--interpret", "--input",
                              tmp_path / "cells", "--threshold", "0.25", "--overlap", "0.4")["boxes"]
        boxes = net.find(net(cells[item:item + 1]), threshold=0.25, overlap=0.4)
        assert len(boxes) == len(rows) > 1
        for box, row in zip(boxes, rows):
            assert box.class_index == row["class"] and box.score == np.float32(row["score"])
            assert box[:4] == tuple(np.float32(row["corners"]))
            assert np.ravel(box.landmarks).tolist() == np.float32(row["landmarks"]).tolist() and len(box.landmarks) == 5
        of_pair = {name: array[item:item + 1] for name, array in outputs.items()}
        assert pair.find(of_pair, threshold=0.25, overlap=0.4) == boxes
        assert net.find(net(cells[item:item + 1]), threshold=0.25, overlap=0.4, most=1) == boxes[:1]
    assert net.find(outputs_of_nothing(net)) == []


def write_faces(folder):
    (folder / "names.txt").write_text("cat\ndog\nbird\n")
    return write_spec(folder, FACES, "faces.rfl")


def outputs_of_nothing(net):
    return {tensor.name: np.full(tensor.shape, np.nan, np.float32) for tensor in net.outputs}


def test_find_in_a_picture(faces):
    (net, _), cells = faces
    outputs = net(cells[:1])
    mapping = riffle.Mapping(2, 3, -5, 7)
    for box, moved in zip(net.find(outputs), net.find(outputs, mapping), strict=True):
        assert moved[:2] == pytest.approx(mapping.point(*box[:2])) and moved[2:4] == pytest.approx(mapping.point(*box[2:4]))
        assert moved.landmarks[4] == pytest.approx(mapping.point(*box.landmarks[4]))


def test_find_refused(faces, one_net):
    (net, pair), cells = faces
    outputs = net(cells[:1])
    with pytest.raises(riffle.Error, match="one has no answer"):
        one_net.find(np.zeros((1, 5, 8, 8), np.float32))
    assert one_net.labels == ()
    for bad, error, said in [(outputs["classes"], TypeError, "an array for each of classes, objects, boxes, marks"),
                             ({**outputs, "more": outputs["boxes"]}, TypeError, "an array for each"),
                             ({**outputs, "boxes": outputs["boxes"].astype(float)}, TypeError, "is float32"),
                             (pair(cells), ValueError, "has the shape")]:
        with pytest.raises(error, match=said):
            net.find(bad)
    with pytest.raises(ValueError, match="negative"):
        net.find(outputs, most=-1)


def test_yunet():
    """The spec of examples, with made-up weights: what is found lies in the picture's pixels."""
    net = riffle.load(EXAMPLES / "detect" / "yunet.rfl", random_weights=1,
                      set={"size": [64, 64], "letterbox": "centre"}).compile()
    picture = np.random.default_rng(1).integers(0, 256, (100, 160, 3), np.uint8)
    image, mapping = net.prepare_mapped(picture)
    outputs = net(image)
    best, moved = (net.find(outputs, place, threshold=0, most=3) for place in (None, mapping))
    assert len(best) == 3 and moved[0][:2] == pytest.approx(mapping.point(*best[0][:2]), rel=1e-4)
