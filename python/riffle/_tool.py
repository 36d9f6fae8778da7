"""Running the program riffle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from riffle._diagnostics import Error, RiffleWarning, read_diagnostics

Word = str | os.PathLike[str]


_PACKAGED = Path(__file__).parent / "bin"


def program() -> Path:
    """The riffle that is run: that of the environment variable RIFFLE, else the one that came with this package, else
    that of the PATH. Raises Error when there is none."""
    named = os.environ.get("RIFFLE")
    packaged = _PACKAGED / "riffle"
    found = named or (str(packaged) if packaged.exists() else shutil.which("riffle"))
    if not found:
        raise Error("there is no program riffle: install the package with it, or let the environment variable RIFFLE "
                    "name it")
    return Path(found)


def run(words: Sequence[Word], text: str | None = None) -> str:
    """Runs riffle, with `text` as its standard input, and returns its standard output. Its warnings become Python's;
    raises Error with its diagnostics when it fails."""
    command = [str(program()), *(os.fspath(word) for word in words), "--diagnostics-format=json"]
    try:
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise Error(f"cannot run '{command[0]}': {error.strerror}") from error
    diagnostics, others = read_diagnostics(done.stderr)
    if done.returncode != 0:
        said = [*map(str, diagnostics), others, done.stdout.strip()]
        ended = f"riffle {command[1]} ended with status {done.returncode}"
        raise Error("\n".join(filter(None, said)) or ended, diagnostics)
    for diagnostic in diagnostics:
        warnings.warn(str(diagnostic), RiffleWarning, stacklevel=3)
    return done.stdout


def run_json(words: Sequence[Word]) -> Any:
    return json.loads(run([*words, "--json"]))


def linker_words() -> list[str]:
    """The option of `riffle compile` for the linker of this package, where it has one."""
    linker = _PACKAGED / "ld.lld"
    return [f"--linker={linker}"] if linker.exists() else []


def version() -> str:
    """The version of the riffle that is run, as it says it."""
    return subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def spell(value: object) -> str:
    """A value of Python as an expression of riffle's language; a string is one already."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(spell, value)) + "]"
    return str(value)
