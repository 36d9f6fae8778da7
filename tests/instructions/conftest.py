"""Finds the modules beside these tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import count  # noqa: E402, F401 (finds those of the other folders)
