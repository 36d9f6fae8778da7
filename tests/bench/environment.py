"""The virtual environment with the peers: made once, in build/bench-venv."""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "build" / "bench-venv"
WANTED = HERE / "requirements.txt"


def lines():
    return [line for line in WANTED.read_text().splitlines() if line and not line.startswith("#")]


def install(upgrade):
    """Each line by itself: a package that does not install is no reason to leave out the others."""
    python, done = FOLDER / "bin" / "python", FOLDER / "installed"
    if done.exists() and done.read_text() == WANTED.read_text() and not upgrade:
        return python
    print(f"installing the engines into {FOLDER} ...", file=sys.stderr, flush=True)
    venv.create(FOLDER, with_pip=True)
    needed, *peers = lines()
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    subprocess.run([*command, *needed.split()], check=True)
    for line in peers:
        if subprocess.run([*command, *line.split()], check=False).returncode != 0:
            print(f"cannot install {line}: it will be left out", file=sys.stderr, flush=True)
    done.write_text(WANTED.read_text())
    return python


def enter(upgrade=False):
    """Goes on in the environment: starts this program again with its Python, unless it runs there already."""
    if Path(sys.prefix) == FOLDER and not upgrade:
        return
    python = install(upgrade)
    words = [word for word in sys.argv if word != "--upgrade"]
    os.execv(python, [str(python), "-B", *words])
