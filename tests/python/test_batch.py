"""Batches: equal to single calls, to the bit, on any number of threads."""

import numpy as np
import pytest
import riffle
from conftest import ONE_OUTPUT, TWO_INPUTS, images, one_answer, write_spec


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [1, 7])
def test_equals_single_calls(tiny_net, threads, count):
    batch = images(tiny_net.inputs[0], count)
    answers = tiny_net.batch(batch, threads=threads)
    for index in range(count):
        single = tiny_net(batch[index:index + 1])
        for name, array in single.items():
            np.testing.assert_array_equal(answers[name][index:index + 1], array)


def test_forms_of_images(one_net):
    batch = images(one_net.inputs[0], 4)
    expected = one_answer(batch)
    np.testing.assert_array_equal(one_net.batch(batch), expected)
    np.testing.assert_array_equal(one_net.batch(list(batch)), expected)
    np.testing.assert_array_equal(one_net.batch([image[None] for image in batch], threads=2), expected)
    np.testing.assert_array_equal(one_net.batch(image=batch), expected)
    out = np.empty((4, 5, 8, 8), np.float32)
    assert one_net.batch(batch, threads=2, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_none(one_net):
    for nothing in ([], np.empty((0, 3, 8, 8), np.float32)):
        assert one_net.batch(nothing).shape == (0, 5, 8, 8)


def test_batch_of_the_network(tmp_path):
    net = riffle.load(write_spec(tmp_path, ONE_OUTPUT), random_weights=1, set={"batch": 2}).compile()
    batch = images(net.inputs[0], 6)
    answer = net.batch(batch, threads=2)
    np.testing.assert_array_equal(answer, np.concatenate([net(batch[i:i + 2]) for i in (0, 2, 4)]))
    with pytest.raises(ValueError, match="5 images, which is no multiple of 2"):
        net.batch(batch[:5])


def test_refused(one_net, tmp_path):
    batch = images(one_net.inputs[0], 3)
    for value, error, said in [
            (batch.astype(np.float64), TypeError, "float64"), (batch[:, :2], ValueError, "the shape"),
            (np.float32(1), TypeError, "array of images"), ("name", TypeError, "array of images"), (None, TypeError, "array of images")]:
        with pytest.raises(error, match=said):
            one_net.batch(value, threads=2)
    with pytest.raises(ValueError, match="threads"):
        one_net.batch(batch, threads=0)
    two = riffle.load(write_spec(tmp_path, TWO_INPUTS), random_weights=1).compile()
    with pytest.raises(ValueError, match="equally many: 'left' has 2, 'right' has 3"):
        two.batch(images(two.inputs[0], 2), images(two.inputs[1], 3))
