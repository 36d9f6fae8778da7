"""What the build of riffle under test was told, for tests that build riffle once more: told the same, a compiler cache
has most of their objects already."""

from pathlib import Path

NAMES = ("CMAKE_BUILD_TYPE", "CMAKE_C_COMPILER", "CMAKE_C_COMPILER_LAUNCHER", "CMAKE_PREFIX_PATH", "LLVM_DIR",
         "RIFFLE_WARNINGS_AS_ERRORS")


def settings_of_this_build(folder):
    """From the names of CMake's variables to their values; of a folder that is no build, none."""
    cache = Path(folder) / "CMakeCache.txt"
    lines = cache.read_text().splitlines() if cache.exists() else []
    pairs = (line.partition("=") for line in lines)
    return {name.split(":")[0]: value for name, _, value in pairs if name.split(":")[0] in NAMES}
