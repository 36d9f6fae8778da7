"""The package as others get it: its types, and a wheel, installed alone."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import TESTS, TINY

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
    assert len(run(sys.executable, "-c", code).split()) == 14
    failing = subprocess.run([sys.executable, "-c", "import riffle; riffle.laod"], capture_output=True, text=True, check=False)
    assert "module 'riffle' has no attribute 'laod'" in failing.stderr


USE = """
import sys, numpy as np, riffle
assert str(riffle.program()).startswith(sys.argv[1]), riffle.program()
net = riffle.load(sys.argv[2], random_weights=1).compile()
print(sorted(net(np.zeros((1, 3, 32, 32), np.float32))))
"""


@pytest.mark.skipif(os.environ.get("RIFFLE_SANITIZED") == "1", reason="a wheel has no sanitizers: another build tests it")
@pytest.mark.skipif(not all(shutil.which(name) for name in ["cmake", "ninja", "flex", "bison"]), reason="no tools to build with")
def test_wheel(tmp_path):
    pytest.importorskip("scikit_build_core")
    launcher = {"CMAKE_C_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}
    environment = {name: value for name, value in os.environ.items() if name not in ("RIFFLE", "PYTHONPATH")} | launcher
    run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, env=environment)
    (wheel,) = tmp_path.glob("riffle-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes")
    assert {"riffle/bin/riffle", "riffle/py.typed", "riffle/__init__.py"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith("riffle") for name in names), "nothing beside the package"

    installed = tmp_path / "installed"
    run(sys.executable, "-m", "pip", "install", wheel, "--no-deps", "--no-index", "--target", installed, env=environment)
    environment["PYTHONPATH"] = str(installed)
    assert run(sys.executable, "-c", USE, installed, TINY, env=environment, cwd=tmp_path) == "['features', 'logits']\n"
    assert run(installed / "bin" / "riffle", "--version", env=environment).startswith("riffle ")
