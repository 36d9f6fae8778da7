"""Every example as CUDA: its kernels, run on the host, agree with the interpreter.

Each in three orders of threads, through a graph, with one launch for each phase, and with more blocks than some phases have
work for; under AddressSanitizer, so that
nothing is read or written outside of an allocation, and from addresses that a GPU could load from."""

import pytest
import test_not_a_number as not_a_number
from model import Model
from networks import all_examples, name, path
from shim import call
from support import TOLERANCE, part

CASES = [pytest.param(*each, id=name(*each)) for each in part(all_examples(), 4)]
FORMS = ["forward", "backward", "shuffled", "graph", "launch a phase", "many blocks"]


def compare(model, build, inputs=None):
    """The errors of all forms of a run, which the races must not spoil."""
    model.write_expected(inputs=inputs, status=3 if inputs else 0)
    said = call([model.program(build), "compare"], cwd=model.folder)
    errors = dict(zip(FORMS, map(float, said.stdout.split()), strict=True))
    assert all(error <= TOLERANCE for error in errors.values()), errors
    assert "races 0\n" in said.stderr


@pytest.mark.parametrize("spec, parameters", CASES)
def test_agrees_with_interpreter(spec, parameters, tmp_path):
    compare(Model(path(spec), parameters, tmp_path), "asan")


@pytest.mark.parametrize("target", ["cuda-sm_75", "cuda-sm_120"])
def test_other_targets(target, tmp_path):
    """Whose tiles differ."""
    compare(Model(path("digits/digits"), {"batch": 3}, tmp_path, target), "asan")


def test_not_a_number(tmp_path):
    """NaN and infinities, as the interpreter has them."""
    spec = tmp_path / "special.rfl"
    spec.write_text(not_a_number.SPEC)
    compare(Model(spec, {}, tmp_path / "out"), "asan", not_a_number.inputs())


def test_comparison_can_fail(tmp_path):
    """Other weights than the interpreter's."""
    model = Model(path("digits/digits"), {}, tmp_path)
    model.write_expected()
    weights = tmp_path / "network_weights.bin"
    weights.write_bytes(weights.read_bytes()[:-4000] + bytes(4000))
    errors = call([model.program("asan"), "compare"], cwd=tmp_path).stdout.split()
    assert all(not float(error) <= TOLERANCE for error in errors)
