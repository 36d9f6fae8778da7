"""riffle xcframework: what it writes, and that Apple's formats are what LLVM's tools take them for."""

import plistlib
import struct
import subprocess

import pytest
from emulated import CLANG, execute, tool
from support import EXAMPLES, ROOT, invoke, riffle

READOBJ, NM, AR, LIPO, LINKER = (tool(f"{name}-22", name) for name in (
    "llvm-readobj", "llvm-nm", "llvm-ar", "llvm-lipo", "ld64.lld"))
DIGITS = [EXAMPLES / "digits" / "digits.rfl", "--weights", EXAMPLES / "digits" / "digits.safetensors"]
# Folder: platform and variant in Info.plist, the linker's word and the compiler's target of each architecture.
SLICES = {
    "ios-arm64": ("ios", None, "ios", {"arm64": "arm64-apple-ios14.0"}),
    "ios-arm64_x86_64-simulator": ("ios", "simulator", "ios-simulator", {
        "arm64": "arm64-apple-ios14.0-simulator", "x86_64": "x86_64-apple-ios14.0-simulator"}),
    "macos-arm64": ("macos", None, "macos", {"arm64": "arm64-apple-macos11.0"}),
}
USE = """@import digits;
int use(const float *image, float *logits, void *workspace);
int use(const float *image, float *logits, void *workspace) {
    struct digits_inputs inputs = {image};
    struct digits_outputs outputs = {logits};
    return digits_run(&inputs, &outputs, workspace) + DIGITS_OK;
}
"""

needs_tools = pytest.mark.skipif(not (READOBJ and NM and AR and LIPO), reason="lacking llvm-readobj, -nm, -ar or -lipo")


@pytest.fixture(scope="module")
def framework(tmp_path_factory):
    folder = tmp_path_factory.mktemp("apple") / "digits.xcframework"
    riffle("xcframework", *DIGITS, "--platform", "ios,ios-simulator,macos", "-o", folder)
    return folder


def thin(framework, name, architecture, folder):
    """The library of one architecture."""
    library = framework / name / "libdigits.a"
    if len(SLICES[name][3]) == 1:
        return library
    out = folder / f"{architecture}.a"
    execute(LIPO, library, "-thin", architecture, "-output", out)
    return out


def test_files(framework, tmp_path):
    headers = {f"{name}/Headers/digits/{file}" for name in SLICES for file in ("digits.h", "module.modulemap")}
    headers |= {f"ios-arm64_x86_64-simulator/Headers/digits/{name}/digits.h" for name in ("arm64", "x86_64")}
    files = {str(path.relative_to(framework)): path.read_bytes() for path in framework.rglob("*") if path.is_file()}
    assert set(files) == headers | {"Info.plist"} | {f"{name}/libdigits.a" for name in SLICES}
    again = tmp_path / "again"
    riffle("xcframework", *DIGITS, "--platform", "ios,ios-simulator,macos,ios", "-o", again)
    assert {str(path.relative_to(again)): path.read_bytes() for path in again.rglob("*") if path.is_file()} == files


def test_info(framework):
    with (framework / "Info.plist").open("rb") as file:
        info = plistlib.load(file)
    assert (info["CFBundlePackageType"], info["XCFrameworkFormatVersion"]) == ("XFWK", "1.0")
    found = {slice["LibraryIdentifier"]: slice for slice in info["AvailableLibraries"]}
    assert set(found) == set(SLICES)
    for name, (platform, variant, _, architectures) in SLICES.items():
        assert found[name] == {
            "LibraryIdentifier": name, "LibraryPath": "libdigits.a", "BinaryPath": "libdigits.a", "HeadersPath": "Headers",
            "SupportedArchitectures": list(architectures), "SupportedPlatform": platform,
            **({"SupportedPlatformVariant": variant} if variant else {})}


@needs_tools
@pytest.mark.parametrize("name", SLICES)
def test_libraries(framework, name, tmp_path):
    _, _, word, architectures = SLICES[name]
    assert execute(LIPO, framework / name / "libdigits.a", "-archs").decode().split() == list(architectures)
    for architecture in architectures:
        folder = tmp_path / architecture
        folder.mkdir()
        library = thin(framework, name, architecture, folder)
        execute(AR, "x", library, cwd=folder)
        for part in ("code.o", "support.o", "weights.o"):
            said = execute(READOBJ, "--file-headers", "--macho-version-min", folder / part).decode()
            assert {"arm64": "CpuType: Arm64 ", "x86_64": "CpuType: X86-64 "}[architecture] in said
            assert f"  Platform: {word.replace('-', '')}\n" in said
        armap = execute(NM, "--print-armap", library).decode()
        for symbol in ("_digits_run in code.o", "_digits_run_parallel in code.o", "_digits_weights in weights.o"):
            assert f"{symbol}\n" in armap


