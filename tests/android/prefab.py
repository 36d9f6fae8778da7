"""As much of Google's prefab as Gradle uses of it: takes an archive, checks what it says of itself, and writes the CMake
package of one ABI into a folder for CMAKE_FIND_ROOT_PATH."""

import json
import zipfile

CONFIG = """\
if(NOT TARGET {package}::{module})
add_library({package}::{module} STATIC IMPORTED)
set_target_properties({package}::{module} PROPERTIES
    IMPORTED_LOCATION "{library}"
    INTERFACE_INCLUDE_DIRECTORIES "{include}"
    INTERFACE_LINK_LIBRARIES ""
)
endif()
"""
VERSION = """\
set(PACKAGE_VERSION {version})
if("${{PACKAGE_VERSION}}" VERSION_LESS "${{PACKAGE_FIND_VERSION}}")
    set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
"""


def read(path, keys):
    """A file of JSON with these keys, each of its type, and no others."""
    described = json.loads(path.read_text())
    assert {key: type(value) for key, value in described.items()} == keys, f"{path}: {described}"
    return described


def unpack(aar, folder, abi, level, triple):
    """Returns the folder for CMAKE_FIND_ROOT_PATH."""
    with zipfile.ZipFile(aar) as archive:
        archive.extractall(folder)
    top = folder / "prefab"
    package = read(top / "prefab.json", {"schema_version": int, "name": str, "version": str, "dependencies": list})
    assert package["schema_version"] == 2
    found = folder / "found" / "lib" / triple / "cmake" / package["name"]
    found.mkdir(parents=True)
    config = ""
    for module in sorted((top / "modules").iterdir()):
        described = read(module / "module.json", {"export_libraries": list, "android": dict})
        assert (described["export_libraries"], described["android"]) == ([], {})
        libs = module / "libs" / f"android.{abi}"
        built = read(libs / "abi.json", {"abi": str, "api": int, "ndk": int, "stl": str, "static": bool})
        assert (built["abi"], built["stl"], built["static"]) == (abi, "none", True)
        assert built["api"] <= level, f"no library for level {level}"
        library = libs / f"lib{module.name}.a"
        assert library.is_file()
        config += CONFIG.format(package=package["name"], module=module.name, library=library, include=libs / "include")
    (found / f"{package['name']}Config.cmake").write_text(config)
    (found / f"{package['name']}ConfigVersion.cmake").write_text(VERSION.format(version=package["version"]))
    return folder / "found"
