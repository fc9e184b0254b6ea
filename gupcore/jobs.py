"""Processes that judge the rows of a table for the command line; they end when it does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from types import FrameType

from .outset import interrupted


@contextmanager
def workers(jobs: int) -> Iterator[Executor | None]:
    """Start processes that judge rows; an interrupt ends them all."""
    if jobs == 1:
        yield None
        return
    import multiprocessing  # only now: it takes a moment
    from concurrent.futures import ProcessPoolExecutor

    heard = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            child.terminate()
        interrupted()

    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)  # who started them ends them
    with ProcessPoolExecutor(jobs, initializer=ignoring) as executor:
        if heard is interrupted:
            signal.signal(signal.SIGINT, stop)
        try:
            yield executor
        finally:
            if heard is interrupted:
                signal.signal(signal.SIGINT, heard)
