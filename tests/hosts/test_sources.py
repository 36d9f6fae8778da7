#!/usr/bin/env python3
"""Every source of the program is C of another libc: musl's headers declare what it uses, in the same types. `tests/hosts/musl`
builds and runs the program; this takes seconds."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from part import part

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["RIFFLE_BUILD"])
OURS = ["ir", "frontend", "passes", "backends", "runtime", "driver"]
# Of libraries that riffle is linked with; what else lies in these folders is glibc's. glibc's argp.h stands for that of an
# argp of its own.
HEADERS = ["jansson*.h", "png*.h", "turbojpeg.h", "zip*.h", "argp.h", "google", "protobuf-c"]
FOLDERS = [Path("/usr/include"), *Path("/usr/include").glob("*-linux-gnu")]
WORDS_OF_GLIBC = ["-D__THROW=", "-D__BEGIN_DECLS=", "-D__END_DECLS=", "-D__error_t_defined=1", "-Derror_t=int"]


def commands():
    """The compiler's words and folder for each source; those that include LLVM's headers are left out."""
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        source = Path(entry["file"])
        if ROOT not in source.parents or BUILD in source.parents or "llvm" in source.name + source.parent.name:
            continue
        if source.relative_to(ROOT).parts[0] in OURS:
            yield source, entry["directory"], shlex.split(entry["command"])


def check(compiler, source, folder, words, headers):
    """What musl's compiler says of the source; "" where nothing."""
    kept = [word for word in words if word[:2] in ("-I", "-D", "-W", "-f", "-s") and "sanitize" not in word]
    done = subprocess.run([compiler, *kept, *WORDS_OF_GLIBC, "-isystem", headers, "-fsyntax-only", source], cwd=folder,
                          capture_output=True, text=True)
    return done.stderr if done.returncode != 0 else ""


class Sources(unittest.TestCase):
    def test_musl(self):
        compiler = shutil.which("musl-gcc")
        if compiler is None:
            self.skipTest("musl-gcc is not here (Debian: musl-tools)")
        found = list(commands())
        self.assertGreater(len(found), 400)
        with tempfile.TemporaryDirectory(prefix="riffle-musl-") as headers:
            for pattern in HEADERS:
                for path in (path for folder in FOLDERS for path in folder.glob(pattern)):
                    (Path(headers) / path.name).symlink_to(path)
            (Path(headers) / "bits").mkdir()
            (Path(headers) / "bits" / "floatn.h").write_text("/* argp.h includes it for a long double of 128 bits */\n")
            for source, folder, words in part(found, 4):
                with self.subTest(str(source.relative_to(ROOT))):
                    said = check(compiler, source, folder, words, headers)
                    self.assertEqual(said, "")


if __name__ == "__main__":
    unittest.main()
