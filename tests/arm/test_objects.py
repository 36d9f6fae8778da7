"""What is in the archives for each platform: machine, ABI, relocations, symbols; and that they link."""

import json
import re

import pytest
from emulated import CLANG, LINKER, execute, tool
from support import ROOT, riffle

READELF, NM, AR = (tool(f"llvm-{name}-22", f"llvm-{name}") for name in ("readelf", "nm", "ar"))
TINY = ROOT / "tests" / "consumers" / "tiny.rfl"

pytestmark = pytest.mark.skipif(not (READELF and NM and AR), reason="lacking llvm-readelf, llvm-nm or llvm-ar")

# What a C compiler may ask of any environment; on 32-bit ARM by the names of its run-time ABI.
C_SYMBOLS = {"memcpy", "memmove", "memset"}
ARM_SYMBOLS = C_SYMBOLS | {f"__aeabi_mem{word}{alignment}" for word in ("cpy", "move", "set", "clr") for alignment in ("", 4, 8)}
# All of them are in Android's libc since level 21.
ELF = {
    "aarch64-linux-gnu": ("AArch64", C_SYMBOLS),
    "armv7-linux-gnueabihf": ("ARM", ARM_SYMBOLS),
    "aarch64-linux-android24": ("AArch64", C_SYMBOLS),
    "aarch64-linux-android35": ("AArch64", C_SYMBOLS),
    "armv7a-linux-androideabi24": ("ARM", ARM_SYMBOLS),
    "x86_64-linux-android24": ("X86-64", C_SYMBOLS),
}
# Of other formats: the symbols' prefix, and what their compilers' run-time libraries bring.
OTHERS = {
    "x86_64-pc-windows-msvc": ("coff-x86-64", "", {"__chkstk", "_fltused"}),
    "arm64-apple-darwin": ("darwin", "_", {"___chkstk_darwin"}),
    "arm64-apple-ios": ("darwin", "_", {"___chkstk_darwin"}),
    "arm64-apple-ios-simulator": ("darwin", "_", {"___chkstk_darwin"}),
    "x86_64-apple-ios-simulator": ("darwin", "_", {"___chkstk_darwin"}),
    "wasm32-unknown-unknown": ("gnu", "", {"__stack_pointer", "__indirect_function_table"}),
}


def compile_network(target, folder, *words):
    riffle("compile", TINY, "--random-weights", 1, "--name", "tiny", "--target", target, "-o", folder, "--emit", "o",
           *words)
    return folder / "libtiny.a", folder / "tiny.o"


def symbols(*words):
    lines = execute(NM, "-P", *words).decode().splitlines()
    return {line.split()[0] for line in lines if not line.endswith(":") and line.strip()}


@pytest.mark.parametrize("target", ELF)
def test_elf(target, tmp_path):
    machine, allowed = ELF[target]
    library, code = compile_network(target, tmp_path)
    for part in (code, tmp_path / "tiny_weights.o"):
        header = execute(READELF, "-h", part).decode()
        assert re.search(r"Machine: .*" + machine, header, re.IGNORECASE), header
        assert re.search(r"Class: +ELF" + ("32" if machine == "ARM" else "64"), header)
        sections = execute(READELF, "-SW", part).decode()
        # Position-independent and read-only: nothing that the loader would have to write.
        assert not re.search(r"\.(data|bss|tdata|init_array)\b.* WA", sections), sections
    undefined = symbols("-u", code) - {"tiny_weights"}
    assert undefined <= allowed, undefined
    assert {"tiny_run", "tiny_run_parallel"} <= symbols("--defined-only", "-g", code)
    assert "tiny_run in code.o" in execute(NM, "--print-armap", library).decode()


@pytest.mark.parametrize("target, floats_in_registers", [
    ("armv7-linux-gnueabihf", True), ("armv7a-linux-androideabi24", False)])
