#!/usr/bin/env python3
"""Runs riffle on user mistakes and compares what it says, to the byte, with what is expected.

Each folder beside this file is a case: `command` holds the arguments of riffle (shell quoting), `expected`
its standard output and error and, as the last line, the exit status. The other files of the folder are
copied to an empty folder where riffle runs; `prepare.py`, if there is one, makes further files there.

    run.py --riffle build/release/riffle            all cases
    run.py --riffle build/release/riffle NAME...    some
    run.py --riffle build/release/riffle --update   write what riffle says now (then read the diff!)
"""

import argparse
import difflib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run_case(case, riffle):
    with tempfile.TemporaryDirectory() as folder:
        for file in case.iterdir():
            if file.name not in ("command", "expected"):
                shutil.copy(file, folder)
        environment = dict(os.environ, PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1",
            LC_ALL="C", TERM="dumb")
        if (case / "prepare.py").exists():
            subprocess.run([sys.executable, "prepare.py"], cwd=folder, env=environment, check=True)
        arguments = shlex.split((case / "command").read_text())
        result = subprocess.run([str(riffle), *arguments], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    text = result.stdout.decode("utf-8", "backslashreplace")
    return f"{text}exit status {result.returncode}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--riffle", required=True, type=pathlib.Path)
    parser.add_argument("--update", action="store_true", help="write the expected files")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    riffle = options.riffle.resolve()
    cases = sorted(path.parent for path in HERE.glob("*/command"))
    unknown = set(options.names) - {case.name for case in cases}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    failures = 0
    count = 0
    for case in cases:
        if options.names and case.name not in options.names:
            continue
        count += 1
        actual = run_case(case, riffle)
        expected_file = case / "expected"
        expected = expected_file.read_text() if expected_file.exists() else ""
        if options.update:
            expected_file.write_text(actual)
        elif actual != expected:
            failures += 1
            print(f"FAIL {case.name}")
            sys.stdout.writelines(difflib.unified_diff(expected.splitlines(True),
                actual.splitlines(True), f"{case.name}/expected", "riffle"))
    print(f"{count - failures} of {count} mistakes are reported as expected")
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
