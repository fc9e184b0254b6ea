"""Put the parts of a thread in order by hand: every order was judged, and its verdict ships.

Like the player, it is drawn by one ES module in a live notebook and in the rendered page, and finds
what it knows in the widget's own HTML.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..checker.rule import FAILS, HOLDS
from . import WIDGETS, with_html
from .inlaid import inlaid
from .module import module, style

if TYPE_CHECKING or WIDGETS:
    import anywidget
    import traitlets
else:
    from . import plain as anywidget
    from . import plain as traitlets

if TYPE_CHECKING:
    from ..checker.verdict import Report

Order = tuple[str, ...]
Reports = Mapping[str, "Report"]


class Orders(anywidget.AnyWidget):
    """A list that its reader puts in order, and the verdict on the order it has.

    parts   each part, with a sentence on what it does
    last    what always comes last, with a sentence
    found   the verdict on every order, see `_found`
    code    what shows a failing schedule in a player, see `__init__`
    order   the names of the parts, in the order they have now; set it, or observe it
    """

    _esm = module()
    _css = style()
    parts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    last: traitlets.List[str] = traitlets.List().tag(sync=True)
    found = traitlets.Dict().tag(sync=True)
    code = traitlets.Unicode("").tag(sync=True)
    order: traitlets.List[str] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        reports: Mapping[Order, Reports],
        parts: Mapping[str, str],
        last: tuple[str, str],
        order: Sequence[str],
        code: str = "",
    ) -> None:
        """Show the verdicts on all orders of some parts.

        reports  {order: {where it was tried, in words: report}}, for every order of the parts; it
                 holds if all of its reports do, and else the first that fails is shown
        parts    {part: what it does}
        last     what always comes last, and what it does
        order    the order at first
        code     a cell's text that shows the failing schedule of an order: there the names of the
                 parts are put in the place of `{order}`, and the steps in that of `{schedule}`; a
                 page of the book offers to run it in the next live cell below

        Raises ValueError for an order that is not judged, or whose search was cut off.
        """
        super().__init__()
        self.parts = [list(part) for part in parts.items()]
        self.last = list(last)
        self.code = code
        self.found = _found(reports, list(parts))
        if tuple(order) not in reports:
            raise ValueError(f"The order {' '.join(order)} is not judged.")
        self.order = list(order)

    def __repr__(self) -> str:
        right = sum(not verdict for verdict in self.found["orders"].values())
        return f"Orders({len(self.found['orders'])} judged, {right} right)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_html(super()._repr_mimebundle_(**kwargs), repr(self), self.to_html())

    def to_html(self) -> str:
        """Return the list as HTML: data for the page's script, and a table without it."""
        names = ("parts", "last", "found", "order", "code")
        data = {name: getattr(self, name) for name in names}
        return inlaid("gup-orders", data, self._in_words())

    def _in_words(self) -> str:
        """Say how many orders hold, and how many break each rule, for who has no JavaScript."""
        orders = self.found["orders"]
        broken = Counter(rule for verdict in orders.values() if verdict for rule in verdict[1])
        right = sum(not verdict for verdict in orders.values())
        counts = ((html.escape(self.found["rules"][n]), count) for n, count in broken.most_common())
        rows = "".join(
            f'<tr><th scope="row">{rule}</th><td>{count}</td></tr>' for rule, count in counts
        )
        return (
            f"<p>Of {len(orders)} orders of {', '.join(name for name, _ in self.parts)}, "
            f"{right} keep every rule. This many break a rule:</p>"
            f'<table><thead><tr><th scope="col">rule</th><th scope="col">orders</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def _found(reports: Mapping[Order, Reports], parts: list[str]) -> dict[str, Any]:
    """Return the verdicts as plain data; whatever is said more than once stands once, in a list.

    orders  {numbers of the parts: null, or [where it fails, rules that fail, verdict in short,
            way]}; all are numbers of entries in the other lists
    ways    the shortest schedules: [schedule, [what each step does, ...]]
    """
    lists: dict[str, dict[Any, int]] = {name: {} for name in ("where", "rules", "text", "ways")}
    threads: list[str] = []

    def number(name: str, value: Any) -> int:
        return lists[name].setdefault(value, len(lists[name]))

    orders: dict[str, list[Any] | None] = {}
    for order, tried in reports.items():
        key = "".join(str(parts.index(part)) for part in order)
        orders[key] = None
        for where, report in tried.items():
            threads, at = [t.label for t in report.scenario.threads], number("where", where)
            if not report.graph.complete:
                raise ValueError(f"The search was cut off for the order {' '.join(order)}.")
            if report.status == HOLDS:
                continue
            failing = [verdict for verdict in report.verdicts if verdict.status == FAILS]
            worst = min(failing, key=lambda verdict: len(verdict.schedule))
            failing.sort(key=lambda verdict: verdict is not worst)
            said = tuple(number("text", m.said) for m in report.replay(worst.schedule))
            orders[key] = [
                at,
                [number("rules", verdict.rule.name) for verdict in failing],
                number("text", str(worst)),
                number("ways", (worst.schedule, said)),
            ]
            break
    return {"threads": threads, "orders": orders} | {name: [*one] for name, one in lists.items()}
