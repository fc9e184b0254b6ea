"""The player: a reader's hand on the threads, in a live notebook and in the rendered page
alike.

One ES module, `player.js`, draws both.  In a live notebook it is the front end of an anywidget;
in the rendered book it is inlined in the page and finds the data in the widget's own HTML
output, with the shortest schedule as a plain list where there is no JavaScript.  It is handed
graphs and explores nothing.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from .data import board

if TYPE_CHECKING:
    from ..verdict import Moment, Report

HERE = Path(__file__).parent


class Player(anywidget.AnyWidget):
    """A widget that steps through one scenario under several designs.

    board     the graphs, see data.board
    design    the name of the design that is shown
    schedule  the steps taken so far, as text; set it to jump there, observe it to follow the reader
    """

    _esm = HERE / "player.js"
    _css = HERE / "player.css"
    board = traitlets.Dict().tag(sync=True)
    design = traitlets.Unicode().tag(sync=True)
    schedule = traitlets.Unicode("").tag(sync=True)

    def __init__(self, *reports: Report, design: str | None = None) -> None:
        """Show `reports` (see gupcore.check), starting with the one of `design`, or the first."""
        if not reports:
            raise ValueError("A player needs at least one report: Player(check(race())).")
        if not all(hasattr(report, "verdicts") for report in reports):
            raise ValueError("A player shows reports: Player(check(race())).")
        labels = {tuple(thread.label for thread in report.scenario.threads) for report in reports}
        if len(labels) > 1:
            raise ValueError("The reports of one player must have the same threads.")
        names = [report.scenario.design.name for report in reports]
        if design is None:
            design = names[0]
        if design not in names:
            raise ValueError(f"There is no design {design!r} here; choose {', '.join(names)}.")
        super().__init__(board=board(reports), design=design)
        self._fallback = _schedule_as_list(reports[names.index(design)])

    def __repr__(self) -> str:
        return f"Player({', '.join(entry['name'] for entry in self.board['designs'])})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
            data["text/html"] = self.to_html()
        return bundle

    def to_html(self) -> str:
        """Return the player as HTML: data for the page's script, and a list without it."""
        data = {"board": self.board, "design": self.design}
        text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f'<div class="gup-player"><script type="application/json">{text}</script>'
            f'<div class="gup-fallback">{self._fallback}</div></div>'
        )


def _schedule_as_list(report: Report) -> str:
    """Return the shortest schedule to the first broken rule as an ordered list."""
    failing = next((v for v in report.verdicts if v.schedule), None)
    name = html.escape(report.scenario.design.name)
    if failing is None:
        return f"<p>Design {name}: every rule holds in every schedule.</p>"
    items = "".join(_moment_as_item(moment) for moment in report.replay(failing.schedule))
    return (
        f"<p>Design {name}. The shortest schedule that breaks the rule "
        f"<em>{html.escape(failing.rule.name)}</em>:</p><ol>{items}</ol>"
    )


def _moment_as_item(moment: Moment) -> str:
    place = moment.places[-1]
    return (
        f"<li><strong>{html.escape(moment.label)}</strong>: {html.escape(moment.said)} "
        f"<code>{html.escape(place.text)}</code> "
        f"<small>in {html.escape(place.function)}; "
        f"kernel: {html.escape(str(moment.source))}</small></li>"
    )
