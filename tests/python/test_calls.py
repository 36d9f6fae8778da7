"""Calls: answers, what an array must be, and what is said of one that does not fit."""

import gc
import re
import threading

import numpy as np
import pytest
import riffle
from conftest import TINY, TWO_INPUTS, images, one_answer, write_spec
from support import run_riffle


def test_numbers_of_numpy(one_net):
    image = images(one_net.inputs[0])
    answer = one_net(image)
    assert answer.dtype == np.float32 and answer.shape == (1, 5, 8, 8)
    np.testing.assert_array_equal(answer, one_answer(image))


def test_interpreter_agrees(tiny_net, tmp_path):
    image = images(tiny_net.inputs[0])
    answers = tiny_net(image)
    expected = run_riffle(TINY, ["--random-weights", "1", "--interpret"], [image], [(1, 24, 8, 8), (1, 10)], tmp_path)
    for (name, answer), reference in zip(answers.items(), expected):
        assert np.abs(answer - reference).max() <= 1e-5 * np.abs(reference).max(), name
    assert list(answers) == ["features", "logits"]


def test_description(tiny_net):
    (image,) = tiny_net.inputs
    assert (image.name, image.shape, image.dtype, image.layout) == ("image", (1, 3, 32, 32), np.float32, "NCHW")
    assert [str(tensor) for tensor in tiny_net.outputs] == ["features: float32[1, 24, 8, 8]", "logits: float32[1, 10]"]
    assert repr(tiny_net) == ("<riffle.Network tiny (image: float32[1, 3, 32, 32]) -> "
                              "(features: float32[1, 24, 8, 8], logits: float32[1, 10])>")


def test_several_inputs(tmp_path):
    net = riffle.load(write_spec(tmp_path, TWO_INPUTS), random_weights=1).compile()
    left, right = (images(tensor, seed=index) for index, tensor in enumerate(net.inputs))
    in_order, by_name, mixed = net(left, right), net(right=right, left=left), net(left, right=right)
    for answers in (by_name, mixed):
        for name in ("sum", "scaled"):
            np.testing.assert_array_equal(answers[name], in_order[name])
    np.testing.assert_array_equal(in_order["scaled"], np.maximum(right, 0))
    for arguments, named in [((left,), {}), ((left, right, left), {}), ((left, right), {"left": left}), ((left,), {"rihgt": right})]:
        with pytest.raises(TypeError, match="takes the inputs left, right"):
            net(*arguments, **named)


@pytest.mark.parametrize("change", [
    lambda image: np.asfortranarray(image),
    lambda image: np.repeat(image, 2, axis=3)[..., ::2],
    lambda image: image[:, :, ::-1][:, :, ::-1],
    lambda image: _misaligned(image),
    lambda image: _read_only(image)], ids=["fortran", "strided", "reversed", "misaligned", "read-only"])
def test_any_layout_in_memory(one_net, change):
    image = images(one_net.inputs[0])
    changed = change(image)
    np.testing.assert_array_equal(changed, image)
    np.testing.assert_array_equal(one_net(changed), one_net(image))


def _misaligned(image):
    raw = np.zeros(image.nbytes + 1, np.uint8)
    moved = raw[1:].view(np.float32).reshape(image.shape)
    moved[...] = image
    assert not moved.flags.aligned
    return moved


def _read_only(image):
    image = image.copy()
    image.flags.writeable = False
    return image


