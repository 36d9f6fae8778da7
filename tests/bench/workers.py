"""Engines in processes of their own, so that neither their threads nor their libraries meet."""

import importlib
import multiprocessing
import os
import sys
import time

import numpy as np
import timing
from engines import Engine, EngineError

START_SECONDS = 300  # to import, convert and compile
RUN_SECONDS = 300


def serve(pipe, module, maker, task, folder, options, cores):
    """In the worker: makes the engine, then answers requests: (method, arguments)."""
    sys.stdout.flush()
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        engine = getattr(importlib.import_module(module), maker)(task, folder, *options)
        timing.pin(cores)  # what it made its threads for is decided
        pipe.send((True, {key: getattr(engine, key) for key in ("version", "settings", "compile_seconds")
                          if hasattr(engine, key)}))
    except Exception as error:  # whatever a peer may throw
        pipe.send((False, f"{type(error).__name__}: {error}".strip()))
        return
    answers = {"run": engine.run, "output": engine.output, "times": engine.times,
               "processor_seconds": time.process_time}
    while True:
        request, arguments = pipe.recv()
        if request == "close":
            os._exit(0)  # engines differ in how well they shut down
        try:
            pipe.send((True, answers[request](*arguments)))
        except Exception as error:
            pipe.send((False, f"{type(error).__name__}: {error}"))


class Remote(Engine):
    """Any engine, in a process of its own. Starts at once; `wait` before use."""

    def __init__(self, maker, task, folder, *options, name=None, cores=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.name, self.slowness = name or maker.name, maker.slowness
        self.cores = frozenset(cores or timing.choose_cores(task.threads))
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=serve, daemon=True, args=(
            other, maker.__module__, maker.__name__, task, folder, options, self.cores))
        self._process.start()
        other.close()

    def wait(self):
        """Throws EngineError when the engine cannot be made."""
        for key, value in self._answer(START_SECONDS).items():
            setattr(self, key, value)
        return self

    def _answer(self, seconds):
        try:
            if not self._pipe.poll(seconds):
                self.close()
                raise EngineError(self.name, f"no answer for {seconds} seconds")
            good, answer = self._pipe.recv()
        except (EOFError, ConnectionError):
            self._process.join(5)
            raise EngineError(self.name, f"its process ended with status {self._process.exitcode}") from None
        if not good:
            raise EngineError(self.name, answer)
        return answer

    def _ask(self, request, *arguments):
        try:
            self._pipe.send((request, arguments))
        except (BrokenPipeError, OSError):
            raise EngineError(self.name, "its process has ended") from None
        return self._answer(RUN_SECONDS)

    def run(self):
        self._ask("run")

    def output(self):
        return np.asarray(self._ask("output"))

    def times(self, runs):
        return self._ask("times", runs)

    def processor_seconds(self):
        return self._ask("processor_seconds")

    def close(self):
        self._process.kill()
        self._process.join()
