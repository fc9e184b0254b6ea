"""Any number of callers is said to hold of nothing that a few can break, however a step asks.

Each scene has a step, a rule, a thread or a maker that the views do not describe: it looks in a
way of its own, tells CPUs apart, or counts.  Here a refusal is right, and *holds* is wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gupcore import Automaton, Blocked, Effect, Rule, Scenario, check, scenario, step
from gupcore.checker.any_number import check_any, with_callers
from gupcore.checker.asked import Refusal
from gupcore.checker.callers import Own, own
from gupcore.checker.machine import CALLER
from gupcore.checker.maker import SCENARIOS
from gupcore.checker.rule import EVERYONE_CAN_FINISH
from gupcore.checker.scenario import Variant
from gupcore.checker.step import Thread, models

A, B, KEPT = "a", "b", "kept"


@dataclass(frozen=True)
class Yard:
    """Two sets of CPUs, whose marks they are, and what is nobody's.

    pair  a third set, that is hidden under the kind of the first
    """

    a: frozenset[int] = frozenset()
    b: frozenset[int] = frozenset()
    pair: frozenset[int] = frozenset()
    flag: int = 0
    note: Any = None
    count: int = 0
    oops: str | None = None

    def wrote(self, before: "Yard") -> frozenset[str]:
        return frozenset({KEPT} if self.count != before.count else ())

    def references(self, other: "Yard | None" = None) -> dict[tuple[str, str, Any], int]:
        return {(KEPT, CALLER, 0): self.count}


@own.register
def _(yard: Yard) -> Own:
    def marks(yard: Yard) -> frozenset[tuple[int, tuple[str, Any]]]:
        in_a = {*((cpu, (A, "a")) for cpu in yard.a), *((cpu, (A, "pair")) for cpu in yard.pair)}
        return frozenset({*in_a, *((cpu, (B, None)) for cpu in yard.b)})

    def marked(yard: Yard, pairs: frozenset[tuple[int, tuple[str, Any]]]) -> Yard:
        of = {
            which: frozenset(cpu for cpu, (_, w) in pairs if w == which) for which in ("a", "pair")
        }
        b = frozenset(cpu for cpu, (kind, _) in pairs if kind == B)
        return replace(yard, a=of["a"], pair=of["pair"], b=b)

    def holding(yard: Yard, more: Any) -> Yard:
        return replace(yard, count=yard.count + more.get((KEPT, 0), 0))

    def hidden(yard: Yard, kind: str, unseen: Any) -> Yard:
        if kind == B:
            return replace(yard, b=unseen)
        return replace(
            yard, a=unseen, pair=unseen if yard.pair or yard.note == "pair" else yard.pair
        )

    return Own(marks, marked, holding, hidden)


@step
def into_a(y: Yard, cpu: int) -> Effect:
    return Effect(replace(y, a=y.a | {cpu}), "In a.")


@step
def out_of_a(y: Yard, cpu: int) -> Effect:
    return Effect(replace(y, a=y.a - {cpu}), "Out of a.")


@step
def into_b(y: Yard, cpu: int) -> Effect:
    return Effect(replace(y, b=y.b | {cpu}), "In b.")


@step
def out_of_b(y: Yard, cpu: int) -> Effect:
    return Effect(replace(y, b=y.b - {cpu}), "Out of b.")


@step
def into_pair(y: Yard, cpu: int) -> Effect:
    return Effect(replace(y, pair=y.pair | {cpu}), "In the pair.")


@step
def sets(y: Yard) -> Effect:
    return Effect(replace(y, flag=2), "Sets the flag.")


@step
def turns(y: Yard) -> Effect:
    return Effect(replace(y, flag=1), "Turns the flag.")


@step
def flag_of(y: Yard) -> Effect:
    return Effect(y, "Reads the flag.", y.flag)


@models("none", "none.c", writes=(KEPT,), takes=((KEPT, CALLER),))
def takes(y: Yard) -> Effect:
    return Effect(replace(y, count=y.count + 1), "Takes one.")


def does(change: Callable[[Yard], Yard]) -> Any:
    """A step that changes the yard."""

    @step
    def changes(y: Yard, cpu: int = 0) -> Effect:
        return Effect(change(y), "Changes it.")

    return changes


def asks(question: Callable[[Any, int], Any]) -> Any:
    """A step that sets the flag if a question has the answer yes."""

    @step
    def ask(y: Yard, cpu: int = 0) -> Effect:
        return Effect(replace(y, flag=2) if question(y, cpu) else y, "Asks.")

    return ask


def waits(question: Callable[[Yard], Any]) -> Any:
    @step(waits=("",))
    def wait(y: Yard) -> Effect | Blocked:
        return Blocked("Waits.") if question(y) else Effect(y, "Goes on.")

    return wait


def scene(
    caller: Callable[[int], Thread],
    *singles: Callable[[], Thread],
    rules: Sequence[Rule] = (),
    yard: Any = Yard(),
) -> Scenario:
    threads = [Automaton(f"caller on CPU {n}", caller, (n,)) for n in (0, 1)]
    threads += [Automaton(f"single {n}", single, ()) for n, single in enumerate(singles)]
    rules = rules or (FLAG, EVERYONE_CAN_FINISH)
    return Scenario("yard", "A yard.", Variant("yard", ""), yard, tuple(threads), tuple(rules))


def thread(*steps: Any) -> Callable[..., Thread]:
    """A thread that takes some steps; those of a caller are given its CPU."""

    def single() -> Thread:
        at = 0
        while at < len(steps):
            yield steps[at]()
            at += 1

    return single


def caller(*steps: Any) -> Callable[[int], Thread]:
    def run(cpu: int) -> Thread:
        at = 0
        while at < len(steps):
            yield steps[at](cpu)
            at += 1

    return run


def chooses(cpu: int) -> Thread:
    """Go into a or into b, as the flag is."""
    if (yield flag_of()):
        yield into_a(cpu)
    else:
        yield into_b(cpu)


def keeps(cpu: int) -> Thread:
    yield takes()


def keeps_in_a(cpu: int) -> Thread:
    yield into_a(cpu)
    yield takes()


def then_asks(first: Any, question: Callable[[Yard, int], Any]) -> Callable[[int], Thread]:
    ask = asks(question)

    def run(cpu: int) -> Thread:
        yield from first(cpu)
        yield ask(cpu)

    return run


FLAG = Rule("the flag is not 2", "x", "step", lambda before, step, after: after.flag != 2)


def at_the_end(question: Callable[[Any], Any]) -> tuple[Rule, ...]:
    return (Rule("at the end", "x", "end", lambda yard: bool(question(yard))),)


def refused(yard: Yard) -> bool:
    try:
        return len(yard.a) > 0
    except TypeError:
        return False


@step
def gives_a(y: Yard) -> Effect:
    return Effect(y, "Reads who is in a.", y.a)


def sets_if_any() -> Thread:
    if (yield gives_a()):
        yield sets()


@step(waits=("",))
def locks(y: Yard, cpu: int) -> Effect | Blocked:
    if y.note not in (None, cpu):
        return Blocked("Another owns it.")
    return Effect(replace(y, note=cpu), "Owns it.")


def minds_its_cpu(cpu: int) -> Thread:
    if cpu >= 2:
        yield sets()
    yield into_a(cpu)


enters, in_and_out = caller(into_a), caller(into_a, out_of_a)
majority = lambda y, cpu=0: len(y.a) > len(y.b) > 0  # noqa: E731

SCENES: dict[str, Scenario] = {
    # It looks in a way of its own.
    "copies the set": scene(
        in_and_out, thread(does(lambda y: replace(y, b=y.a)), waits(lambda y: y.b))
    ),
    "swaps the sets": scene(
        caller(into_b, out_of_b, into_a, asks(lambda y, cpu: cpu not in y.a)),
        thread(does(lambda y: replace(y, a=y.b, b=y.a))),
    ),
    "notes the set": scene(
        in_and_out, thread(does(lambda y: replace(y, note=y.a)), asks(lambda y, _: y.note))
    ),
    "gives the set": scene(in_and_out, sets_if_any),
    "writes the set": scene(in_and_out, thread(asks(lambda y, _: f"{y.a}" == "frozenset({0})"))),
    "is refused": scene(in_and_out, thread(asks(lambda y, _: refused(y)))),
    "one kind in two fields": scene(
        caller(into_pair, asks(lambda y, cpu: cpu not in y.pair)),
        thread(does(lambda y: replace(y, a=y.pair, pair=y.a))),
        yard=Yard(note="pair"),
    ),
    # It tells CPUs apart.
    "an owner": scene(caller(locks)),
    "an owner, inside": scene(caller(into_a, locks, out_of_a)),
    "odd CPUs": scene(caller(asks(lambda y, cpu: cpu % 2))),
    "further CPUs": scene(caller(asks(lambda y, cpu: cpu >= 2))),
    "a thread for further CPUs": scene(minds_its_cpu),
    "a rule for a CPU": scene(
        caller(into_a), rules=(Rule("not 1", "x", "step", lambda b, step, a: step.args != (1,)),)
    ),
    "an end for a CPU": scene(caller(into_a), rules=at_the_end(lambda y: 2 not in y.a)),
    # It counts.
    "more in a": scene(chooses, thread(turns, asks(majority))),
    "waits for more in a": scene(chooses, thread(turns, waits(majority))),
    "balance at the end": scene(
        chooses,
        thread(turns),
        rules=at_the_end(lambda y: not y.a or not y.b or len(y.a) == len(y.b)),
    ),
    "two and one at the end": scene(
        chooses, thread(turns), rules=at_the_end(lambda y: (len(y.a), len(y.b)) != (2, 1))
    ),
    "a float": scene(then_asks(keeps, lambda y, _: y.count == 4.0)),
    "below zero": scene(then_asks(keeps, lambda y, _: -y.count == -4)),
    "in words": scene(then_asks(keeps_in_a, lambda y, _: len(y.a) > 1 and f"{y.count}" == "2")),
    "a float at the end": scene(keeps, rules=at_the_end(lambda y: y.count != 2.0)),
    "in words at the end": scene(keeps, rules=at_the_end(lambda y: f"{y.count}" != "2")),
    "half at the end": scene(keeps, rules=at_the_end(lambda y: y.count / 2 != 1)),
}


def few(given: Scenario) -> set[str]:
    """Return the rules that one to four callers can break."""
    reports = [check(with_callers(given, number)) for number in range(1, 5)]
    return {v.rule.name for report in reports for v in report.verdicts if v.status == "fails"}


def wrongly_held(given: Scenario) -> set[str]:
    """Return the rules that are said to hold for any number, and that a few can break."""
    broken = few(given)
    assert broken
    try:
        found = check_any(given)
    except Refusal:
        return set()
    return {v.rule.name for v in found.verdicts if v.status == "holds"} & broken


@pytest.mark.parametrize("name", SCENES)
def test_what_a_few_can_break_does_not_hold(name: str) -> None:
    assert not wrongly_held(SCENES[name])


# --- Makers ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Below:
    most: int

    def __call__(self, before: Yard, step: object, after: Yard) -> bool:
        return after.flag < self.most


def counts_up(many: int) -> Thread:
    n = 0
    while n < many:
        yield turns()
        n += 1


def made(singles: Any, rules: Any = None, yard: Any = None) -> Callable[..., Scenario]:
    def make(callers: int = 2) -> Scenario:
        threads = [Automaton(f"caller on CPU {n}", enters, (n,)) for n in range(callers)]
        threads += [Automaton("single", counts_up, (singles(callers),))]
        asked = (Rule("low", "x", "step", rules(callers) if rules else Below(2)),)
        begin = yard(callers) if yard else Yard()
        return Scenario("made", "A yard.", Variant("yard", ""), begin, tuple(threads), asked)

    return make


MAKERS = {
    "a thread that is told": made(lambda callers: callers),
    "a rule that is told": made(lambda callers: 20, lambda callers: Below(4 - callers)),
    "a machine with four": made(lambda callers: 20, None, lambda callers: Yard(flag=callers > 3)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_maker_that_minds_how_many_there_are_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gupcore.checker.maker.SCENARIOS", dict(SCENARIOS))
    make = scenario("made")(MAKERS[name])
    with pytest.raises(Refusal, match=r"where there are more callers|with each number of callers"):
        check_any(make())


# --- Rules and references -------------------------------------------------------------------------


def test_a_rule_that_answers_no_truth_value_is_refused() -> None:
    for rule in (
        Rule("one", "x", "step", lambda before, step, after: 1),  # type: ignore[arg-type, return-value]
        Rule("none", "x", "end", lambda yard: None),  # type: ignore[arg-type, return-value]
    ):
        with pytest.raises(Refusal, match="must return True where it is kept, or False"):
            check_any(scene(caller(into_a), rules=(rule,)))


def takes_for_ever(cpu: int) -> Thread:
    while True:
        yield takes()


def test_references_without_end_are_refused() -> None:
    verdict = check_any(scene(takes_for_ever))[FLAG.name]
    assert verdict.why == "With the step takes() one caller takes ever more references."


MANY = ((KEPT, CALLER),)


def resets(y: Yard) -> Effect:
    return Effect(replace(y, count=1), "Sets the count.")


def test_a_count_that_is_set_is_a_count_that_is_asked() -> None:
    setting = models("none", "none.c", writes=(KEPT,), takes=MANY, drops=MANY)(resets)
    verdict = check_any(scene(keeps, thread(setting)))[FLAG.name]
    assert verdict.status == "undetermined"
    assert "a count of which only none, one, or more is known" in verdict.why
