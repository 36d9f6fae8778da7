"""The package as others get it: its types, and a wheel, installed alone."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import riffle
from conftest import TESTS, TINY
from this_build import settings_of_this_build

ROOT = TESTS.parent


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_types():
    pytest.importorskip("mypy")
    run(sys.executable, "-m", "mypy", "--no-incremental", cwd=ROOT)


def test_everything_is_exported():
    code = "import riffle, sys; assert 'numpy' not in sys.modules; print(*(type(getattr(riffle, n)).__name__ for n in riffle.__all__))"
    assert len(run(sys.executable, "-c", code).split()) == 19
    failing = subprocess.run([sys.executable, "-c", "import riffle; riffle.laod"], capture_output=True, text=True, check=False)
    assert "module 'riffle' has no attribute 'laod'" in failing.stderr


USE = """
import sys, numpy as np, riffle
assert str(riffle.program()).startswith(sys.argv[1]), riffle.program()
net = riffle.load(sys.argv[2], random_weights=1).compile()
print(sorted(net(net.prepare(np.zeros((48, 64, 3), np.uint8)))))
"""


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


def installed_wheel(wheel, folder):
    """Runs it where nothing else is: no other riffle, and no program of the system."""
    environment = {"PYTHONPATH": str(folder), "PATH": str(folder / "empty")}
    run(sys.executable, "-m", "pip", "install", wheel, "--no-deps", "--no-index", "--target", folder)
    return environment


@pytest.fixture(scope="module")
def build_folder(tmp_path_factory):
    """Of both wheels: the second builds what differs."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def environment(monkeypatch, build_folder):
    program = Path(riffle.program())
    monkeypatch.setenv("SKBUILD_BUILD_DIR", str(build_folder))
    monkeypatch.delenv("RIFFLE", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    settings = settings_of_this_build(program.parent)
    if "CMAKE_BUILD_TYPE" in settings:
        monkeypatch.setenv("SKBUILD_CMAKE_BUILD_TYPE", settings.pop("CMAKE_BUILD_TYPE"))
        monkeypatch.setenv("SKBUILD_INSTALL_STRIP", "true")  # as a release is
    monkeypatch.setenv("CMAKE_ARGS", " ".join(f"-D{name}={value}" for name, value in settings.items()))


@pytest.mark.skipif(os.environ.get("RIFFLE_SANITIZED") == "1", reason="a wheel has no sanitizers: another build tests it")
@pytest.mark.skipif(not all(shutil.which(name) for name in ["cmake", "ninja", "flex", "bison"]), reason="no tools to build with")
@pytest.mark.skipif(not has("scikit_build_core"), reason="no scikit-build-core")
class TestWheel:
    def check_contents(self, wheel):
        names = zipfile.ZipFile(wheel).namelist()
        print(f"{wheel.name}: {wheel.stat().st_size:,} bytes")
        assert {"riffle/bin/riffle", "riffle/py.typed", "riffle/__init__.py"} <= set(names)
        assert any(name.endswith("licenses/LICENSE") for name in names)
        assert all(name.startswith("riffle") for name in names), "nothing beside the package"
        return names

    def test_of_pip(self, tmp_path, environment):
        """What `pip install .` makes: it uses the system's LLVM and linker."""
        run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path)
        (wheel,) = tmp_path.glob("riffle-*.whl")
        self.check_contents(wheel)
        installed = tmp_path / "installed"
        variables = {**installed_wheel(wheel, installed), "PATH": os.environ["PATH"]}
        assert run(sys.executable, "-c", USE, installed, TINY, env=variables, cwd=tmp_path) == "['features', 'logits']\n"
        assert run(installed / "bin" / "riffle", "--version", env=variables).startswith("riffle ")

    @pytest.mark.skipif(not has("auditwheel") or not shutil.which("dpkg"), reason="no auditwheel, or no Debian")
    def test_complete(self, tmp_path, environment):
        """The one that brings LLVM and a linker: no program of the system is there when it runs."""
        run(sys.executable, ROOT / "python" / "make_wheel.py", "-o", tmp_path)
        (wheel,) = tmp_path.glob("riffle-*manylinux*.whl")
        names = self.check_contents(wheel)
        libraries = {name.split("/")[1].split("-")[0] for name in names if name.startswith("riffle.libs/")}
        assert {"libLLVM", "libzip"} <= libraries
        packages = {Path(name).name for name in names if "/licenses/libraries/" in name}
        assert len(packages) >= len(libraries) - 2, (packages, libraries)  # libicu has two libraries, libLLVM may hold some
        installed = tmp_path / "installed"
        variables = installed_wheel(wheel, installed)
        assert run(sys.executable, "-c", USE, installed, TINY, env=variables, cwd=tmp_path) == "['features', 'logits']\n"
        for program in ("riffle", "ld.lld"):
            loaded = run("ldd", installed / "riffle" / "bin" / program)
            for line in loaded.splitlines():
                if "=>" in line and str(installed) not in line:
                    assert re.match(r"\s*lib(c|m|stdc\+\+|gcc_s|dl|pthread|rt|z)\.so", line), f"of the system: {line}"
