"""Libraries that are saved, loaded again, and those that this machine cannot run."""

import json
import os
import platform
import shutil
import threading

import numpy as np
import pytest
import riffle
from conftest import TINY, images
from riffle import _processor
from support import riffle as run_program

HAS_LLD = any(shutil.which(name) for name in ["ld.lld", *[f"ld.lld-{version}" for version in range(10, 41)]])


def test_save_and_load(tiny_net, tmp_path):
    tiny_net.save(tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["libtiny.a", "libtiny.so", "tiny.h", "tiny.json"]
    image = images(tiny_net.inputs[0])
    expected = tiny_net(image)
    for path in (tmp_path / "out", tmp_path / "out" / "tiny.json", str(tmp_path / "out")):
        net = riffle.load_library(path)
        np.testing.assert_array_equal(net(image)["logits"], expected["logits"])


def test_of_the_command(tmp_path, tiny_net):
    run_program("compile", TINY, "--random-weights", "1", "--shared", "--weights-file", "-o", tmp_path, "--target", "native")
    net = riffle.load_library(tmp_path)
    image = images(net.inputs[0])
    np.testing.assert_array_equal(net(image)["logits"], tiny_net(image)["logits"])
    (tmp_path / "tiny.weights").unlink()
    with pytest.raises(riffle.Error, match="cannot map the weights"):
        riffle.load_library(tmp_path)(image)
    (tmp_path / "tiny.weights").write_bytes(bytes(100))
    with pytest.raises(riffle.Error, match="the weights are not a file of weights for this library"):
        riffle.load_library(tmp_path)(image)


def test_variants(tmp_path):
    run_program("compile", TINY, "--random-weights", "1", "--shared", "--variant", "small:size=[32, 32]",
                "--variant", "two:batch=2", "-o", tmp_path)
    with pytest.raises(riffle.Error, match="has the variants tiny_small, tiny_two: name one"):
        riffle.load_library(tmp_path)
    with pytest.raises(riffle.Error, match="and no 'tiny_three'"):
        riffle.load_library(tmp_path, variant="tiny_three")
    small, two = (riffle.load_library(tmp_path, variant=name) for name in ("tiny_small", "tiny_two"))
    batch = images(two.inputs[0])
    assert batch.shape == (2, 3, 32, 32)
    np.testing.assert_allclose(two(batch)["logits"], small.batch(batch)["logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the code is for x86-64")
def test_levels(tiny):
    net = tiny.compile("x86-64-multi")
    image = images(net.inputs[0])
    np.testing.assert_allclose(net(image)["logits"], tiny.compile("x86-64")(image)["logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(platform.machine() != "x86_64" or not HAS_LLD,
                    reason="this machine may run it, or there is no lld")
@pytest.mark.parametrize("target", ["aarch64-linux-gnu", "x86_64-linux-android24"])
def test_other_machines(tiny, target, tmp_path):
    """It can be saved, and is not called."""
    net = tiny.compile(target)
    net.save(tmp_path)
    assert (tmp_path / "libtiny.so").exists()
    with pytest.raises(riffle.Error, match="this machine cannot run tiny: it is for"):
        net(images(net.inputs[0]))
    with pytest.raises(riffle.Error, match="cannot run"):
        net.batch(images(net.inputs[0], 3), threads=2)


def test_lacking_instructions(tiny, monkeypatch):
    """Code that would end Python is not called."""
    monkeypatch.setattr(_processor, "_flags_here", lambda: {"sse2", "avx2", "fma"})
    net = tiny.compile("x86-64-v4")
    if platform.machine() == "x86_64":
        with pytest.raises(riffle.Error, match="this processor lacks avx512bw"):
            net(images(net.inputs[0]))


def test_no_description(tmp_path, tiny_net):
    with pytest.raises(riffle.Error, match="there is no description"):
        riffle.load_library(tmp_path)
    with pytest.raises(riffle.Error, match="cannot read .*No such file"):
        riffle.load_library(tmp_path / "none.json")
    for text in ("[]", "{}", "no json", "\xff"):
        (tmp_path / "a.json").write_text(text, encoding="latin-1")
        with pytest.raises(riffle.Error):
            riffle.load_library(tmp_path / "a.json")
    (tmp_path / "a.json").unlink()
    tiny_net.save(tmp_path / "changed")
    whole = json.loads((tmp_path / "changed" / "tiny.json").read_text())
    for key, value in [("name", "a(void); int b"), ("name", 3), ("inputs", [{}]), ("inputs", 3), ("outputs", [{"name": "a"}]),
                       ("totals", {}), ("target", None), ("shared_library", 3), ("variants", 3)]:
        (tmp_path / "changed" / "tiny.json").write_text(json.dumps({**whole, key: value}))
        with pytest.raises(riffle.Error):
            riffle.load_library(tmp_path / "changed")(images(tiny_net.inputs[0]))
    run_program("compile", TINY, "--random-weights", "1", "-o", tmp_path / "static")
    with pytest.raises(riffle.Error, match="only static: compile it with --shared"):
        riffle.load_library(tmp_path / "static")
    tiny_net.save(tmp_path / "broken")
    (tmp_path / "broken" / "libtiny.so").write_bytes(b"no library")
    net = riffle.load_library(tmp_path / "broken")
    with pytest.raises(riffle.Error, match="cannot load"):
        net(images(net.inputs[0]))
    assert json.loads((tmp_path / "broken" / "tiny.json").read_text())["name"] == "tiny"


def test_new_weights(tmp_path):
    """A file that replaces that of a library, while others call it; what is no such file changes nothing."""
    folders, nets = [tmp_path / "first", tmp_path / "second"], []
    for seed, folder in enumerate(folders, 1):
        run_program("compile", TINY, "--random-weights", str(seed), "--shared", "--weights-file", "-o", folder,
                    "--target", "native")
        nets.append(riffle.load_library(folder))
    image = images(nets[0].inputs[0])
    wanted = [net(image)["logits"].tobytes() for net in nets]
    sums = [net.weights_checksum for net in nets]
    assert wanted[0] != wanted[1] and sums[0] != sums[1]
    assert sums == [net.description["weights_file"]["checksum"] for net in nets]

    net, stop, found = nets[0], threading.Event(), set()
    files = [tmp_path / "first.weights", folders[1] / "tiny.weights"]
    shutil.copy(folders[0] / "tiny.weights", files[0])

    def call():
        while not stop.is_set():
            found.add(net(image)["logits"].tobytes())

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    for turn in range(200):
        net.update_weights(files[turn % 2])
    stop.set()
    for caller in callers:
        caller.join()
    assert found <= set(wanted) and net(image)["logits"].tobytes() == wanted[1]

    os.replace(files[1], folders[0] / "tiny.weights")
    net.update_weights(files[0])
    net.update_weights()
    assert net.weights_checksum == sums[1] and net.batch(image)["logits"].tobytes() == wanted[1]
    whole = files[0].read_bytes()
    for bad, said in [(b"", "cannot map"), (whole[:-1], "short or damaged"), (whole[:20], "short or damaged"),
                      (whole[:-1] + bytes([whole[-1] ^ 1]), "damaged"), (bytes(len(whole)), "not a file of weights")]:
        files[0].write_bytes(bad)
        with pytest.raises(riffle.Error, match=said):
            net.update_weights(files[0])
        assert net.weights_checksum == sums[1] and net(image)["logits"].tobytes() == wanted[1]
    with pytest.raises(riffle.Error, match="cannot map"):
        net.update_weights(tmp_path / "none")


def test_weights_inside(tiny_net):
    assert tiny_net.weights_checksum is None
    with pytest.raises(riffle.Error, match="has its weights inside: compile it with --weights-file"):
        tiny_net.update_weights()
