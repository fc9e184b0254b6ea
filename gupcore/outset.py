"""The outset of `python -m gupcore`: what goes wrong before the command line is there to say so.

Python imports the package before its `__main__`.  That takes a moment, in which an interrupt or a
lack of memory would end in a traceback, and perhaps in the exit code of a rule that fails.  So the
package begins with this, and this with next to nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in typing, which takes a moment to import
if TYPE_CHECKING:
    from types import FrameType, TracebackType

EX_SOFTWARE, EX_OSERR = 70, 71  # as in sysexits.h
WIPE = f"\r{'':78}\r"  # wipes a line of the terminal


def prepare() -> None:
    """See to it that the process ends with a line and a code of its own, whatever comes now."""
    sys.excepthook = _end
    import signal  # only now: this takes a moment itself

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)


def interrupted(number: int = 0, frame: FrameType | None = None) -> None:
    """Say so and end by the signal: then a shell or a make knows that it is to stop as well."""
    import signal

    _say(b"Interrupted before the end.")
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Take the place of Python's traceback."""
    if issubclass(kind, KeyboardInterrupt):
        interrupted()
    if issubclass(kind, MemoryError):
        _say(b"Out of memory.")
        os._exit(EX_OSERR)
    says = f"An error inside gupcore; please report it: {kind.__name__}: {error}"
    _say("".join(c if c.isprintable() else repr(c)[1:-1] for c in says).encode())
    os._exit(EX_SOFTWARE)


def _say(line: bytes) -> None:
    """Write a line on standard error, if that is open and takes it.

    This goes past Python's buffers: an interrupt may come while one of them is being written.
    """
    if sys.stderr is None:
        return
    try:
        wipe = WIPE.encode() if sys.stderr.isatty() else b""
        os.write(2, wipe + b"gupcore: " + line + b"\n")
    except OSError:
        pass