@needs_tools
def test_archive_is_that_of_llvm(framework, tmp_path):
    """Byte for byte, but for the modes of members, and the room of the index's names, which is all filled."""
    ours = framework / "ios-arm64" / "libdigits.a"
    execute(AR, "x", ours, cwd=tmp_path)
    execute(AR, "--format=darwin", "rcsD", "theirs.a", "code.o", "support.o", "weights.o", cwd=tmp_path)
    ours, theirs = bytearray(ours.read_bytes()), bytearray((tmp_path / "theirs.a").read_bytes())
    assert len(ours) == len(theirs)
    index = 8 + 60 + 12
    names = index + 4 + struct.unpack_from("<I", ours, index)[0]
    assert struct.unpack_from("<I", ours, names)[0] == (struct.unpack_from("<I", theirs, names)[0] + 7) // 8 * 8
    for file in (ours, theirs):
        at = 8
        while at < len(file):
            file[at + 40:at + 48] = bytes(8)
            at += 60 + int(file[at + 48:at + 58])
        file[names:names + 4] = bytes(4)
    assert ours == theirs


@pytest.mark.skipif(not (CLANG and LINKER and NM), reason="lacking clang, ld64.lld or llvm-nm")
@pytest.mark.parametrize("name", SLICES)
def test_links(framework, name, tmp_path):
    """A module by its name, as Swift and Objective-C import it, and Apple's linker in LLVM's form."""
    (tmp_path / "use.m").write_text(USE)
    _, _, word, architectures = SLICES[name]
    for architecture, target in architectures.items():
        execute(CLANG, f"--target={target}", "-fmodules", f"-fmodules-cache-path={tmp_path}/{architecture}",
                "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-I", framework / name / "Headers", "-c",
                tmp_path / "use.m", "-o", tmp_path / "use.o")
        execute(LINKER, "-arch", architecture, "-platform_version", word, "14.0", "14.0", "-dylib", "-undefined",
                "dynamic_lookup", tmp_path / "use.o", framework / name / "libdigits.a", "-o", tmp_path / "use.dylib")
        defined = execute(NM, "--defined-only", tmp_path / "use.dylib").decode()
        for symbol in (" T _use\n", " T _digits_run\n", " s _digits_weights\n"):
            assert symbol in defined


@pytest.mark.skipif(not CLANG, reason="lacking clang")
@pytest.mark.parametrize("target, platform", [
    ("arm64-apple-ios14.0", "arm64-apple-ios"), ("arm64-apple-ios14.0-simulator", "arm64-apple-ios-simulator"),
    ("x86_64-apple-ios14.0-simulator", "x86_64-apple-ios-simulator"), ("arm64-apple-macos11.0", "arm64-apple-darwin")])
def test_platform_of_compilers(target, platform):
    """By which riffle_add_model knows what the project's compiler makes code for."""
    done = subprocess.run([CLANG, f"--target={target}", "-fsyntax-only", "-x", "c",
                           ROOT / "cmake" / "riffleCompilerPlatform.c.in"], capture_output=True, text=True, check=False)
    assert f"riffle-platform={platform};" in done.stderr


def refused(words, message, folder):
    done = invoke("xcframework", *DIGITS, *words, cwd=folder)
    assert (done.stderr, done.stdout) == (f"riffle: error: {message}", "")
    assert done.returncode != 0
    assert list(folder.iterdir()) == []


def test_mistakes(tmp_path):
    refused(["--platform", "iso"], "'iso' is no platform of Apple\nhint: did you mean 'ios'?\n", tmp_path)
    refused(["--platform", "ios,amiga"], "'amiga' is no platform of Apple\n"
            "hint: there are ios, ios-simulator, ios-arm64-simulator and macos\n", tmp_path)
    refused(["--platform", "ios-simulator,ios-arm64-simulator"],
            "--platform ios-simulator and ios-arm64-simulator exclude each other: both are of one platform\n", tmp_path)
    refused(["--cpu", "apple-m1"], "'apple-m1' is a processor of 64-bit ARM, and 'x86_64-apple-ios-simulator' is x86-64\n"
            "hint: `riffle targets` lists the processors by architecture\n", tmp_path)


def test_one_architecture(tmp_path):
    """For what only one of a simulator's has; there the header is the network's own."""
    riffle("xcframework", *DIGITS, "--platform", "ios,ios-arm64-simulator", "--cpu", "apple-a12", "--precision", "fp16",
           cwd=tmp_path)
    headers = tmp_path / "digits.xcframework" / "ios-arm64-simulator" / "Headers" / "digits"
    text = (headers / "digits.h").read_text()
    assert "int digits_run(" in text and "computes with fp16" in text
    assert {path.name for path in headers.iterdir()} == {"digits.h", "module.modulemap"}
