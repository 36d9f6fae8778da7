"""examples/search: few trials, and what the front is by plain comparison."""

import csv
import json
import sys

import riffle
from support import EXAMPLES

sys.path.insert(0, str(EXAMPLES / "search"))
import search  # noqa: E402

CPU, CLOCK = "cortex-a55", "1.8GHz"


def run(folder, *more):
    search.main(["--set", "size=[64, 64]", "--cpu", CPU, "--clock", CLOCK, "--trials", "8", "--seconds", "0.02",
                 "--output", str(folder), *more])
    with (folder / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def expect_front(rows):
    """Exactly those are of the front, and measured, that no other is as good as in both and better in one."""
    points = [(float(row["quality"]), -float(row["predicted_ms"])) for row in rows]
    for row, (quality, speed) in zip(rows, points):
        beaten = any(a >= quality and b >= speed and (a, b) != (quality, speed) for a, b in points)
        assert (row["front"] == "True") == (not beaten)
        assert (row["measured_ms"] != "") == (not beaten)
        assert beaten or float(row["measured_ms"]) > 0


def test_search(tmp_path, capsys):
    rows = run(tmp_path / "first")
    assert len(rows) == 8
    expect_front(rows)
    for row in rows[::4]:
        settings = {name: json.loads(row[name]) for name in ("widths", "units", "groups")}
        model = riffle.load(EXAMPLES / "search" / "net.rfl", set={**settings, "size": [64, 64]})
        inspection = model.inspect(cpu=CPU, clock=CLOCK)
        assert float(row["predicted_ms"]) == inspection.estimated_time["microseconds"] / 1000
        assert float(row["quality"]) * 1e6 == int(row["macs"]) == inspection.totals["macs"]
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 1 + sum(row["front"] == "True" for row in rows)
    drawn = (tmp_path / "first" / "front.svg").read_text()
    assert "<svg" in drawn and "matplotlib" in drawn


def test_quality_of_a_command(tmp_path):
    """Of a program: here the fewer units, the better."""
    program = tmp_path / "quality.py"
    program.write_text("import json, sys\n"
                       "settings = dict(word.split('=', 1) for word in sys.argv[1:])\n"
                       "assert set(settings) == {'widths', 'units', 'groups'}\n"
                       "print(-sum(json.loads(settings['units'])))\n")
    rows = run(tmp_path / "out", "--quality", f"{sys.executable} {program}")
    assert all(float(row["quality"]) == -sum(json.loads(row["units"])) for row in rows)
    expect_front(rows)
