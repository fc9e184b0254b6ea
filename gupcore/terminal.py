"""What is shown on a terminal beside the output: a line that says how far we are, and is wiped."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from .outset import WIPE


def print_beside(text: str) -> None:
    """Print on standard error, if that is open and takes it."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, end="", file=sys.stderr, flush=True)


def is_watched() -> bool:
    """Is there a terminal on which somebody may see how far we are?"""
    return sys.stderr is not None and sys.stderr.isatty()


class RowsBar:
    """A line on the terminal that shows how many rows of a table are judged."""

    def __init__(self) -> None:
        self.shown = False

    def __call__(self, done: int, of: int) -> None:
        """Show that `done` rows are judged, of so many."""
        self.shown = True
        bar = "#" * (30 * done // of)
        line = f"\r[{bar:30}] {done} of {of} rows judged"
        print_beside(f"{line:78}")

    def clear(self) -> None:
        """Wipe the line, if one was shown."""
        if self.shown:
            print_beside(WIPE)
            self.shown = False


class ProgressBar:
    """A line on the terminal that shows how far a long search has got.

    The number of states is not known before the end; the bar shows how much of the limit is used.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.shown = 0.0

    def __call__(self, found: int, left: int) -> None:
        """Show that `found` states were found and `left` of them are still to be looked at."""
        now = time.monotonic()
        if now - self.shown > 0.1:
            self.shown = now
            done = "#" * round(30 * min(1.0, found / self.limit))
            line = f"\r[{done:30}] {found:,} states found, {left:,} to look at"
            print_beside(f"{line:78}")

    def clear(self) -> None:
        """Wipe the line, if one was shown."""
        if self.shown:
            print_beside(WIPE)
