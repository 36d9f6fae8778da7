"""Builds CUDA sources for the host, over the stand-in of the folder shim, and finds nvcc.

Two builds of each program: `asan` with AddressSanitizer and checks of alignment, `races` with a detector of races
(shim/races.h)."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHIM = HERE / "shim"
CACHE = Path(os.environ.get("RIFFLE_CUDA_BUILD", tempfile.gettempdir())) / "riffle-cuda-shim"

COMPILER = os.environ.get("CXX", "g++")
COMMON = ["-std=c++20", "-g1", "-fno-strict-aliasing", "-ffp-contract=fast", f"-I{SHIM}"]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-function"]
# -fsanitize=thread makes the calls; linking without it leaves them to shim/races.cpp.
BUILDS = {
    "asan": {"compile": ["-fsanitize=address,alignment,bounds", "-fno-sanitize-recover=all",
                         "-fsanitize-sections=riffle_shared"],
             "shim": ["-DSHIM_ADDRESS_SANITIZER"],
             "link": ["-fsanitize=address,alignment,bounds"]},
    "races": {"compile": ["-fsanitize=thread", "--param=tsan-distinguish-volatile=1"], "shim": [], "link": []},
}
SECONDS = 500


def call(words, cwd=None, env=None, check=True, seconds=SECONDS):
    """Runs a command; it must succeed unless check is off. Returns the finished process."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, timeout=seconds, check=False,
                          env=None if env is None else {**os.environ, **env})
    assert not check or done.returncode == 0, (
        f"{' '.join(words)}\nexit status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
    return done


# ---- sources ----

LAUNCH = re.compile(r"(\w+)\s*<<<(.*?)>>>\s*\(", re.DOTALL)
DYNAMIC = re.compile(r"extern\s+__shared__\s+(?:__align__\(\d+\)\s*|alignas\(\d+\)\s*)?(\w[\w ]*?)\s*(\w+)\[\]\s*;")
KERNEL = re.compile(r"__global__\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\(")

# The PTX that sources have, as calls of the stand-in; other PTX is nothing that the host's compiler takes.
PTX = [(re.compile(r'asm volatile\("red\.release\.gpu\.add\.u32 \[%0\], %1;" : : "l"\((\w+)\), "r"\((\w+)\) : "memory"\);'),
        r"shim_add_release(__LINE__, \1, \2);"),
       (re.compile(r'asm volatile\("ld\.acquire\.gpu\.u32 %0, \[%1\];" : "=r"\((\w+)\) : "l"\((\w+)\) : "memory"\);'),
        r"\1 = shim_load_acquire(__LINE__, \2);"),
       (re.compile(r'asm volatile\("mov\.u64 %0, %%globaltimer;" : "=l"\((\w+)\)\);'), r"\1 = shim_nanoseconds();"),
       (re.compile(r'asm volatile\("" : "\+l"\(\w+\)\);'), ";")]


def prepare(text):
    """The source as C++ for the stand-in's header. Lines keep their numbers."""
    text = LAUNCH.sub(r"shim::launcher(\1, \2)(", text)
    text = DYNAMIC.sub(r"\1 *const \2 = static_cast<\1 *>(shim_dynamic_shared());", text)
    for pattern, call_of_shim in PTX:
        text = pattern.sub(call_of_shim, text)
    kernels = dict.fromkeys(KERNEL.findall(text))  # the stand-in wants to know the types of their arguments
    return text + "".join(f"[[maybe_unused]] static const shim::Registration shim_{kernel}({kernel});\n" for kernel in kernels)


# ---- building ----

def shim_objects(build):
    """The stand-in's own object files, made once for each build and state of its sources."""
    sources = sorted(SHIM.glob("*.cpp"))
    flags = [*COMMON, "-O2", *WARNINGS, *BUILDS[build]["shim"]]
    state = hashlib.sha256(" ".join([COMPILER, *flags]).encode())
    for path in sorted(SHIM.iterdir()):
        state.update(path.read_bytes())
    folder = CACHE / f"{build}-{state.hexdigest()[:16]}"
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=CACHE))
        for source in sources:
            call([COMPILER, *flags, "-c", source, "-o", made / f"{source.stem}.o"])
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    return sorted(folder.glob("*.o"))


def build_program(build, sources, program, options=(), objects=()):
    """Compiles .cu and .cpp files and links them with objects to a program of the host."""
    folder = Path(tempfile.mkdtemp(dir=program.parent))
    made = []
    for index, source in enumerate(map(Path, sources)):
        prepared = folder / f"{index}-{source.stem}.cpp"
        prepared.write_text(prepare(source.read_text()))
        made.append(prepared.with_suffix(".o"))
        call([COMPILER, *COMMON, "-O1", *WARNINGS, *BUILDS[build]["compile"], f"-I{source.parent}", *options, "-c", prepared,
              "-o", made[-1]])
    call([COMPILER, *BUILDS[build]["link"], *made, *objects, *shim_objects(build), "-o", program])
    shutil.rmtree(folder)
    return program


# ---- nvcc ----

def nvcc_of_packages():
    """nvcc of the PyPI packages in requirements.txt, if this Python has them."""
    for path in map(Path, sys.path):
        found = path / "nvidia" / "cu13" / "bin" / "nvcc"
        if os.access(found, os.X_OK):
            return found
    return None


def find_nvcc():
    """The packages' nvcc, which is pinned, else that of the machine, else None."""
    candidates = [os.environ.get("NVCC"), nvcc_of_packages(), shutil.which("nvcc")]
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(variable):
            candidates.append(Path(os.environ[variable]) / "bin" / "nvcc")
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return Path(candidate)
    return None
