"""Machines that are equal, and yet can be told apart: no step sees what the checker does not.

Two threads put two equal values into the machine, one after the other; a third asks by what they
can be told apart.  Whoever takes the two for one never sees the second.  A plain interpreter, which
keeps no states, tries all schedules.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, permutations
from types import ModuleType

import hidden
import pytest

from gupcore import Automaton, Rule, Scenario, ThreadError, check
from gupcore.checker.rule import NotWorse
from gupcore.checker.values import Changeable, in_order, key

MODULE = """\
import enum
from types import MappingProxyType

class Point(NamedTuple):
    x: int

@dataclass(frozen=True)
class Box:
    inside: Any

class Number(enum.IntEnum):
    ONE = 1

def one(): return 1
def another(): return 1

VALUES = {one}, {two}

@models("none", "none.c")
def puts(machine, which):
    "Put one of the two there."
    m = VALUES[which]
    return Effect(replace(machine, m=m), "Puts.")

@models("none", "none.c")
def asks(machine):
    "Ask which it is."
    m = machine.m
    if m is None:
        return Blocked("There is nothing.")
    return Effect({does}, "Asks.", {result})

MACHINE = Machine(m=None)
{more}
"""
BREAKS = "replace(machine, n=3 * bool({tells}))"
PAIRS = {  # one value, an equal one, and by what they are told apart
    "True and 1": ("1", "True", "str(m) == 'True'"),
    "1 and 1.0": ("1", "1.0", "str(m) == '1.0'"),
    "0.0 and -0.0": ("0.0", "-0.0", "str(m) == '-0.0'"),
    "a part that is -0.0": ("complex(0.0, 0.0)", "complex(-0.0, 0.0)", "str(m.real) == '-0.0'"),
    "empty ranges": ("range(0)", "range(7, 7)", "m.start == 7"),
    "a number of an enum": ("1", "Number.ONE", "isinstance(m, Number)"),
    "a tuple with names": ("(1,)", "Point(1)", "isinstance(m, Point)"),
    "in a tuple": ("(0, 1)", "(0, True)", "str(m[1]) == 'True'"),
    "in a record": ("Box(0.0)", "Box(-0.0)", "str(m.inside) == '-0.0'"),
    "in a set": ("frozenset((1,))", "frozenset((True,))", "str(max(m)) == 'True'"),
    "two functions": ("one", "another", "m == another"),
    "the order of names": (
        *("MappingProxyType({1: 0, 2: 0})", "MappingProxyType({2: 0, 1: 0})"),
        "next(iter(m)) == 2",
    ),
    "names": ("MappingProxyType({1: 0})", "MappingProxyType({True: 0})", "str([*m]) == '[True]'"),
    "the order of a set": ("frozenset((0, 8))", "frozenset((8, 0))", "next(iter(m)) == 8"),
    "the order of a longer set": (
        *("frozenset((1, 9, 17, 3))", "frozenset((17, 9, 1, 3))"),
        "tuple(m).index(17) < tuple(m).index(1)",
    ),
    "the order of a set in a record": (
        *("Box(frozenset((0, 8)))", "Box(frozenset((8, 0)))"),
        "next(iter(m.inside)) == 8",
    ),
    "the order of a set in a set": (
        *("frozenset((frozenset((0, 8)),))", "frozenset((frozenset((8, 0)),))"),
        "next(iter(next(iter(m)))) == 8",
    ),
    "a set in words": ("frozenset((0, 8))", "frozenset((8, 0))", "f'{m}' == 'frozenset({8, 0})'"),
}
SET = PAIRS["the order of a set"][:2]
FIRST = "next(iter({machine}.m or (0,)))"
ORDERS = {  # who sees the order of a set: what `asks` does, what it gives the thread, and the rules
    "the thread": ("machine", "next(iter(m))", "", "if (yield asks()) == 8: yield bad()"),
    "the thread is given it": ("machine", "m", "", "if next(iter((yield asks()))): yield bad()"),
    "a later step": ("replace(machine, m=m | {1})", "0", "", "yield asks()\nyield later()"),
    "a step that waits": ("machine", "0", "", "yield asks()\nyield waits()\nyield bad()"),
    "a rule": ("machine", "0", f"return {FIRST.format(machine='before')} != 8", "yield asks()"),
    "a rule, afterwards": (
        *("replace(machine, m=m | {1})", "0"),
        *(f"return {FIRST.format(machine='after')} != 8", "yield asks()"),
    ),
}
LATER = """
@models("none", "none.c")
def later(machine):
    "Break the rule in one order."
    return Effect(replace(machine, n=3 * (next(iter(machine.m)) == 8)), "Breaks it.")

@models("none", "none.c")
def waits(machine):
    "Wait for one order."
    if next(iter(machine.m)) == 0:
        return Blocked("Waits.")
    return Effect(machine, "Goes.")

def rule(before, step, after):
    {rule}

