#!/usr/bin/env python3
"""A run takes as many instructions as instructions.txt says: a loss of speed is seen where time cannot be measured.

    test_instructions.py            compares
    test_instructions.py --write    counts all anew, after a change that is meant; says what differs

RIFFLE names the program."""

import argparse
import sys
import tempfile
from pathlib import Path

import pytest
from count import count, lacks
from support import part, riffle

TABLE = Path(__file__).with_name("instructions.txt")
MARGIN = 0.02  # what may come of another LLVM of the same version, or a block that is laid out otherwise
HEAD = """# Instructions of one run, by LLVM {version}: kernel (kernels.py), processor, precision, number.
# Written by test_instructions.py --write.
"""


def llvm_version():
    """Of what riffle was built with: the number before the first point."""
    return riffle("--version").partition("LLVM ")[2].partition(".")[0]


def read_table():
    lines = TABLE.read_text().splitlines()
    version = lines[0].partition("LLVM ")[2].partition(":")[0]
    rows = [line.split() for line in lines if not line.startswith("#")]
    return version, {tuple(row[:3]): int(row[3]) for row in rows}


VERSION, ROWS = read_table()


def count_row(row):
    with tempfile.TemporaryDirectory(prefix="riffle-count-") as folder:
        return count(*row, Path(folder))


def change(before, after):
    return f"{after} instructions, {(after - before) / before:+.1%} of {before}"


@pytest.mark.parametrize("row", part(ROWS, 4), ids=" ".join)
def test_instructions(row):
    if llvm_version() != VERSION:
        pytest.skip(f"instructions.txt is of LLVM {VERSION}")
    if lacking := lacks(row[1]):
        pytest.skip(f"this machine has no {lacking}")
    before, after = ROWS[row], count_row(row)
    assert abs(after - before) <= MARGIN * before, f"{change(before, after)}; if that is meant: {Path(__file__).name} --write"


def write():
    """Rows that this machine cannot count stay as they are."""
    counts = dict(ROWS)
    for row, before in ROWS.items():
        if lacking := lacks(row[1]):
            print(*row, f"not counted: no {lacking}")
            continue
        counts[row] = count_row(row)
        if counts[row] != before:
            print(*row, change(before, counts[row]))
    lines = [f"{' '.join(row)} {number}\n" for row, number in counts.items()]
    TABLE.write_text(HEAD.format(version=llvm_version()) + "".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        write()
    else:
        sys.exit(pytest.main(["-q", __file__]))
