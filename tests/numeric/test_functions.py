"""How far functions of single numbers are off, in units in the last place, and what they make of special numbers.

The references are those of Python's and numpy's double precision.
"""

import math

import numpy as np
import pytest
from marks import target_parameters
from support import invoke

COUNT = 6000
SPECIAL = [0, 1, -1, .5, 1.5, 2.5, -.5, -1.5, -2.5, 1e-40, -1e-40, 1e-45, np.inf, -np.inf, np.nan, 3.4028235e38,
           -3.4028235e38, 8388607.5, -8388607.5, 4194304.5, 8388609, -16777217, 2 ** 31, 1e-30, 88, 89, -88, -104,
           2, 3, 4, -4, 9, -9, 0.70710678, 1.41421356, 2 ** 0.5 / 2]
TINY = 1.2e-38  # below, results may be 0: a power that is no normal number is not made


def power(exponent):
    return lambda x: np.where((x < 0) & (exponent != int(exponent)), np.nan, np.power(np.abs(x), exponent) * np.where(
        (x < 0) & (exponent % 2 == 1), -1, 1))


# The formula, the reference, units in the last place that are allowed.
FUNCTIONS = {
    "erf(x)": (np.vectorize(math.erf), 6),
    "log(x)": (np.log, 1),
    "exp(x)": (np.exp, 2),
    "tanh(x)": (np.tanh, 6),
    "round(x)": (np.round, 0),
    "floor(x)": (np.floor, 0),
    "-floor(-x)": (np.ceil, 0),
    "sign(x)": (np.sign, 0),
    "softplus(x)": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), 3),
    "power(x, 2)": (power(2), 0.51),
    "power(x, 3)": (power(3), 2),
    "power(x, 7)": (power(7), 5),
    "power(x, -1)": (power(-1), 0.51),
    "power(x, 0.5)": (power(0.5), 0.51),
    "power(x, 2.25)": (power(2.25), 2),
    "power(x, -1.75)": (power(-1.75), 2),
    "power(x, 0.34375)": (power(0.34375), 2),
    "power(x, 11)": (power(11), 9),
    "power(2, clip(x, -100, 100))": (lambda x: np.exp2(np.clip(x, -100, 100)), 2),
    "thresholded_relu(x, 0.5)": (lambda x: np.where(np.isnan(x), x, np.where(x > 0.5, x, 0)), 0),
}

WAYS = [*(pytest.param(["--target", *parameter.values], id=parameter.id, marks=parameter.marks)
          for parameter in target_parameters()),
        *(pytest.param(["--backend", "c", "--target", target], id=f"c-{target}") for target in ("generic", "x86-64"))]


def numbers():
    source = np.random.default_rng(0)
    drawn = [SPECIAL, source.normal(size=1500) * 3, np.exp(source.uniform(-100, 88, 1800)), source.uniform(-6, 6, 1500),
             -np.exp(source.uniform(-100, 88, 400))]
    return np.resize(np.concatenate(drawn), COUNT).astype(np.float32)


@pytest.mark.parametrize("way", WAYS)
def test_functions(way, tmp_path):
    x = numbers()
    x.tofile(tmp_path / "x.bin")
    maps = "".join(f'  %o{i} = map %x {{formula = "{text}"}} : f32[1,{COUNT}]\n' for i, text in enumerate(FUNCTIONS))
    outputs = "".join(f"  output o{i} = %o{i}\n" for i in range(len(FUNCTIONS)))
    (tmp_path / "net.rir").write_text(f"graph net {{\n  input %x : f32[1,{COUNT}]\n{maps}{outputs}}}\n")
    names = [word for i in range(len(FUNCTIONS)) for word in ("--output", f"o{i}.bin")]
    done = invoke("run", "net.rir", "--input", "x.bin", *names, *way, cwd=tmp_path)
    assert "holds NaN" in done.stderr, done.stderr
    for i, (text, (reference, allowed)) in enumerate(FUNCTIONS.items()):
        got = np.fromfile(tmp_path / f"o{i}.bin", np.float32)
        with np.errstate(all="ignore"):
            exact = reference(x.astype(np.float64))
            rounded = exact.astype(np.float32)
        assert np.array_equal(np.isnan(got), np.isnan(rounded)), text
        large = np.abs(exact) > 2.0 ** 127  # may be infinity already
        assert np.array_equal(np.isinf(got[~large]), np.isinf(rounded[~large])), text
        assert np.all((np.abs(got[large]) > 2.0 ** 126) & (np.sign(got[large]) == np.sign(rounded[large]))), text
        small = np.abs(exact) < TINY
        assert np.all(np.abs(got[small]) <= 2 * TINY), text
        usual = ~large & ~small & ~np.isnan(rounded)
        error = np.abs(got[usual] - exact[usual]) / np.spacing(np.abs(rounded[usual]))
        assert error.max() <= allowed, f"{text}: {error.max()} at {x[usual][error.argmax()]}"
