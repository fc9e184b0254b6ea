"""The player: a reader's hand on the threads, in a live notebook and in the rendered page
alike.

One ES module draws both; its files are in the folder page/.  In a live notebook it is the front
end of an anywidget; in the rendered book it is inlined in the page and finds the data in the
widget's own HTML output, with the shortest schedule as a plain list where there is no JavaScript.
It is handed graphs and explores nothing.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..checker.rule import FAILS, HOLDS, UNDETERMINED
from .data import Switches, board
from .inlaid import inlaid
from .module import module, style
from .prompts import Prompt

WIDGETS = find_spec("anywidget") is not None  # not where Python runs in a page of the book
if TYPE_CHECKING or WIDGETS:
    import anywidget
    import traitlets
    from ipywidgets import Layout
else:
    from . import plain as anywidget
    from . import plain as traitlets
    from .plain import Layout

if TYPE_CHECKING:
    from ..checker.replay import Moment
    from ..checker.verdict import Report

USUAL = ("words", "verdict", "share", "beside")
PANELS = (*USUAL, "map")  # the map of all states, where the text is about it


class Player(anywidget.AnyWidget):
    """A widget that steps through one scenario under several designs.

    board     the graphs, see data.board
    prompts   the questions asked before marked steps, see prompts.Prompt
    panels    the names of the panels that are offered
    opens     the names of those that are open at first
    design    the name of the design that is shown
    watched   the rule that is looked ahead for; "": any
    schedule  the steps taken so far, as text; set it to jump there, observe it to follow the reader
    answers   what the reader has predicted: {key of the prompt: outcome}
    """

    _esm = module()
    _css = style()
    board = traitlets.Dict().tag(sync=True)
    prompts: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    panels: traitlets.List[str] = traitlets.List(list(USUAL)).tag(sync=True)
    opens: traitlets.List[str] = traitlets.List().tag(sync=True)
    design = traitlets.Unicode().tag(sync=True)
    watched = traitlets.Unicode("").tag(sync=True)
    schedule = traitlets.Unicode("").tag(sync=True)
    answers = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *reports: Report,
        design: str | None = None,
        prompts: Sequence[Prompt] = (),
        panels: Sequence[str] = USUAL,
        opens: Sequence[str] = (),
        switches: Sequence[Switches] = (),
        schedule: str = "",
        watch: str = "",
    ) -> None:
        """Show `reports` (see gupcore.check), starting with the one of `design`, or the first.

        panels    the names of the panels that are offered, of PANELS
        opens     the names of those that are open at first
        switches  for each report {switch: setting}: its design is then chosen by switches
        schedule  the steps that have been taken when it opens
        watch     the name of the rule that its reader tries to break: the player says when that
                  can no longer be done; any rule, if none is given

        Raises ValueError, with a sentence, for reports that do not go together and for a design, a
        panel, a prompt, a schedule or a rule that is not to be had.
        """
        # What is inside adapts to the width it is given, so in an HBox it must ask for some.
        super().__init__(layout=Layout(flex="1 1 24rem", min_width="0"))
        self.show(*reports, design=design, switches=switches)
        for names, known in ((panels, PANELS), (opens, panels)):
            unknown = [name for name in names if name not in known]
            if unknown:
                raise ValueError(f"There is no panel {unknown[0]!r}; choose {', '.join(known)}.")
        rules = [verdict.rule.name for verdict in reports[0].verdicts]
        if watch and watch not in rules:
            raise ValueError(f"There is no rule {watch!r} here; choose {', '.join(rules)}.")
        self.watched = watch
        self.panels = list(panels)
        self.opens = list(opens)
        self.prompts = [prompt.data(reports) for prompt in prompts]
        if schedule:
            report = next(r for r in reports if r.scenario.design.name == self.design)
            self._fallback = _as_list(report, schedule, f"The schedule {schedule}:")
            self.schedule = schedule

    def show(
        self, *reports: Report, design: str | None = None, switches: Sequence[Switches] = ()
    ) -> None:
        """Show other reports, from the start; arguments as above."""
        names = [report.scenario.design.name for report in _shown_together(reports)]
        if design is None:
            design = names[0]
        if design not in names:
            raise ValueError(f"There is no design {design!r} here; choose {', '.join(names)}.")
        self._fallback = _in_words(reports[names.index(design)], reports)
        with self.hold_sync():
            self.schedule = ""
            self.board = {**board(reports, switches)}
            self.design = design

    def __repr__(self) -> str:
        return f"Player({', '.join(entry['name'] for entry in self.board['designs'])})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_html(super()._repr_mimebundle_(**kwargs), repr(self), self.to_html())

    def to_html(self) -> str:
        """Return the player as HTML: data for the page's script, and a list without it."""
        data = {
            "board": self.board,
            "design": self.design,
            "prompts": self.prompts,
            "opens": self.opens,
        }
        if self.schedule:
            data["schedule"] = self.schedule
        if self.panels != list(USUAL):
            data["panels"] = self.panels
        if self.watched:
            data["watched"] = self.watched
        return inlaid("gup-player", data, self._fallback)


