"""Stop what never comes back: a thread or a step that loops without an end.

The checker hands the processor to other people's code and waits for it.  Where the host can
interrupt that (the main thread of a POSIX system), a timer that counts the processor's time looks
once a second whether the same call is still under way; after `SECONDS` it is given up, and the
loop is named.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from .source import ThreadError

SECONDS = 10  # of the processor's time, for a single step


class Endless(BaseException):
    """Raised inside a call that does not end; no `except Exception` there can swallow it."""


_calls = 0  # how many calls of other people's code have begun, and
_inside = 0  # how many of them are under way


def call(function: Callable[..., Any], *args: Any) -> Any:
    """Call other people's code."""
    global _calls, _inside
    _calls += 1
    _inside += 1
    try:
        return function(*args)
    finally:
        _inside -= 1


@contextmanager
def patience() -> Iterator[None]:
    """Give up calls inside this `with` that do not end; raise ThreadError that names the loop."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):
        yield
        return
    seen, waited = _calls, 0

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal seen, waited
        waited = waited + 1 if _inside and _calls == seen else 0
        seen = _calls
        if waited >= SECONDS:
            assert frame is not None
            raise Endless(f"{frame.f_code.co_name}, line {frame.f_lineno}")

    before = signal.signal(signal.SIGVTALRM, look)
    timer = signal.setitimer(signal.ITIMER_VIRTUAL, 1, 1)
    try:
        yield
    except Endless as where:
        raise ThreadError(
            f"{where}: no step was taken in {SECONDS} seconds; does this loop ever end, or yield?"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, *timer)
        signal.signal(signal.SIGVTALRM, before)
