"""Many runs on threads of Python."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_SHARES = 8  # that a thread takes in turn: threads that begin late or are held up take fewer


def share(count: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Calls work(begin, end) for parts of 0 to count - 1, on so many threads; raises the first of what they raise."""
    workers = min(threads, count)
    if workers <= 1:
        work(0, count)
        return
    size = max(1, count // (workers * _SHARES))
    begins = iter(range(0, count, size))
    lock = threading.Lock()

    def take_parts() -> None:
        while True:
            with lock:
                begin = next(begins, None)
            if begin is None:
                return
            work(begin, min(begin + size, count))

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(take_parts) for _ in range(workers)]:
            future.result()
