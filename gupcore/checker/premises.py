"""The premises of `views`, tested on every step and every rule in every base.

Beside several callers a step does what it does beside each of them, or is blocked where it is
blocked beside one; how many more than one hold a reference makes no difference to it.  A rule that
a step or an end breaks beside several it breaks beside one or two of those that are tried.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations_with_replacement

from .held import holders_among
from .machine import stopped
from .rule import END
from .several import LEAST
from .source import ThreadError
from .views import TRIED, Base, Mover, Outcome, Untold, Views

CROWDED = 6  # beside how many of a kind a step is tried
TOGETHER = 4  # up to how many are tried in every combination; one fewer of many kinds


def see_that_they_hold(views: Views) -> None:
    """Judge the ends that the views allow, and take every step beside many.

    Raises Untold for a step that tells more of others than the views do.
    """
    try:
        _judge_ends(views)
        actors: dict[Hashable, tuple[Base, Mover, set[int]]] = {}
        for base, callers in views.of.items():
            for mover in views.movers(base):
                who, at, marks = views.who(base, mover)
                step = views.crowd.node(who, at).step_key
                actor = base.machine, base.held, who, step, marks
                actors.setdefault(actor, (base, mover, set()))[2].update(c.marks for c in callers)
        for base, mover, others in actors.values():
            _test(views, base, mover, sorted(others))
    except ThreadError as error:
        raise Untold(str(error)) from error


def _judge_ends(views: Views) -> None:
    rules = [rule for rule in views.crowd.scenario.rules if rule.on == END]
    crowd = views.crowd
    for base in views.of:
        if stopped(views.machine(base)) or not views.singles_ended(base):
            continue
        ended = [caller.seen for caller in views.of[base] if views.ended(caller)]
        if not holders_among(base.held, ended):
            continue
        kinds = sorted({marks for marks, _ in ended})
        for group in groups(kinds):
            of = [views.marks.values[n] for n in group]
            machine = crowd.joined(views.machine(base), crowd.pool[: len(of)], of)
            for many in (0, *TRIED):
                holding = crowd.own.holding(machine, views.held(base, many))
                views.broken |= {rule.name for rule in rules if not crowd.keeps(rule, holding)}


def _test(views: Views, base: Base, mover: Mover, others: list[int]) -> None:
    who, at, marks = views.who(base, mover)
    step = views.crowd.node(who, at).step
    if step is None:
        return
    asked, known = views.named(base, who, at), None
    while known != (known := views.looks.known[asked]):  # beside many it may look at more
        kinds = sorted({shown for one in others for shown in views.shown(base, mover, (one,))})
        kinds = list(views.looks.some(kinds))
        free = [kind for kind in kinds if views.outcome(base, mover, (kind,)) is not None]
        for group in (*groups(kinds), *unequal(kinds), *unequal(free)):
            if not _as_beside_each(
                views.outcome(base, mover, group),
                [views.outcome(base, mover, (other,)) for other in group],
            ):
                raise Untold(
                    f"The step {step!r} does beside several callers what it does beside none of "
                    "them: it tells more of them than that somebody is there."
                )
    if others and _looks_unseen(views, base, mover, tuple(others) * 2):
        raise Untold(f"The step {step!r} looks at others in a way that cannot be seen.")
    alone, together = views.outcome(base, mover, ()), views.outcome(base, mover, tuple(kinds))
    for many in TRIED if any(n == LEAST for _, n in base.held) else (1,):
        if views.work_out(base, who, at, marks, many) != alone or (
            kinds and views.work_out(base, who, at, (*marks, *kinds), many) != together
        ):
            raise Untold(f"The step {step!r} does something else with a count of {many}.")


def _looks_unseen(views: Views, base: Base, mover: Mover, others: tuple[int, ...]) -> bool:
    """Does a step do beside others what it does not beside those marks at which it looks?"""
    who, at, marks = views.who(base, mover)
    beside = views.outcome_of(base, who, at, marks + others)
    return beside != views.outcome(base, mover, others)


def groups(kinds: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield the groups of callers beside whom steps are tried; nobody and one are among them."""
    together = TOGETHER if len(kinds) <= TOGETHER else TOGETHER - 1
    for many in range(together + 1):
        yield from combinations_with_replacement(kinds, many)
    yield from ((kind,) * many for kind in kinds for many in range(together + 1, CROWDED + 1))
    yield from (tuple(kinds), tuple(kinds) * 2)


def unequal(kinds: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield groups in which there are fewer of each kind than of the next one, and more."""
    for ordered in (kinds, kinds[::-1]):
        yield tuple(kind for many, kind in enumerate(ordered, 1) for _ in range(many))


def _as_beside_each(together: Outcome | None, each: list[Outcome | None]) -> bool:
    """Does a step do beside several what it does beside each, or is it blocked beside one?"""
    if together is None:
        return len(each) == 0 or None in each
    first = len(together.marks) - len(each)
    return all(
        one is not None
        and one.same() == together.same()
        and one.marks == (*together.marks[:first], mark)
        and together.broken <= frozenset().union(*(e.broken for e in each if e))
        for one, mark in zip(each, together.marks[first:], strict=True)
    )
