"""The modules of this folder, of the numeric tests, and the list of small networks are importable by name."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "numeric"), str(HERE.parent / "cuda")]
