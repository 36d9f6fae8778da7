"""What engines may do that are compared: each is left out, and named with what it did; the others are timed."""

import os
import signal

import numpy as np
import pytest
from compare import Retries, keep_agreeing, start, with_all_that_run
from engines import Engine
from peers import PEERS
from task import make_task


class Steady(Engine):
    """Answers ones."""

    name = "Steady"
    runs = 0

    def __init_subclass__(cls):
        cls.name = cls.__name__

    def __init__(self, task, _folder, *_options):
        self.version = self.settings = "none"

    def run(self):
        self.runs += 1

    def output(self):
        return np.ones(3, np.float32)


class StandIn(Steady):
    """For riffle."""


StandIn.name = "riffle"


class NeverMade(Steady):
    def __init__(self, *_):
        raise RuntimeError("no such layer")


class DiesAtOnce(Steady):
    def run(self):
        os.kill(os.getpid(), signal.SIGSEGV)


class DiesLater(Steady):
    def run(self):
        super().run()
        if self.runs > 3:
            os.kill(os.getpid(), signal.SIGSEGV)


class DiesAnswering(Steady):
    def output(self):
        os.kill(os.getpid(), signal.SIGABRT)


class AnswersNothing(Steady):
    def output(self):
        return np.full(3, np.nan, np.float32)


class AnswersLittle(Steady):
    def output(self):
        return np.ones(2, np.float32)


class AnswersWrong(Steady):
    def output(self):
        return np.array([1, 1, 2], np.float32)


REASONS = {
    NeverMade: "RuntimeError: no such layer", DiesAtOnce: "its process ended with status -11",
    DiesLater: "its process ended with status -11", DiesAnswering: "its process ended with status -6",
    AnswersNothing: "disagrees: not all numbers are finite", AnswersLittle: "disagrees: shape (2,) is not (3,)",
    AnswersWrong: "disagrees: 1 of the largest output",
}


@pytest.fixture
def engines(monkeypatch, tmp_path):
    """riffle's stand-in first, one that is well, and all others; and those already left out."""
    monkeypatch.setattr("compare.Riffle", StandIn)
    for kind in (Steady, *REASONS):
        monkeypatch.setitem(PEERS, kind.name, kind)
    task = make_task("shufflenet_v2", {"size": (32, 32)}, "x86-64", tmp_path)
    running, failed = start(task, tmp_path, [kind.name for kind in (*REASONS, Steady)], None)
    yield running, failed
    for engine in running:
        engine.close()


def test_each_is_named(engines):
    running, failed = engines
    differences = keep_agreeing(running, failed)
    times, _, attempts = with_all_that_run(running, failed, lambda those: Retries().measure(those, block=3, turns=2))
    assert failed == {kind.name: reason for kind, reason in REASONS.items()}
    assert attempts == 1 and [engine.name for engine in running] == ["riffle", "Steady"]
    assert differences.keys() >= {"riffle", "Steady"}
    assert {name: len(each) for name, each in times.items()} == {"riffle": 6, "Steady": 6}


def test_riffle_is_needed(engines):
    running, failed = engines
    running[0]._process.kill()
    with pytest.raises(SystemExit, match="riffle: its process"):
        keep_agreeing(running, failed)
