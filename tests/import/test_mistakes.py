"""What riffle says about models that cannot be imported, to the letter; and that nothing is written then.

The messages are in mistakes.txt. RIFFLE_UPDATE=1 writes what riffle says now into it (then read the diff!).
"""

import os
from pathlib import Path

import pytest
from broken import CASES, make
from comparing import import_model
from small_models import good
from support import invoke

EXPECTED = Path(__file__).with_name("mistakes.txt")


def expectations():
    sections = EXPECTED.read_text().split("==== ")[1:] if EXPECTED.exists() else []
    return dict(section.split("\n", 1) for section in sections)


def said(case, folder):
    made, options = make(case)
    done, _ = import_model(made, folder, *options)
    assert done.returncode == 1 and done.stdout == ""
    assert sorted(path.name for path in folder.iterdir()) == ["model.onnx"], "something was written"
    return done.stderr


def test_file_of_expectations(tmp_path_factory):
    if "RIFFLE_UPDATE" in os.environ:
        EXPECTED.write_text("".join(f"==== {case.__name__}\n{said(case, tmp_path_factory.mktemp('case'))}"
                                    for case in CASES))
    assert list(expectations()) == [case.__name__ for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_mistake(case, tmp_path):
    assert said(case, tmp_path) == expectations()[case.__name__]


def test_the_good_one(tmp_path):
    done, spec = import_model(good(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and "conv(4, 3, padding = 0) @ w" in spec


def test_unused_input(tmp_path):
    from small_models import model, node, values
    made = model([node("Relu", ["x"])], [values("x", [1, 3, 8, 8]), values("z", ["any"])])
    done, spec = import_model(made, tmp_path)
    assert done.returncode == 0
    assert done.stderr == "model.onnx: warning: no output depends on the input 'z': the network goes without it\n"
    assert spec.count("input") == 1
    made.graph.input.append(values("v", [1, 2, 3]))
    done, again = import_model(made, tmp_path)
    assert (done.returncode, again) == (0, spec)
    assert done.stderr == ("model.onnx: warning: no output depends on the input 'z' and 1 more: the network goes without "
                           "them\n")


def test_inputs_that_are_constants(tmp_path):
    """Early versions list all initializers among the inputs, those that nobody reads too."""
    from small_models import initializer, model, node, values
    made = model([node("Conv", ["x", "w"])], [values("x", [1, 3, 8, 8]), values("w", [4, 3, 1, 1]), values("v", [3])],
                 initializers=[initializer("w", (4, 3, 1, 1)), initializer("v", (3,))])
    done, _ = import_model(made, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_batch_that_changes_nothing(tmp_path):
    done, _ = import_model(good(), tmp_path, "--batch", "2")
    assert (done.returncode, done.stderr) == (0, "model.onnx: warning: --batch changes nothing: no input leaves its first "
                                                 "dimension open\nhint: --set-shape changes the shape of an input\n")


def test_given_shapes(tmp_path):
    from broken_graphs import dynamic_batch, dynamic_size, unknown_shape
    for case, options, shape in ((dynamic_batch, ["--batch", "2"], "[2, 3, 8, 8]"),
                                 (dynamic_size, ["--set-shape", "x=1,3,9,7"], "[1, 3, 9, 7]"),
                                 (unknown_shape, ["--set-shape", "x=4,5"], "[4, 5]")):
        done, spec = import_model(make(case)[0], tmp_path, *options)
        assert (done.returncode, done.stderr) == (0, "") and f"f32{shape}" in spec


def test_link_out_of_the_folder(tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").symlink_to("../secret.bin")
    from broken_files import external_missing
    done, _ = import_model(make(external_missing)[0], folder)
    assert done.stderr == ("model.onnx: error: initializer 'w': cannot open its data 'weights.bin': Too many levels of "
                           "symbolic links\nhint: links are not followed\n")


def test_external_data_that_was_not_fetched(tmp_path):
    from broken_files import external_missing
    (tmp_path / "weights.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 432\n")
    done, _ = import_model(make(external_missing)[0], tmp_path)
    assert done.stderr == ("model.onnx: error: initializer 'w' needs 432 bytes at byte 0 of 'weights.bin', which has 66\n"
                           "hint: it is a pointer of Git LFS in place of the file itself: `git lfs pull` fetches it\n")


def test_files_stay_whole(tmp_path):
    """A file that cannot be written takes the other one with it, and what was there stays."""
    (tmp_path / "model.onnx").write_bytes(good().SerializeToString())
    (tmp_path / "net.rfl").mkdir()
    done = invoke("import", "model.onnx", "-o", "net.rfl", "--weights-out", "w.safetensors", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == "riffle: error: cannot write 'net.rfl': Is a directory\n"
    assert not (tmp_path / "w.safetensors").exists()


USAGE = {
    "": "riffle: error: MODEL is missing",
    "model.onnx": "riffle: error: -o SPEC is missing\n"
                  "hint: as in 'riffle import model.onnx -o net.rfl --weights-out net.safetensors'",
    "model.onnx -o a.rfl": "riffle: error: --weights-out FILE is missing\n"
                           "hint: as in 'riffle import model.onnx -o net.rfl --weights-out net.safetensors'",
    "model.onnx -o a --weights-out b --set-shape x=1,0": "riffle: error: 'x=1,0' is no shape of an input for "
                                                         "--set-shape\nhint: as in --set-shape image=1,3,224,224",
}


@pytest.mark.parametrize("arguments", USAGE)
def test_usage(arguments, tmp_path):
    done = invoke("import", *arguments.split(), cwd=tmp_path)
    assert done.returncode == 2 and USAGE[arguments] in done.stderr
