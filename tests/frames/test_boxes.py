"""NAME_find_...: boxes of random outputs beside a plain reference in Python, `riffle run`, and between guards."""

import ctypes
import json
import math
import random

import numpy as np
import pytest
from support import BACKENDS, NULL_POINTER, RIFFLE, load, run

MOST_CANDIDATES = 4096
SETS = 10000

GRID = """network grid(classes = 3, rows = 5, columns = 4) {
    input cells: f32[1, 5 + classes, rows, columns]
    let same = cells |> negate |> negate
    output predictions = same
    answer things = tanh_boxes(same)
}
"""
FACES = """network faces {
    input cells: f32[2, 17, 4, 6]
    let near = split(cells |> negate |> negate, [2, 1, 4, 10])
    let far = split(cells |> max_pool(1, stride = 2), [2, 1, 4, 10])
    output classes = near[0]
    output objects nhwc = near[1]
    output boxes = near[2]
    output marks nhwc = near[3]
    output far_classes nhwc = far[0]
    output far_objects = far[1]
    output far_boxes nhwc = far[2]
    output far_marks = far[3]
    answer seen = exp_boxes(
        [near[0], far[0]], [near[1], far[1]], [near[2], far[2]], landmarks = [near[3], far[3]], strides = [1, 2],
    )
}
"""


class Mapping(ctypes.Structure):
    _fields_ = [(name, ctypes.c_float) for name in ("scale_x", "scale_y", "offset_x", "offset_y")]


class Library:
    def __init__(self, folder, name, answer, spec, options, landmarks=0):
        self.folder, self.name, self.landmarks = folder, name, landmarks
        (folder / f"{name}.rfl").write_text(spec)
        run(RIFFLE, "compile", folder / f"{name}.rfl", "-o", folder, "--random-weights", 1, *options)
        library = load(folder, name)
        self.function = getattr(library, f"{name}_find_{answer}")
        self.function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_float, ctypes.c_int,
                                  ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        scratch_bytes = getattr(library, f"{name}_find_{answer}_scratch_bytes")
        scratch_bytes.restype = ctypes.c_size_t
        self.scratch = np.full(scratch_bytes() + 64 + 1, 0xA5, np.uint8)
        self.kind = np.dtype([("box", np.float32, 4), ("score", np.float32), ("class", np.int32),
                              ("landmarks", np.float32, (landmarks, 2))])

    def find(self, outputs, threshold, overlap, across=False, mapping=None, most=1000):
        """The boxes; nothing beside them and the scratch was written."""
        pointers = (ctypes.c_void_p * len(outputs))(*[None if o is None else o.ctypes.data for o in outputs])
        boxes = np.zeros(most + 1, self.kind)
        boxes.view(np.uint8)[:] = 0x5A
        count = self.function(pointers, None if mapping is None else ctypes.byref(mapping), threshold, overlap, across,
                              boxes.ctypes.data, most, self.scratch.ctypes.data + 1)
        assert (boxes[most:].view(np.uint8) == 0x5A).all()
        assert (self.scratch[-64:] == 0xA5).all() and self.scratch[0] == 0xA5
        assert count <= most
        return count if count < 0 else boxes[:count]


@pytest.fixture(name="options", params=BACKENDS)
def backend_options(request):
    return BACKENDS[request.param]


def share(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height)


