"""The folder's modules are importable by name, and a missing riffle is one clear failure, not hundreds."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from part import keep_part  # noqa: E402
from support import RIFFLE  # noqa: E402


def pytest_collection_modifyitems(config, items):
    keep_part(config, items)


def pytest_sessionstart(session):
    if not os.access(RIFFLE, os.X_OK):
        pytest.exit(f"no riffle at {RIFFLE}: build it, or name it in the environment variable RIFFLE", returncode=2)


def pytest_terminal_summary(terminalreporter):
    """How much of the matrix was run: the default is a part of it."""
    done = [report for report in terminalreporter.getreports("passed") if "interpreter" in report.nodeid
            and report.nodeid.split("::")[0].endswith("test_matrix.py") and report.when == "call"]
    if done:
        from test_matrix import NETWORKS, SHAPES

        terminalreporter.write_line(
            f"matrix: {len(done)} of {len(NETWORKS) * len(SHAPES)} combinations of network, size and batch agree "
            "with the interpreter (all run with RIFFLE_FULL_MATRIX=1)")
