"""An NDK for the tests: the one that ANDROID_NDK_HOME names, else a folder that looks like one.

The stand-in has the layout of an NDK, a toolchain file with the same variables, clang and lld from Debian behind a
script, and libraries that hold the names of symbols.txt, up to the API level, and no code. So what is compiled and
linked is what a real NDK would compile and link; whether it runs is another test's concern."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
RIFFLE = os.environ.get("RIFFLE", str(ROOT / "build" / "release" / "riffle"))
PACKAGE = os.environ.get("RIFFLE_PACKAGE", str(Path(RIFFLE).parent))
EXAMPLE = ROOT / "examples" / "android" / "app" / "src" / "main" / "cpp"
DIGITS = ROOT / "examples" / "digits"
REAL = os.environ.get("ANDROID_NDK_HOME")
LEVEL = 24
OTHER_LEVELS = (21,)  # that an NDK has, but riffle does not
SECONDS = 300

# ABI: triple of its libraries, machine as readelf says it, compiler's target.
ABIS = {
    "arm64-v8a": ("aarch64-linux-android", "AArch64", "aarch64-none-linux-android"),
    "armeabi-v7a": ("arm-linux-androideabi", "ARM", "armv7-none-linux-androideabi"),
    "x86_64": ("x86_64-linux-android", "Advanced Micro Devices X86-64", "x86_64-none-linux-android"),
}
WITHOUT_CODE = {"x86": ("i686-linux-android", "Intel 80386", "i686-none-linux-android")}
SCRIPT = """\
#!/bin/sh
# What a real NDK's clang knows by itself: its linker, its system root, the C library, floats on ARM.
here=$(dirname "$0")
case " $* " in *--target=armv7*) set -- -mfloat-abi=softfp -mfpu=neon "$@" ;; esac
exec {clang} -fuse-ld={lld} --sysroot="$here/../sysroot" -isystem "$here/../sysroot/usr/include" -nostdlib \\
    -Wno-unused-command-line-argument "$@" -lc
"""


def find_tool(name):
    """The newest of those that Debian numbers, or the plain one."""
    for candidate in (*(f"{name}-{version}" for version in range(22, 18, -1)), name):
        if shutil.which(candidate):
            return shutil.which(candidate)
    return None


def run(*words, cwd=None, expect_failure=False):
    """Runs a command; returns its standard output, or what it said when it has to fail."""
    words = [str(word) for word in words]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, timeout=SECONDS, check=False)
    if (done.returncode != 0) != expect_failure:
        said = done.stdout[-3000:] + done.stderr[-6000:]
        raise AssertionError(f"{' '.join(words)}\nexit status {done.returncode}\n{said}")
    return done.stdout + done.stderr if expect_failure else done.stdout


def symbols(level):
    """The names that each library has at the API level."""
    found = {}
    for line in (HERE / "symbols.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            library, name, since = line.split()
            found.setdefault(library, [])
            if int(since) <= level:
                found[library].append(name)
    return found


def make_library(clang, target, library, names, folder):
    source = folder / f"{library}.c"
    source.write_text("".join(f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in names))
    run(clang, f"--target={target}", "-fno-builtin", "-nostdlib", "-fPIC", "-shared", f"-fuse-ld={find_tool('ld.lld')}",
        f"-Wl,-soname,{library}.so", "-w", source, "-o", folder / f"{library}.so")
    source.unlink()


def make_libraries(clang, abi, level, root):
    triple, _, target = abi
    folder = root / "usr" / "lib" / triple / str(level)
    folder.mkdir(parents=True)
    for library, names in symbols(level).items():
        make_library(clang, f"{target}{level}", library, names, folder)
    (folder / "libatomic.a").write_bytes(b"!<arch>\n")  # CMake's own support asks for it


def make_stand_in(folder):
    clang, lld = find_tool("clang"), find_tool("ld.lld")
    tools = folder / "toolchains" / "llvm" / "prebuilt" / "linux-x86_64"
    (folder / "build" / "cmake").mkdir(parents=True)
    shutil.copy(HERE / "standin" / "android.toolchain.cmake", folder / "build" / "cmake")
    (folder / "build" / "cmake" / "platforms.cmake").write_text(
        f"set(NDK_MIN_PLATFORM_LEVEL {min(OTHER_LEVELS)})\nset(NDK_MAX_PLATFORM_LEVEL {LEVEL})\n")
    (folder / "source.properties").write_text("Pkg.Desc = Android NDK\nPkg.Revision = 27.2.12479018\n")
    (tools / "bin").mkdir(parents=True)
    script = tools / "bin" / "clang"
    script.write_text(SCRIPT.format(clang=clang, lld=lld))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    include = tools / "sysroot" / "usr" / "include"
    include.mkdir(parents=True)
    shutil.copy(HERE / "standin" / "jni.h", include)
    shutil.copytree(HERE / "standin" / "android", include / "android")
    (include / "stdlib.h").write_text("#include <stddef.h>\nvoid *malloc(size_t);\nvoid free(void *);\n")
    (include / "string.h").write_text("#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\n")
    (include / "dlfcn.h").write_text("#define RTLD_NOW 2\nvoid *dlopen(const char *, int);\nvoid *dlsym(void *, const char *);\n")
    for abi in (*ABIS.values(), *WITHOUT_CODE.values()):
        (include / abi[0]).mkdir()
        for level in (LEVEL, *OTHER_LEVELS):
            make_libraries(clang, abi, level, tools / "sysroot")
    return folder


def ndk(folder):
    return Path(REAL) if REAL else make_stand_in(folder / "ndk")


def read_elf(file, *options):
    return run(find_tool("llvm-readelf"), *options, file)


if not REAL:
    missing = [name for name in ("clang", "ld.lld", "llvm-readelf", "cmake", "ninja") if not find_tool(name)]
    if missing:
        print(f"skipped: there is no {', '.join(missing)}")
        sys.exit(0)
