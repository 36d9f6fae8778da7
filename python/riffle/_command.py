"""The command `riffle` of the package: the program that came with it."""

import os
import sys

from riffle import _tool
from riffle._diagnostics import Error


def main() -> None:
    try:
        program = _tool.program()
    except Error as error:
        sys.exit(f"riffle: error: {error}")
    os.execv(program, ["riffle", *sys.argv[1:]])
