"""Shares the modules of ../numeric: riffle, comparison, networks."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "numeric")]

from part import keep_part  # noqa: E402
from support import RIFFLE  # noqa: E402


def pytest_collection_modifyitems(config, items):
    keep_part(config, items)


def pytest_sessionstart(session):
    if not os.access(RIFFLE, os.X_OK):
        pytest.exit(f"no riffle at {RIFFLE}: build it, or name it in the environment variable RIFFLE", returncode=2)