def with_html(bundle: Any, says: str, page: str) -> Any:
    """Return what a widget shows of itself, with what is kept of it where no widget is.

    bundle  what its `_repr_mimebundle_` returned
    says    it as text, for the notebook's file
    page    it as HTML, for the rendered book
    """
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    if data is not None:
        data |= {"text/plain": says, "text/html": page}
    return bundle


def _shown_together(reports: Sequence[Report]) -> Sequence[Report]:
    """Return `reports`; raise ValueError if one player cannot show them."""
    if not reports:
        raise ValueError("A player needs at least one report: Player(check(race())).")
    if not all(hasattr(report, "verdicts") for report in reports):
        raise ValueError("A player shows reports: Player(check(race())).")
    if not all(hasattr(report, "graph") for report in reports):
        raise ValueError(
            "A player shows states, which a report on any number of callers has not; "
            "check its scenario with so many: Player(check(report.with_callers(2)))."
        )
    labels = {tuple(thread.label for thread in report.scenario.threads) for report in reports}
    if len(labels) > 1:
        raise ValueError("The reports of one player must have the same threads.")
    if len({tuple(verdict.rule.name for verdict in report.verdicts) for report in reports}) > 1:
        raise ValueError("The reports of one player must judge the same rules.")
    return reports


def _in_words(first: Report, reports: Sequence[Report]) -> str:
    """Return what there is to read without JavaScript: of `first`, or else of one that fails."""
    if first.status == FAILS:
        return _schedule_as_list(first)
    name = html.escape(first.scenario.design.name)
    others = (_schedule_as_list(report) for report in reports if report.status == FAILS)
    return f"<p>Design {name}: {_AT_BEST[first.status]}.</p>{next(others, '')}"


_AT_BEST = {
    HOLDS: "every rule holds in every schedule",
    UNDETERMINED: "the search was cut off before a rule was broken",
}


def _schedule_as_list(report: Report) -> str:
    """Return the shortest schedule to the first broken rule as an ordered list."""
    failing = next(verdict for verdict in report.verdicts if verdict.status == FAILS)
    rule = html.escape(failing.rule.name)
    says = f"The shortest schedule that breaks the rule <em>{rule}</em>:"
    return _as_list(report, failing.schedule, says)


def _as_list(report: Report, schedule: str, says: str) -> str:
    """Return a schedule as an ordered list, below the HTML in `says`."""
    name = html.escape(report.scenario.design.name)
    items = "".join(_moment_as_item(moment) for moment in report.replay(schedule))
    return f"<p>Design {name}. {says}</p><ol>{items}</ol>"


def _moment_as_item(moment: Moment) -> str:
    place = moment.places[-1]
    kernel = f"; kernel: {moment.source}" if moment.source.file else ""
    return (
        f"<li><strong>{html.escape(moment.label)}</strong>: {html.escape(moment.said)} "
        f"<code>{html.escape(place.text)}</code> "
        f"<small>in {html.escape(place.function)}{html.escape(kernel)}</small></li>"
    )
