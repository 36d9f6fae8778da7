"""Barriers of generated sources: with all of them there is no race, and without any one of them there is.

All but two kinds, which are there whatever surrounds them: that between two items of a kernel, not needed where the next
item has a barrier of its own before it writes what this one reads last; and that before a sum in halves whose distance is
the number of threads, so that each thread only meets its own elements.
"""

import pytest
from model import Model
from networks import FULL, name, path
from shim import call
from support import TOLERANCE, part

CASES = [("digits/digits", {"batch": 2}), ("shufflenet_v1", {"groups": 3, "width": 0.25, "size": (33, 37)})]
MORE = [("shufflenet_v2", {"width": 0.5, "size": (33, 37)}), ("squeezenet", {"version": 1.1, "size": (31, 35)}),
        ("shufflenet_v2_plus", {"model": "small", "size": (33, 32)}),
        ("nasnet_a_mobile", {"filters": 12, "size": (33, 32), "classes": 10})]
BUILDS = ["asan", "races"] if FULL else ["races"]


def may_be_idle(source, line):
    between_items = source[line - 1].strip().startswith("if (item < ")
    own_elements = any("+ 256];" in each for each in source[line + 1:line + 5])
    return between_items or own_elements


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("spec, parameters", [
    pytest.param(*each, id=name(*each)) for each in (CASES + MORE if FULL else CASES)])
def test_each_barrier_is_needed(spec, parameters, build, tmp_path):
    """Fences only order what other blocks see: this machine shows no difference, and only a race is found."""
    model = Model(path(spec), parameters, tmp_path)
    model.write_expected()
    program = model.program(build)
    if build == "races":
        assert "races 0\n" in call([program, "compare"], cwd=tmp_path).stderr
    lines = model.synchronisation(fences=build == "races")
    assert len(lines) > 10
    lines = part(lines, 2)
    said = call([program, "mutate", TOLERANCE, *lines], cwd=tmp_path).stdout
    found = dict(line.split(" ", 1) for line in said.splitlines())
    assert list(found) == [str(line) for line in lines]
    print(", ".join(f"{list(found.values()).count(what)} {what}" for what in sorted(set(found.values()))))
    source = [""] + model.source.read_text().splitlines()
    missed = [line for line, what in found.items() if what == "not found" and not may_be_idle(source, int(line))]
    assert not missed, f"nothing is wrong without the barriers of lines {missed}"
    assert list(found.values()).count("found") >= len(lines) // 2