def reference(cells, threshold, overlap, across):
    """tanh_boxes and suppression as plainly as can be, and whether rounding may have decided anything."""
    channels, rows, columns = cells.shape
    found, near = [], False
    for cell in range(rows * columns):
        row, column = divmod(cell, columns)
        n = [float(x) for x in cells[:, row, column]]
        score = n[0] * max(n[5:])
        near = near or abs(score - threshold) < 1e-6
        if score >= threshold:
            x, y = column + math.tanh(n[1]), row + math.tanh(n[2])
            width, height = columns / (1 + math.exp(-n[3])), rows / (1 + math.exp(-n[4]))
            found.append((-score, cell, n.index(max(n[5:]), 5) - 5,
                          (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
    kept = []
    for score, _, which, box in sorted(found):
        shares = [share(box, better) for _, other, better in kept if across or other == which]
        near = near or any(abs(s - overlap) < 1e-5 for s in shares)
        if all(s <= overlap for s in shares):
            kept.append((-score, which, box))
    return kept, near


def test_random_sets(tmp_path, options):
    """Scores that are equal, too; a set where rounding may decide is drawn again."""
    grid = Library(tmp_path, "grid", "things", GRID, options)
    maker, numbers = random.Random(17), np.random.default_rng(17)
    for _ in range(SETS if options == [] else SETS // 10):
        near = True
        while near:
            cells = numbers.normal(0, 1, (8, 5, 4)).astype(np.float32)
            if maker.random() < 0.5:
                cells[[0, 5, 6, 7]] = numbers.integers(0, 4, (4, 5, 4)) / 4
            threshold, overlap = maker.choice([0.1, 0.3, 0.6]), maker.choice([0.21, 0.45, 0.7])
            across = maker.random() < 0.5
            wanted, near = reference(cells, threshold, overlap, across)
        boxes = grid.find([cells], threshold, overlap, across)
        assert boxes["class"].tolist() == [which for _, which, _ in wanted]
        if wanted:
            assert np.allclose(boxes["score"], [score for score, _, _ in wanted], rtol=1e-6)
            assert np.allclose(boxes["box"], [box for _, _, box in wanted], rtol=1e-6, atol=1e-6)


def test_as_riffle_run(tmp_path, options):
    """Bit for bit: both pictures of a batch, landmarks, outputs in both layouts."""
    faces = Library(tmp_path, "faces", "seen", FACES, options, landmarks=5)
    numbers = np.random.default_rng(3)
    for _ in range(5):
        cells = numbers.normal(0.3, 1, (2, 17, 4, 6)).astype(np.float32)
        cells.tofile(tmp_path / "cells")
        given = json.loads(run(RIFFLE, "run", tmp_path / "faces.rfl", "--interpret", "--json", "--input",
                               tmp_path / "cells", "--threshold", 0.25, "--overlap", 0.4))["boxes"]
        for item in range(2):
            near, far = cells[item], np.ascontiguousarray(cells[item, :, ::2, ::2])

            def last(part):
                return np.ascontiguousarray(part.transpose(1, 2, 0))

            outputs = [near[:2], last(near[2:3]), near[3:7], last(near[7:]),
                       last(far[:2]), far[2:3], last(far[3:7]), far[7:]]
            boxes = faces.find([np.ascontiguousarray(o) for o in outputs], 0.25, 0.4)
            assert len(boxes) == len(given[item]) > 0
            for box, wanted in zip(boxes, given[item]):
                assert box["class"] == wanted["class"] and box["score"] == np.float32(wanted["score"])
                assert box["box"].tolist() == [np.float32(x) for x in wanted["corners"]]
                assert box["landmarks"].reshape(-1).tolist() == [np.float32(x) for x in wanted["landmarks"]]


def test_mapping_and_most(tmp_path, options):
    grid = Library(tmp_path, "grid", "things", GRID, options)
    cells = np.random.default_rng(1).normal(0.5, 1, (8, 5, 4)).astype(np.float32)
    plain = grid.find([cells], 0.1, 0.9)
    moved = grid.find([cells], 0.1, 0.9, mapping=Mapping(2.5, 3, -7, 11))
    assert np.allclose(moved["box"], plain["box"] * [2.5, 3, 2.5, 3] + [-7, 11, -7, 11], rtol=1e-5, atol=1e-5)
    assert len(plain) > 3
    for most in (0, 1, 3):
        assert (grid.find([cells], 0.1, 0.9, most=most) == plain[:most]).all()


def test_best_of_many(tmp_path, options):
    """More cells than are looked at: the best of them, in order."""
    grid = Library(tmp_path, "grid", "things", GRID.replace("rows = 5, columns = 4", "rows = 80, columns = 80"), options)
    cells = np.zeros((8, 80, 80), np.float32)
    cells[0], cells[3:5] = 1, -30
    scores = np.random.default_rng(5).permutation(6400).astype(np.float32).reshape(80, 80) / 6400
    cells[6] = scores
    boxes = grid.find([cells], 0, 0.5, most=6400)
    assert boxes["score"].tolist() == sorted(scores.reshape(-1).tolist(), reverse=True)[:MOST_CANDIDATES]
    assert set(boxes["class"]) == {1}


def test_numbers_that_are_none(tmp_path, options):
    """NaN, infinity and what overflows are no boxes, and stop nothing."""
    grid = Library(tmp_path, "grid", "things", GRID, options)
    good = np.random.default_rng(2).normal(0.5, 1, (8, 5, 4)).astype(np.float32)
    for number in (math.nan, math.inf, -math.inf, 3e38, -3e38):
        for channel in range(8):
            cells = good.copy()
            cells[channel, 2, 1] = number
            boxes = grid.find([cells], 0.1, 0.4)
            assert np.isfinite(boxes["box"]).all() and np.isfinite(boxes["score"]).all()
    assert grid.find([None], 0.1, 0.4) == -NULL_POINTER
    assert grid.function(None, None, 0, 0, 0, grid.scratch.ctypes.data, 1, grid.scratch.ctypes.data) == -NULL_POINTER


# Cells at two strides of one input, in both layouts; `bins` numbers for each side.
DISTANCES = """network sides(bins = 1) {
    input cells: f32[1, 3 + 4 * bins, 4, 6]
    let near = split(cells |> negate |> negate, [3, 4 * bins])
    let far = split(cells |> max_pool(1, stride = 2), [3, 4 * bins])
    output classes nhwc = near[0]
    output distances = near[1]
    output far_classes = far[0]
    output far_distances nhwc = far[1]
    answer things = DECODING([near[0], far[0]], [near[1], far[1]], strides = [1, 2])
}
"""
READY = """network ready {
    input cells: f32[1, 8, 5, 4]
    let parts = split(cells |> negate |> negate, [4, 4])
    let scores = parts[0] |> permute([0, 2, 3, 1]) |> reshape([1, 20, 4])
    let corners = parts[1] |> permute([0, 2, 3, 1]) |> reshape([1, 20, 4])
    output classes = scores
    output boxes = corners
    answer things = ready_boxes(scores, corners)
}
"""


def distances_of(numbers):
    """Of the four sides of each cell, whose numbers come last."""
    sides = numbers.reshape(*numbers.shape[:-1], 4, -1).astype(float)
    if sides.shape[-1] == 1:
        return sides[..., 0]
    weights = np.exp(sides - sides.max(-1, keepdims=True))
    return (weights * np.arange(sides.shape[-1])).sum(-1) / weights.sum(-1)


def check(boxes, scores, corners, threshold):
    """All boxes, none left out for another, the best first."""
    best = scores.max(1)
    order = [i for i in np.argsort(-best, kind="stable") if best[i] >= threshold]
    assert len(boxes) == len(order) > 0
    assert boxes["class"].tolist() == scores.argmax(1)[order].tolist()
    assert np.allclose(boxes["score"], best[order], rtol=1e-6)
    assert np.allclose(boxes["box"], corners[order], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bins", [1, 8])
@pytest.mark.parametrize(("decoding", "middle"), [("distance_boxes", 0.5), ("corner_distance_boxes", 0)])
def test_distances(tmp_path, options, decoding, middle, bins):
    spec = DISTANCES.replace("DECODING", decoding).replace("bins = 1", f"bins = {bins}")
    sides = Library(tmp_path, "sides", "things", spec, options)
    numbers = np.random.default_rng(bins)
    for _ in range(20):
        cells = numbers.normal(0.3, 2, (3 + 4 * bins, 4, 6)).astype(np.float32)
        if bins == 1:
            cells[3:] = np.abs(cells[3:])
        scores, corners = [], []
        for stride in (1, 2):
            last = cells[:, ::stride, ::stride].transpose(1, 2, 0)
            y, x = np.indices(last.shape[:2]) + middle
            left, top, right, bottom = np.moveaxis(distances_of(last[..., 3:]), -1, 0)
            scores.append(last[..., :3].reshape(-1, 3))
            corners.append(stride * np.stack([x - left, y - top, x + right, y + bottom], -1).reshape(-1, 4))
        near, far = cells, cells[:, ::2, ::2]
        outputs = [near[:3].transpose(1, 2, 0), near[3:], far[:3], far[3:].transpose(1, 2, 0)]
        boxes = sides.find([np.ascontiguousarray(o) for o in outputs], 0.1, 1)
        check(boxes, np.concatenate(scores), np.concatenate(corners), 0.1)


def test_ready_boxes(tmp_path, options):
    """Corners as shares of 4 columns and 5 rows; the first class is none."""
    ready = Library(tmp_path, "ready", "things", READY, options)
    numbers = np.random.default_rng(7)
    for _ in range(20):
        scores, corners = (numbers.random((20, 4), np.float32) for _ in range(2))
        corners[:, 2:] += corners[:, :2]
        check(ready.find([scores, corners], 0.6, 1), scores[:, 1:], corners * [4, 5, 4, 5], 0.6)
    scores[3], corners[5, 1] = math.nan, math.inf
    boxes = ready.find([scores, corners], 0, 1)
    assert len(boxes) == 18 and np.isfinite(boxes["box"]).all()
    given = np.stack([scores, corners], 1).reshape(1, 5, 4, 8).transpose(0, 3, 1, 2)
    np.ascontiguousarray(given).tofile(tmp_path / "cells")
    found = json.loads(run(RIFFLE, "run", tmp_path / "ready.rfl", "--interpret", "--json", "--input", tmp_path / "cells",
                           "--threshold", 0, "--overlap", 1, statuses=(3,)))["boxes"][0]
    assert [[np.float32(x) for x in box["corners"]] for box in found] == boxes["box"].tolist()


# Two anchors for each cell of two strides, one output a list, the other a map.
ANCHORS = """network anchored {
    input cells: f32[1, 16, 4, 6]
    let near = cells |> negate |> negate
    let far = cells |> max_pool(1, stride = 2) |> permute([0, 2, 3, 1]) |> reshape([1, 6, 16])
    output near = near
    output far = far
    answer things = anchor_boxes([near, far], strides = [1, 2], anchors = [3, 2, 1, 5, 7, 4, 2, 9])
}
"""


def test_anchors(tmp_path, options):
    anchored = Library(tmp_path, "anchored", "things", ANCHORS, options)
    numbers = np.random.default_rng(11)
    for _ in range(20):
        cells = numbers.normal(0, 1.5, (16, 4, 6)).astype(np.float32)
        scores, corners = [], []
        for stride, sizes in ((1, [(3, 2), (1, 5)]), (2, [(7, 4), (2, 9)])):
            last = cells[:, ::stride, ::stride].transpose(1, 2, 0)
            y, x = np.indices(last.shape[:2])
            for anchor, (width, height) in enumerate(sizes):
                share = 1 / (1 + np.exp(-last[..., 8 * anchor:8 * anchor + 8].astype(float)))
                middle = np.stack([x, y], -1) + 2 * share[..., :2] - 0.5
                half = (2 * share[..., 2:4]) ** 2 * [width, height] / 2
                scores.append((share[..., 4:5] * share[..., 5:]).reshape(-1, 3))
                corners.append(np.concatenate([middle * stride - half, middle * stride + half], -1).reshape(-1, 4))
        outputs = [cells, np.ascontiguousarray(cells[:, ::2, ::2].transpose(1, 2, 0))]
        check(anchored.find(outputs, 0.3, 1), np.concatenate(scores), np.concatenate(corners), 0.3)
    cells[None].tofile(tmp_path / "cells")
    found = json.loads(run(RIFFLE, "run", tmp_path / "anchored.rfl", "--interpret", "--json", "--input", tmp_path / "cells",
                           "--threshold", 0.3, "--overlap", 0.4))["boxes"][0]
    boxes = anchored.find(outputs, 0.3, 0.4)
    assert [[np.float32(x) for x in box["corners"]] for box in found] == boxes["box"].tolist() and len(found) > 2
    text = run(RIFFLE, "opt", tmp_path / "anchored.rfl", "--passes=")
    assert "strides = [1, 2], anchors = [3, 2, 1, 5, 7, 4, 2, 9])" in text
    (tmp_path / "again.rir").write_text(text)
    assert run(RIFFLE, "opt", tmp_path / "again.rir", "--passes=") == text