RULES = holds, rule
"""


def load(
    one: str, two: str, does: str, result: str = "0", rule: str = "return True", asks: str = ""
) -> ModuleType:
    more = LATER.format(rule=rule or "return True")
    text = MODULE.format(one=one, two=two, does=does, result=result, more=more)
    threads = ["yield puts(0)\n", "yield puts(1)\n", f"{asks or 'yield asks()'}\n"]
    functions = (f"\ndef thread_{n}():\n{hidden._in(body)}" for n, body in enumerate(threads))
    return hidden.load(hidden.HEAD.format(limit=0) + text + "".join(functions))


def scenes(loaded: ModuleType) -> Iterator[Scenario]:
    """Yield a scene for each order of the threads, in which the search meets the values."""
    scene = hidden.scenario(type("", (), {**vars(loaded), "thread": loaded.thread_0}))  # type: ignore[arg-type]
    made = [loaded.thread_0, loaded.thread_1, loaded.thread_2]
    for order in permutations(made):
        threads = tuple(Automaton(function.__name__, function) for function in order)
        yield Scenario("told apart", "", scene.design, loaded.MACHINE, threads, scene.rules)


def breaks(loaded: ModuleType) -> bool:
    """Run all schedules, none of which shares anything with another: does one break a rule?"""
    made = [loaded.thread_0, loaded.thread_1, loaded.thread_2]
    schedules: list[tuple[int, ...]] = [()]
    for schedule in schedules:
        generators = [function() for function in made]
        waiting = [next(generator) for generator in generators]
        machine, here = loaded.MACHINE, waiting[0]
        for thread in schedule:
            here = waiting[thread]
            if here is None:
                break
            effect = here.action.apply(machine, *here.args)
            if hasattr(effect, "why"):
                here = None
                break
            if not all(rule(machine, here, effect.machine) for rule in loaded.RULES):
                return True
            machine = effect.machine
            try:
                waiting[thread] = generators[thread].send(effect.result)
            except StopIteration:
                waiting[thread] = None
        if here is not None:
            schedules += [(*schedule, thread) for thread in range(3)]
    return False


@pytest.mark.parametrize(("one", "two", "tells"), PAIRS.values(), ids=PAIRS)
def test_equal_values_that_can_be_told_apart(one: str, two: str, tells: str) -> None:
    for values in ((one, two), (two, one)):
        loaded = load(*values, BREAKS.format(tells=tells))
        assert breaks(loaded)
        for scene in scenes(loaded):
            assert hidden.asked(scene).verdict in ("fails", "refused")


@pytest.mark.parametrize(("does", "result", "rule", "asks"), ORDERS.values(), ids=ORDERS)
def test_whoever_sees_the_order_of_a_set_is_refused(
    does: str, result: str, rule: str, asks: str
) -> None:
    loaded = load(*SET, does, result, rule, asks)
    assert breaks(loaded)
    for scene in scenes(loaded):
        said = hidden.asked(scene)
        assert said.verdict == "refused"
        assert "depends on the order in which the machine's frozensets" in said.sentence


COUNTED = """
def counts(machine):
    return next(iter(machine.m or (0,)))
def ends(machine):
    return next(iter(machine.m or (0,))) == 0
"""


@pytest.mark.parametrize("on", ["step", "end"])
def test_a_rule_that_counts_or_is_about_the_end_is_refused(on: str) -> None:
    loaded = load(*SET, "machine")
    exec(COUNTED, loaded.__dict__)
    holds = NotWorse(loaded.counts) if on == "step" else loaded.ends
    rules = (Rule("told apart", "It is.", on, holds),)
    for scene in scenes(loaded):
        with pytest.raises(ThreadError, match="The rule 'told apart' depends on the order"):
            check(replace(scene, rules=rules))


@pytest.mark.parametrize("asks", ["sum(m)", "8 in m", "sorted(m)[0]", "len(m | {1})", "max(m)"])
def test_who_does_not_see_it_is_judged(asks: str) -> None:
    loaded = load(*SET, "replace(machine, m=m | {9})", asks)
    assert not breaks(loaded)
    for scene in scenes(loaded):
        assert check(scene).status == "holds"


@pytest.mark.parametrize("one", ["lambda: 1", "making()"])
def test_a_machine_holds_no_function_that_is_made_anew(one: str) -> None:
    """Each equals itself alone, and no key could say which are one."""
    loaded = load("0", "0", f"replace(machine, m=({one},))")
    loaded.__dict__.update(hidden.load("def making():\n    return lambda: 1\n").__dict__)
    assert "made anew" in hidden.asked(next(scenes(loaded))).sentence


def test_sets_that_are_gone_through_in_the_same_order_and_filled_up() -> None:
    loaded = load(
        *("frozenset((163, 11))", "frozenset((11, 163))"), BREAKS.format(tells="[*m | {4}][1] == 4")
    )
    assert breaks(loaded)
    assert all(hidden.asked(scene).verdict == "refused" for scene in scenes(loaded))


def test_sets_that_no_key_tells_apart_stay_alike_whatever_is_added() -> None:
    draw = random.Random(13)
    alike = 0
    for size in (2, 3, 4, 5, 8) * 60:
        inside = draw.sample(range(200), size)
        made = {frozenset(order) for order in islice(permutations(inside), 0, 24, 5)}
        assert len(made) == 1
        twins: dict[object, list[frozenset[int]]] = {}
        for order in islice(permutations(inside), 0, 24, 5):
            for one in (
                frozenset(order),
                frozenset(set(order)),
                frozenset(order[:-1]) | {order[-1]},
            ):
                twins.setdefault(in_order(key, one), []).append(one)
        for one, *others in twins.values():
            for other in others:
                alike += 1
                for _ in range(20):
                    more = draw.choices(range(5_000), k=draw.randint(1, 3))
                    assert [*one.union(more)] == [*other.union(more)], (one, more)
                    assert [*{*one, *more}] == [*{*other, *more}], (one, more)
    assert alike > 500


def test_a_long_set_is_refused_where_its_order_depends_on_how_it_was_made() -> None:
    assert in_order(key, frozenset(range(40)))
    with pytest.raises(Changeable, match="a frozenset of 16 elements, whose order depends on"):
        in_order(key, frozenset((*range(15), 64)))
