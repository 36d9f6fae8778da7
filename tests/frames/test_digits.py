"""examples/digits/classify.c: pictures of any size, and the held-out digits."""

import subprocess

import PIL.Image
import pytest
from support import BACKENDS, HAS_LLVM, RIFFLE, ROOT, run

DIGITS = ROOT / "examples" / "digits"
WEIGHTS = ["--weights", DIGITS / "digits.safetensors"]


@pytest.mark.skipif(not HAS_LLVM, reason="the example is of machine code")
def test_pictures(tmp_path):
    run(RIFFLE, "compile", DIGITS / "digits.rfl", *WEIGHTS, "-o", tmp_path, *BACKENDS["machine"])
    program = tmp_path / "classify"
    run("cc", "-std=c11", "-D_POSIX_C_SOURCE=199309L", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
        "-I", tmp_path, DIGITS / "classify.c", tmp_path / "libdigits.a", "-o", program)
    seven = PIL.Image.open(DIGITS / "seven.png").convert("L")
    pictures = []
    for size in (seven.size, (81, 64), (200, 333)):
        pictures.append(tmp_path / f"{size[0]}.pgm")
        seven.resize(size, PIL.Image.Resampling.NEAREST).save(pictures[-1])
    lines = run(program, *pictures).splitlines()
    for picture, line in zip(pictures, lines, strict=True):
        (tmp_path / "grey").write_bytes(PIL.Image.open(picture).tobytes())
        size = "x".join(map(str, PIL.Image.open(picture).size))
        best, share = run(RIFFLE, "run", DIGITS / "digits.rfl", *WEIGHTS, "--frame", tmp_path / "grey", "--format", "grey",
                          "--frame-size", size, "--top", 1).split()
        assert best == "7" and line == f"{picture}: 7 ({100 * float(share):.1f} %)"
    whole = pictures[0].read_bytes()
    for wrong in (b"", b"P5 8 8", b"P6 8 8 255\n" + bytes(192), b"P5 0 8 255\n", b"P5 99999 8 255\n", whole[:-1],
                  b"P5 8 8 65535\n" + bytes(128)):
        (tmp_path / "wrong.pgm").write_bytes(wrong)
        done = subprocess.run([program, tmp_path / "wrong.pgm"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "") and "is no PGM of 8 bits, or is cut short" in done.stderr
    done = subprocess.run([program], capture_output=True, text=True, check=False, cwd=DIGITS)
    assert done.returncode == 0 and done.stdout.startswith("359 of 360 held-out digits right"), done.stderr