class WithDlpack:
    """An object of another library: nothing but its protocol."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


def test_dlpack(one_net):
    image = images(one_net.inputs[0])
    np.testing.assert_array_equal(one_net(WithDlpack(image)), one_net(image))
    taken = one_net.inputs[0].take(WithDlpack(image))
    assert np.shares_memory(taken, image), "it is read where it lies"
    with pytest.raises(TypeError, match="'image' is float32, and the array is float64"):
        one_net(WithDlpack(image.astype(np.float64)))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8, np.int32, ">f4", bool, complex, object])
def test_other_dtypes(one_net, dtype):
    image = images(one_net.inputs[0]).astype(dtype)
    with pytest.raises(TypeError, match="'image' is float32, and the array is "):
        one_net(image)


@pytest.mark.parametrize("shape, hint", [
    ((3, 8, 8), "array[None]"), ((1, 8, 8, 3), "transpose(0, 3, 1, 2)"), ((1, 3, 8, 9), None), ((2, 3, 8, 8), None), ((), None),
    ((1, 3, 8, 8, 1), None), ((0, 3, 8, 8), None)])
def test_other_shapes(one_net, shape, hint):
    with pytest.raises(ValueError, match=re.escape(f"the shape (1, 3, 8, 8), and the array {shape}")) as caught:
        one_net(np.zeros(shape, np.float32))
    assert (": give" in str(caught.value)) == (hint is not None)
    assert hint is None or hint in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, "image.png", [[1.0]], b"bytes"])
def test_no_arrays(one_net, value):
    with pytest.raises(TypeError, match="must be an array of NumPy or an object with DLPack"):
        one_net(value)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, np.float32(3e38), 1e-42])
def test_special_numbers(one_net, number):
    image = images(one_net.inputs[0])
    image[0, 1, 4, 4] = number
    with np.errstate(all="ignore"):
        expected = one_answer(image)
    answer = one_net(image)
    assert np.isnan(answer).any() == (not np.isfinite(number))  # infinity times zero is NaN, too
    elsewhere = np.ones((8, 8), bool)
    elsewhere[3:6, 3:6] = False  # a window sees it times zero
    np.testing.assert_array_equal(answer[..., elsewhere], expected[..., elsewhere])


def test_out(one_net, tiny_net):
    image = images(one_net.inputs[0])
    out = np.full((1, 5, 8, 8), np.nan, np.float32)
    assert one_net(image, out=out) is out
    np.testing.assert_array_equal(out, one_answer(image))
    image = images(tiny_net.inputs[0])
    outs = {"features": np.empty((1, 24, 8, 8), np.float32), "logits": np.empty((1, 10), np.float32)}
    answers = tiny_net(image, out=outs)
    assert answers["logits"] is outs["logits"]
    np.testing.assert_array_equal(outs["features"], tiny_net(image)["features"])


def test_guard_bytes(one_net):
    """Nothing beside the output is written."""
    padded = np.full(1 + 5 * 64 + 1, 7, np.float32)
    out = padded[1:-1].reshape(1, 5, 8, 8)
    one_net(images(one_net.inputs[0]), out=out)
    assert padded[0] == padded[-1] == 7


def test_out_refused(one_net, tiny_net):
    image = images(one_net.inputs[0])
    wide = np.empty((1, 5, 8, 16), np.float32)
    for out, error, said in [
            (np.empty((1, 5, 8, 8)), TypeError, "float64"), (np.empty((1, 4, 8, 8), np.float32), ValueError, "the shape"),
            (wide[..., ::2], ValueError, "contiguous and writeable"), ([0.0], TypeError, "must be an array of NumPy"),
            (_read_only(np.empty((1, 5, 8, 8), np.float32)), ValueError, "contiguous and writeable"), ({}, TypeError, "result")]:
        with pytest.raises(error, match=said):
            one_net(image, out=out)
    with pytest.raises(TypeError, match="a dict with an array for each of features, logits"):
        tiny_net(images(tiny_net.inputs[0]), out=np.empty((1, 10), np.float32))
    memory = np.zeros(5 * 64 + 3 * 64 - 1, np.float32)
    with pytest.raises(ValueError, match="overlaps"):
        one_net(memory[-192:].reshape(1, 3, 8, 8), out=memory[:320].reshape(1, 5, 8, 8))


def test_threads(tiny_net):
    """Many threads at once, with the answers of one."""
    inputs = [images(tiny_net.inputs[0], seed=seed) for seed in range(8)]
    expected = [tiny_net(image)["logits"] for image in inputs]
    wrong = []

    def work(index):
        for _ in range(200):
            if not np.array_equal(tiny_net(inputs[index])["logits"], expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_answers_outlive_the_network(tmp_path):
    net = riffle.load(TINY, random_weights=1).compile()
    folder = net.folder
    answers = net(images(net.inputs[0]))
    assert folder.exists()
    copy = {name: array.copy() for name, array in answers.items()}
    del net
    gc.collect()
    assert not folder.exists(), "the temporary folder goes with the network"
    for name, array in answers.items():
        np.testing.assert_array_equal(array, copy[name])


def test_pixels_side_by_side(tmp_path):
    """Where channels are last, arrays have them last; an input of u8 takes bytes, and no floats."""
    spec = write_spec(tmp_path, """network pixels() {
    input floats: f32[1, 3, 8, 10] nhwc
    input pixels: u8[1, 3, 8, 10] nhwc = pixels(rgb, scale = 1 / 255, mean = 0.5, std = 0.25)
    output first = floats |> relu
    output second nhwc = pixels |> relu
}
""")
    net = riffle.load(spec, random_weights=1).compile()
    assert [tensor.shape for tensor in net.inputs + net.outputs] == [(1, 8, 10, 3), (1, 8, 10, 3), (1, 3, 8, 10), (1, 8, 10, 3)]
    assert net.inputs[1].dtype == np.uint8 and net.inputs[1].preprocessing["scale"] == 1 / 255
    floats, pixels = images(net.inputs[0]), np.random.default_rng(1).integers(0, 256, (1, 8, 10, 3), np.uint8)
    answers = net(floats, pixels)
    np.testing.assert_array_equal(answers["first"], np.maximum(floats.transpose(0, 3, 1, 2), 0))
    np.testing.assert_allclose(answers["second"], np.maximum((pixels / 255 - 0.5) / 0.25, 0), rtol=1e-5, atol=1e-5)
    with pytest.raises(TypeError, match="'pixels' is uint8, and the array is float32"):
        net(floats, pixels.astype(np.float32))
    with pytest.raises(ValueError, match=re.escape("transpose(0, 2, 3, 1)")):
        net(floats.transpose(0, 3, 1, 2), pixels)


ROWS = """network rows(batch = 1) {
    input first: u8[batch, 3, 6, 10] nhwc = pixels(rgb, scale = 1 / 255)
    input floats: f32[batch, 2]
    input second: u8[batch, 1, 4, 5] nhwc = pixels()
    output a nhwc = first |> relu
    output b = floats |> linear(3) @ l
    output c nhwc = second |> relu
}
"""


@pytest.mark.parametrize("options", [[], ["--weights-file"]], ids=["inside", "file"])
def test_rows_with_gaps(tmp_path, options):
    """A part of a frame is read where it lies; what is no row of pixels side by side is copied."""
    net = riffle.load(write_spec(tmp_path, ROWS), random_weights=1).compile(options=options)
    random = np.random.default_rng(3)
    floats = random.standard_normal((1, 2)).astype(np.float32)
    frame, grey = (random.integers(0, 256, shape, np.uint8) for shape in ((1, 9, 16, 3), (1, 4, 12, 1)))
    read_only = frame[:, :6, :10]
    read_only.flags.writeable = False
    parts = [frame[:, 2:8, 3:13], frame[:, 3:9, 6:16], read_only]
    for first, second in zip(parts, [grey[:, :, 7:], grey[:, :, :5].copy(), grey[:, :, 1:6]], strict=True):
        assert net.inputs[0].take_rows(first) is first and net.inputs[2].take_rows(second) is second
        wanted = net(first.copy(), floats, second.copy())
        np.testing.assert_array_equal(wanted["c"], second)
        for name, array in net(first, floats, second).items():
            np.testing.assert_array_equal(array, wanted[name])
    for copied in (frame[:, 6:0:-1, 3:13], frame[:, :6, 12:2:-1], np.repeat(frame, 2, 3)[:, :6, :10, ::2],
                   np.asfortranarray(frame[:, :6, :10])):
        taken = net.inputs[0].take_rows(copied)
        assert taken is not copied and taken.flags.c_contiguous
        np.testing.assert_allclose(net(copied, floats, grey[:, :, :5])["a"], copied / np.float32(255), rtol=1e-6)


def test_rows_with_gaps_in_batches(tmp_path):
    """Images that lie as many rows apart as they have; others are copied."""
    net = riffle.load(write_spec(tmp_path, ROWS), random_weights=1, set={"batch": 2}).compile()
    random = np.random.default_rng(4)
    floats = random.standard_normal((6, 2)).astype(np.float32)
    frames, greys = (random.integers(0, 256, shape, np.uint8) for shape in ((6, 6, 16, 3), (6, 4, 9, 1)))
    first, second = frames[:, :, 4:14], greys[:, :, 2:7]
    wanted = net.batch(first.copy(), floats, second.copy())
    for threads in (1, 3):
        for name, array in net.batch(first, floats, second, threads=threads).items():
            np.testing.assert_array_equal(array, wanted[name])
    assert net.inputs[0].take_rows(first, first.shape) is first
    every_second = np.repeat(first, 2, 0)[::2]
    assert net.inputs[0].take_rows(every_second, first.shape) is not every_second
    np.testing.assert_array_equal(net.batch(every_second, floats, second)["a"], wanted["a"])
