"""What `cmake --install` and `cpack` give: programs, pages, and a package that Debian's checks accept."""

import gzip
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import PACKAGE, RIFFLE, available, run


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="riffle-install-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def check_files(self, prefix):
        version = run(prefix / "bin" / "riffle", "--version").split()[1]
        self.assertEqual(version, run(RIFFLE, "--version").split()[1])
        share = prefix / "share"
        run("bash", "-n", share / "bash-completion" / "completions" / "riffle")
        for name in ["zsh/vendor-completions/_riffle", "fish/vendor_completions.d/riffle.fish", "doc/riffle/docs/abi.md"]:
            self.assertGreater((share / name).stat().st_size, 0)
        return share

    def test_prefix(self):
        prefix = self.folder / "prefix"
        run("cmake", "--install", PACKAGE, "--prefix", prefix)
        share = self.check_files(prefix)
        for name in ["LICENSE", "NOTICE", "README.md", "CHANGELOG.md"]:
            self.assertGreater((share / "doc" / "riffle" / name).stat().st_size, 0)
        if available("help2man"):
            commands = [path.stem for path in (share / "man" / "man1").iterdir()]
            self.assertIn("riffle-compile", commands)
            page = (share / "man" / "man1" / "riffle-android-package.1").read_text()
            self.assertIn('\n.TH RIFFLE-ANDROID-PACKAGE "1" ', page)
            self.assertIn("\n.SH NAME\nriffle-android-package \\- make a package", page)

    def test_pkg_config(self):
        prefix = self.folder / "prefix"
        run("cmake", "--install", PACKAGE, "--prefix", prefix)
        (found,) = prefix.rglob("riffle_runtime.pc")
        flags = run("pkg-config", "--cflags", "--libs", "riffle_runtime", env={"PKG_CONFIG_PATH": str(found.parent)}).split()
        source = self.folder / "pool.c"
        source.write_text("#include <riffle_runtime.h>\nint main(void) {\n    riffle_pool *pool = riffle_pool_create(2);\n"
                          "    riffle_pool_destroy(pool);\n    return pool == 0;\n}\n")
        run("cc", source, *flags, "-o", self.folder / "pool")
        run(self.folder / "pool")

    @unittest.skipUnless(available("dpkg-deb"), "there is no dpkg-deb")
    def test_debian_package(self):
        run("cpack", "-B", self.folder / "made", "--config", Path(PACKAGE) / "CPackConfig.cmake", cwd=PACKAGE)
        (package,) = (self.folder / "made").glob("riffle_*.deb")
        about = run("dpkg-deb", "--info", package)
        for word in ["Package: riffle", "libjansson4", "libc6"]:
            self.assertIn(word, about)
        run("dpkg-deb", "--extract", package, self.folder / "root")
        share = self.check_files(self.folder / "root" / "usr")
        self.assertIn("Apache License", (share / "doc" / "riffle" / "copyright").read_text())
        changes = gzip.decompress((share / "doc" / "riffle" / "changelog.gz").read_bytes()).decode()
        self.assertRegex(changes, r"^riffle \(\d+\.\d+\.\d+\) unstable; urgency=medium\n")
        if available("lintian", "help2man") == ["lintian", "help2man"]:
            said = subprocess.run(["lintian", "--allow-root", package], capture_output=True, text=True, check=False).stdout
            self.assertEqual([line for line in said.splitlines() if line.startswith(("E:", "W:"))
                              and "pkg-config-unavailable-for-cross-compilation" not in line], [])


if __name__ == "__main__":
    unittest.main()