def test_arm_attributes(target, floats_in_registers, tmp_path):
    """The build attributes by which the linker of 32-bit ARM knows whether two ABIs agree."""
    _, code = compile_network(target, tmp_path)
    attributes = execute(READELF, "-A", code).decode()
    words = dict(re.findall(r"TagName: (\w+)\n\s+Description: (.*)", attributes))
    assert words["CPU_arch"] == "ARM v7"
    assert words["Advanced_SIMD_arch"].startswith("NEON")
    assert ("VFP" in words.get("ABI_VFP_args", "")) == floats_in_registers, attributes


@pytest.mark.skipif(not (CLANG and LINKER), reason="lacking clang or lld")
@pytest.mark.parametrize("target", ELF)
def test_links_into_a_shared_library(target, tmp_path):
    """As an app links it: pages of 16 KiB, no text relocations, nothing undefined but what libc has."""
    library, _ = compile_network(target, tmp_path)
    names = sorted(ELF[target][1])
    (tmp_path / "libc.c").write_text("".join(f"void {name}(void) {{}}\n" for name in names))
    execute(CLANG, f"--target={target}", "-shared", "-nostdlib", "-ffreestanding", "-w", "-fuse-ld=lld", "-fPIC",
            f"--ld-path={LINKER}", tmp_path / "libc.c", "-o", tmp_path / "libc.so")
    shared = tmp_path / "libapp.so"
    execute(LINKER, "-shared", "-z", "max-page-size=16384", "-z", "text", "--no-undefined", "--whole-archive", library,
            "--no-whole-archive", tmp_path / "libc.so", "-o", shared)
    dynamic = execute(READELF, "-d", shared).decode()
    assert "TEXTREL" not in dynamic
    relocations = execute(READELF, "-rW", shared).decode()
    assert "R_ARM_ABS32" not in relocations and "_RELATIVE" not in relocations, relocations


@pytest.mark.parametrize("target", OTHERS)
def test_other_formats(target, tmp_path):
    kind, prefix, allowed = OTHERS[target]
    library, code = compile_network(target, tmp_path)
    start = code.read_bytes()[:4]
    expected = {"coff-x86-64": b"\x64\x86", "darwin": b"\xcf\xfa\xed\xfe", "gnu": b"\0asm"}[kind]
    assert start.startswith(expected), start
    undefined = symbols("-u", code) - {f"{prefix}tiny_weights"}
    assert undefined <= allowed, undefined
    assert {f"{prefix}tiny_run", f"{prefix}tiny_run_parallel"} <= symbols("--defined-only", "-g", code)
    assert f"{prefix}tiny_run in code.o" in execute(NM, "--print-armap", library).decode()
    # LLVM's own archiver takes it, whatever it is called.
    names = execute(AR, "t", library).decode().split()
    assert names == ["code.o", "support.o", "weights.o"]
    assert symbols("-u", library) - symbols("--defined-only", library) <= allowed | {f"{prefix}memcpy", f"{prefix}memset"}
    index = library.read_bytes()[8:24]
    assert index.startswith(b"#1/" if kind == "darwin" else b"/ "), index


def test_processor_in_the_description(tmp_path):
    compile_network("aarch64-linux-android24", tmp_path, "--cpu", "cortex-a55")
    target = json.loads((tmp_path / "tiny.json").read_text())["target"]
    assert (target["triple"], target["cpu"]) == ("aarch64-unknown-linux-android24", "cortex-a55")


@pytest.mark.parametrize("target, instruction", [("aarch64-linux-gnu", "fmax"), ("armv7-linux-gnueabihf", "vmax.f32")])
def test_relu_is_one_instruction(target, instruction, tmp_path):
    spec = tmp_path / "rectified.rfl"
    spec.write_text("network rectified {\n    input image: f32[1, 8, 8, 8]\n    output result = image |> conv(16, 1) @ a |> relu6\n}\n")
    riffle("compile", spec, "--random-weights", 1, "--name", "net", "--target", target, "-o", tmp_path, "--emit", "s")
    code = re.findall(r"^\s+([a-z][\w.]*)", (tmp_path / "net.s").read_text(), re.MULTILINE)
    assert instruction in code and instruction.replace("max", "min") in code
    assert not {"fcmgt", "fcmlt", "bsl", "bif", "bit", "fcsel", "vcgt.f32", "vbsl", "vbif", "vbit"} & {*code}
