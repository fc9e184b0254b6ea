"""A progress bar in a notebook, for searches that take a while.

The number of states is not known before the end, so the bar shows how much of the limit is used.
"""

from __future__ import annotations

import ipywidgets
from IPython.display import display


class NotebookProgress:
    """Hand this to a search: check(race("cure", callers=3), progress=NotebookProgress()).

    limit  the number of states at which the search gives up, as handed to `check`
    """

    def __init__(self, limit: int = 2_000_000) -> None:
        self.bar = ipywidgets.IntProgress(min=0, max=limit, description="states")
        self.count = ipywidgets.Label()
        self.box = ipywidgets.HBox([self.bar, self.count])
        self._shown = False

    def __call__(self, found: int, left: int) -> None:
        """Show that `found` states were found and `left` are still to be looked at; 0 ends it."""
        if not self._shown:
            self._shown = True
            display(self.box)  # type: ignore[no-untyped-call]
        self.bar.value = min(found, self.bar.max)
        self.count.value = f"{found:,} found, {left:,} to look at"
        if left == 0:
            self.box.close()
