"""examples/camera: a photo that moves through the frames of a video, piped into the program."""

import json
import re
import subprocess

import numpy as np
import PIL.Image
import pytest
from support import HAS_LLVM, RIFFLE, ROOT

MODEL = ROOT.parent / "shared" / "models" / "yunet_n_320.onnx"
WIDTH, HEIGHT = 640, 360
WEIGHTS = ["--set", "folded=true", "--set", "letterbox=centre", "--weights", "yunet.safetensors", "--weights-names",
           ROOT / "examples" / "detect" / "yunet.names"]


def nv12(picture):
    y, cb, cr = [np.asarray(plane, float) for plane in picture.convert("YCbCr").split()]
    chroma = [p.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)) for p in (cb, cr)]
    chroma = (np.stack(chroma, 2) - 128) * 224 / 255 + 128
    return b"".join(np.rint(p).astype(np.uint8).tobytes() for p in (y * 219 / 255 + 16, chroma))


@pytest.mark.skipif(not HAS_LLVM, reason="slow without machine code")
@pytest.mark.skipif(not MODEL.exists(), reason=f"skipped: {MODEL} is missing")
def test_faces(tmp_path):
    def run(*words, **options):
        done = subprocess.run([str(word) for word in words], capture_output=True, cwd=tmp_path, check=False, **options)
        assert done.returncode == 0, done.stderr.decode()
        return done

    readme = (ROOT / "examples" / "camera" / "README.md").read_text()
    run(RIFFLE, "import", MODEL, "-o", "from_onnx.rfl", "--weights-out", "yunet.safetensors")
    spec = ROOT / "examples" / "detect" / "yunet.rfl"
    assert "--set folded=true --set letterbox=centre" in readme
    run(RIFFLE, "compile", spec, *WEIGHTS, "--target", "native", "-o", "out")
    run("cc", "-std=c11", "-D_POSIX_C_SOURCE=199309L", "-O2", "-Wall", "-Wextra", "-Werror", "-I", "out",
        ROOT / "examples" / "camera" / "camera.c", "out/libyunet.a", "-o", "out/camera")
    photo = PIL.Image.open(ROOT / "docs" / "images" / "detect_face.jpg").convert("RGB")
    frames = []
    for left in (0, 60, 200, 640):
        canvas = PIL.Image.new("RGB", (WIDTH, HEIGHT))
        canvas.paste(photo, (left, -20))
        frames.append(nv12(canvas))
    done = run("out/camera", WIDTH, HEIGHT, input=b"".join(frames) + bytes(100))
    lines = done.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["0", "1", "2", "3"]
    assert re.fullmatch(r"4 frames; ms for each: prepare \d+\.\d\d, network \d+\.\d\d, faces \d+\.\d\d; "
                        r"\d+ frames a second\n",
                        done.stderr.decode())
    seen = [[float(word) for word in line.split()[1:]] for line in lines]
    assert [len(numbers) for numbers in seen] == [5, 5, 5, 0]
    assert abs(seen[1][1] - seen[0][1] - 60) < 6 and abs(seen[2][1] - seen[0][1] - 200) < 6
    for frame, line in zip(frames, lines):
        (tmp_path / "frame").write_bytes(frame)
        boxes = json.loads(run(RIFFLE, "run", spec, *WEIGHTS, "--frame", "frame", "--format", "nv12", "--frame-size",
                               f"{WIDTH}x{HEIGHT}", "--json").stdout)["boxes"][0]
        numbers = [f"{box['score']:.3f} " + " ".join(f"{x:.1f}" for x in box["corners"]) for box in boxes]
        assert line.split("  ")[1:] == numbers
    assert subprocess.run([tmp_path / "out" / "camera", "0", "5"], capture_output=True, check=False).returncode == 2
