"""Can everyone finish, with any number of callers?  An argument by progress, over the views.

That everyone can finish is not a rule about steps: it says that from each state there is a way to
the end.  There is one if in each state that is not an end somebody can make *progress*, where
progress cannot be made for ever.  It is progress if

* another thread than a caller steps; no such thread goes round in a loop, which is seen to here;
* a caller, stepping alone, ends;
* a caller, stepping alone, comes to have fewer marks than it had: it leaves a section.

Steps left, then callers that have not ended, then marks: of these three one gets less and none
before it more.

In each base take all callers that can be there, and leave those out, one after the other, that can
make progress beside nobody and beside each of those still in.  By the premises of `views` such a
one can beside all of them.  If some are left which have not ended, or another thread has not, then
that thread must be able to step beside each of those left, or somebody else must hold a reference
that they do not.  Where none of this is so, somebody may be stuck: nothing is proved.
"""

from __future__ import annotations

from .held import Seen, fits, holders_among
from .machine import stopped
from .views import Base, Caller, Views

Stands = tuple[Base, Caller]


def may_be_stuck(views: Views) -> str:
    """Say why it is not shown that everyone can finish; nothing, if it is."""
    for single, thread in enumerate(views.crowd.singles):
        if _goes_round({(a, b) for which, a, b in views.edges if which == single}):
            return f"{thread.label} can go round in a loop, so its steps need not come to an end."
    alone: dict[tuple[Stands, Seen | None], bool] = {}
    for base in views.of:
        if not stopped(views.machine(base)) and not _goes_on(views, base, alone):
            return "In some state of the abstraction nobody is sure to get on."
    return ""


def _goes_on(views: Views, base: Base, alone: dict[tuple[Stands, Seen | None], bool]) -> bool:
    """Is a state with this base an end, or can somebody make progress in it?"""
    left = {caller for caller in views.of[base] if fits(base.held, [caller.seen])}
    free: set[Caller] | None = None
    while free is None or free:
        beside = [None, *sorted({caller.seen for caller in left})]
        free = {
            caller
            for caller in left
            if not views.ended(caller)
            and all(_gets_on(views, (base, caller), other, alone) for other in beside)
        }
        left -= free
    if views.singles_ended(base) and all(map(views.ended, left)):
        return True
    seen = sorted({caller.seen for caller in left})
    if not holders_among(base.held, seen):
        return True
    return any(
        all(views.steps(base, single, other) for other in (None, *seen) if _fits(base, other))
        for single in range(-len(base.nodes), 0)
    )


def _fits(base: Base, other: Seen | None) -> bool:
    return other is None or fits(base.held, [other])


def _gets_on(
    views: Views, start: Stands, other: Seen | None, known: dict[tuple[Stands, Seen | None], bool]
) -> bool:
    """Does a caller that steps alone beside another make progress, whatever the counts turn out?"""
    if other is not None and not fits(start[0].held, [start[1].seen, other]):
        return True  # it never stands beside such a one
    if (start, other) not in known:
        known[start, other] = _surely(views, start, other)
    return known[start, other]


def _surely(views: Views, start: Stands, other: Seen | None) -> bool:
    """Look ahead: each way that the steps can turn out must lead to progress, without a loop."""
    marks = views.marks.values
    fewer, others = len(marks[start[1].marks]), len(marks[other[0]]) if other else 0
    after: dict[tuple[Stands, Seen | None], list[tuple[Stands, Seen | None]]] = {}
    good: set[tuple[Stands, Seen | None]] = set()
    queue: list[tuple[Stands, Seen | None]] = [(start, other)]
    for here in queue:
        (base, caller), beside = here
        lost = len(marks[beside[0]]) <= others if beside else True
        done = views.ended(caller) or len(marks[caller.marks]) < fewer
        if stopped(views.machine(base)) or (done and lost):
            good.add(here)
            continue
        after[here] = [
            ((there, moved), seen)
            for there, moved, seen in views.steps(base, caller, beside)
            if moved is not None
        ]
        queue += [
            one for one in dict.fromkeys(after[here]) if one not in after and one not in queue
        ]
    while more := {
        here for here in after if here not in good and after[here] and good.issuperset(after[here])
    }:
        good |= more
    return (start, other) in good


def _goes_round(edges: set[tuple[int, int]]) -> bool:
    """Is there a loop?"""
    nodes = {node for edge in edges for node in edge}
    while nodes:
        last = {node for node in nodes if not any(a == node and b in nodes for a, b in edges)}
        if not last:
            return True
        nodes -= last
    return False
