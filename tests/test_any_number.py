"""Any number of callers: against exact searches, and against abstractions that forget something."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from crowds import BLIND, COUNTS, OF_SINGLES, ROOMS, WORDS, Hall, Line, crowd, do, programs
from hypothesis import given, settings
from hypothesis import strategies as st

from gupcore import DESIGNS, SCENARIOS, Rule, Scenario, ScenarioError, check, race, replay
from gupcore.__main__ import main
from gupcore.checker import looks, premises, views
from gupcore.checker.any_number import FEW, ReportOnAny, check_any, with_callers
from gupcore.checker.callers import CallersDiffer
from gupcore.checker.orbits import Search, check_by_orbits, judge
from gupcore.checker.several import Asks, Several
from gupcore.checker.step import Blocked, Effect, Thread, models
from gupcore.checker.unseen import Unseen

SETTINGS = SCENARIOS["seed-race"].settings


# --- Against exact searches -----------------------------------------------------------------------


# What the views leave open: an alarm that no search confirms, and a step that asks for two.
OPEN = {"cure-no-wait", *(name for name, design in DESIGNS.items() if design.looks_last)}


@pytest.mark.parametrize("design", DESIGNS)
def test_the_race_with_two_callers_shows_what_any_number_does(design: str) -> None:
    setting = SETTINGS[list(DESIGNS).index(design) % len(SETTINGS)]
    exact, found = check_by_orbits(race(design, 2, **setting)), check_any(race(design, **setting))
    assert found.complete or design in OPEN
    for verdict in (found[rule.name] for rule in found.scenario.rules):
        if verdict.status == "undetermined" and design in OPEN:
            continue
        assert verdict.status == exact[verdict.rule.name].status, verdict
        if verdict.status == "fails":
            scenario = found.with_callers(verdict.callers)
            if verdict.rule.on == "step":
                assert verdict.rule.name in replay(scenario, verdict.schedule)[-1].breaks


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(programs(WORDS, 4, back=False), programs((*COUNTS, "enter", "leave"), 4, back=False)),
    st.one_of(programs(OF_SINGLES, 3, back=False), programs((*WORDS, *OF_SINGLES), 4, back=True)),
)
def test_nothing_holds_that_a_few_callers_can_break(
    program: tuple[Line, ...], single: tuple[Line, ...]
) -> None:
    scenario = crowd(2, program, single)
    contradicts(check_any(scenario), scenario)


# Rules that look at nobody who is inside, unless he leaves, or all have ended.
ABOUT_LEAVING = (
    Rule(
        "who leaves was inside",
        "Nobody leaves who is not inside.",
        "step",
        lambda before, step, after: (
            step.args[1:2] != ("leave",) or step.args[0] in before.cpus(ROOMS[step.args[2] % 2])
        ),
    ),
    Rule("the cellar is empty", "In the end.", "end", lambda machine: not machine.cpus("cellar")),
)


@settings(deadline=None, max_examples=120)
@given(programs(BLIND, 3, back=False), programs((*BLIND, "set"), 2, back=False))
def test_nothing_holds_that_a_step_breaks_without_looking(
    program: tuple[Line, ...], single: tuple[Line, ...]
) -> None:
    scenario = crowd(2, program, single, rules=ABOUT_LEAVING)
    try:
        found = check_any(scenario)
    except CallersDiffer:  # it names a CPU, and so its callers are not the same
        return
    for number in (1, 2, 3):
        exact = check(with_callers(scenario, number))
        for verdict in exact.verdicts:
            if verdict.status == "fails":
                assert found[verdict.rule.name].status != "holds", (number, verdict)


def contradicts(found: ReportOnAny, scenario: Scenario, most: int = 3) -> None:
    """Raise AssertionError where a search with few callers says something else."""
    for number in range(1, most + 1):
        search = Search(with_callers(scenario, number))
        search.run(2_000, None)
        for rule in scenario.rules:
            exact, verdict = judge(search, rule), found[rule.name]
            if exact.status == "fails":
                assert verdict.status != "holds", (number, rule.name, exact)
                if verdict.status == "fails":
                    assert verdict.callers <= number


@pytest.mark.parametrize("name", ["rebind", "stores", "block-io", "munmap-truncate"])
def test_other_scenes_with_two_callers_show_what_any_number_does(name: str) -> None:
    exact, found = check_by_orbits(SCENARIOS[name](callers=2)), check_any(SCENARIOS[name]())
    for verdict in exact.verdicts:
        assert found[verdict.rule.name].status in (verdict.status, "undetermined")
    assert any(verdict.status != "undetermined" for verdict in found.verdicts)


# --- What cannot be said --------------------------------------------------------------------------


def step_that_asks(question: Callable[[Hall, int], bool]) -> Any:
    @models("none", "none.c")
    def ask(hall: Hall, cpu: int) -> Effect | Blocked:
        """Set the flag to 2 if a question has the answer yes."""
        return Effect(replace(hall, flag=2) if question(hall, cpu) else hall, "Asks.")

    return ask


def enters_and_asks(question: Callable[[Hall, int], bool]) -> Scenario:
    """Callers who enter the hall, take a reference, and ask a question."""
    ask = step_that_asks(question)

    def caller(cpu: int, program: tuple[Line, ...]) -> Thread:
        yield do(cpu, "enter", 0)
        yield do(cpu, "try", 0)
        yield ask(cpu)

    return crowd(2, (), (), function=caller)


QUESTIONS: dict[str, tuple[Callable[[Hall, int], bool], str, int]] = {
    "others": (lambda hall, cpu: len(hall.cpus("hall")) == 3, "beside several callers", 3),
    "more": (lambda hall, cpu: len(hall.cpus("hall")) > 2, "beside several callers", 3),
    "count": (lambda hall, cpu: hall.count > 3, "compares with 3 a count", 3),
    "even": (lambda hall, cpu: hall.count % 4 == 0, "", 3),
    "far": (lambda hall, cpu: len(hall.cpus("hall")) == 6, "beside several callers", 0),
    "written": (lambda hall, cpu: len(f"{hall.count}") > 1, "with a count of", 0),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_step_that_counts_makes_nothing_hold(name: str) -> None:
    question, says, callers = QUESTIONS[name]
    scenario = enters_and_asks(question)
    found = check_any(scenario)
    verdict = found["the flag is not 2"]
    assert not found.complete
    assert (verdict.status, verdict.callers) == (
        ("fails", callers) if callers else ("undetermined", 0)
    )
    assert says in found["counts are sound"].why
    assert not any(verdict.status == "holds" for verdict in found.verdicts)


def test_what_needs_three_callers_is_found_with_three() -> None:
    """Each takes a reference; the thing is idle for the single with two, and not with three."""
    scenario = enters_and_asks(lambda hall, cpu: hall.count > 3)
    assert check_by_orbits(with_callers(scenario, 2))["the flag is not 2"].status == "holds"
    verdict = check_any(scenario)["the flag is not 2"]
    assert (verdict.status, verdict.callers) == ("fails", 3)
    assert replay(with_callers(scenario, 3), verdict.schedule)[-1].machine.flag == 2


ALONE = Rule(
    "nobody sets the flag in company",
    "Who sets the flag is alone in the hall.",
    "step",
    lambda before, step, after: step.args[1] != "set" or len(before.cpus("hall")) < 2,
)


def test_what_the_views_alone_take_for_a_failure_is_undetermined() -> None:
    """Two views of one caller in the hall do not say that they are views of the same one."""
    program = (("alone", 0, 0), ("set", 1, 0), ("leave", 0, 0))
    scenario = crowd(2, program, (("read", 0, 0),), rules=(ALONE,))
    assert check_by_orbits(with_callers(scenario, 4))[ALONE.name].status == "holds"
    found = check_any(scenario)
    assert (found.complete, found[ALONE.name].status) == (True, "undetermined")
    assert f"no schedule of up to {FEW} callers" in found[ALONE.name].why


def test_whose_callers_cannot_be_many() -> None:
    for name, says in (("special", "another with each number"), ("percpu-ref", "is not known")):
        with pytest.raises(ScenarioError, match=says):
            check_any(SCENARIOS[name]())


def test_what_several_answers() -> None:
    several = Several("x", [])
    assert [several > 1, several != 1, bool(several), several <= 0] == [True, True, True, False]
    assert several + 1 > 2
    assert type(several + 3) is Several
    assert f"{several}" == "several"
    for asks in (
        lambda: several == 2,
        lambda: several < 3,
        lambda: {several},
        lambda: several - 2 > 0,
    ):
        with pytest.raises(Asks):
            asks()


def test_any_number_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "seed-race", "--design", "cure", "--callers", "any"]) == 0
    printed = capsys.readouterr().out
    assert "any number of callers, " in printed
    assert "struct page exists          holds for any number of callers" in printed
    assert main(["check", "special", "--callers", "any"]) == 64
    assert "is another with each number of callers" in capsys.readouterr().err


def test_any_number_in_python() -> None:
    found = check(race("v5.11"), rule="no stale mapping", callers="any")
    assert str(found["no stale mapping"]).startswith("fails in 8 steps with 1 caller: unbind: ")
    with pytest.raises(ScenarioError, match="callers must be any, not all"):
        check(race("cure"), callers="all")  # type: ignore[call-overload]


# --- Abstractions that forget something -----------------------------------------------------------


def forgets_the_second_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "holders_after", lambda many, more: [max(0, min(many + more, 1))])


def sees_nobody_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views.Views, "kinds", lambda self, base: {})


def leaves_the_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    right = views.Views.steps

    def wrong(self: views.Views, base: Any, mover: Any, beside: Any = None) -> Any:
        return [(there, moved, beside) for there, moved, _ in right(self, base, mover, beside)]

    monkeypatch.setattr(views.Views, "steps", wrong)


def without_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the comparison that would find these out as well."""
    monkeypatch.setattr(premises, "_looks_unseen", lambda views, base, mover, others: False)


def sees_no_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_last_look(monkeypatch)
    monkeypatch.setattr(looks.Looks, "_part", lambda self, marks, seen: self.marks(frozenset()))


def lets_look_at_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_last_look(monkeypatch)
    monkeypatch.setattr(
        Unseen, "within", lambda self, name: frozenset(cpu for of, cpu in self.pairs if of == name)
    )


def loses_what_a_step_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_last_look(monkeypatch)
    monkeypatch.setattr(looks.Looks, "with_unseen", lambda self, marks, shown, after: after)


def minds_no_change_of_the_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_last_look(monkeypatch)
    monkeypatch.setattr(
        looks, "_changed", lambda own, machine, *around: dict.fromkeys(KINDS, frozenset())
    )


KINDS = frozenset({"in"})  # of marks that callers have in its scene
WAITED_FOR_IN_THE_CELLAR = Rule(
    "who is waited for is not in the cellar",
    "Who sets the flag in the cellar is not waited for.",
    "step",
    lambda before, step, after: (
        step.args[1:2] != ("set",) or step.args[0] not in before.owed & before.cpus("cellar")
    ),
)


MUTANTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Scenario]] = [
    (forgets_the_second_holder, enters_and_asks(lambda hall, cpu: hall.count > 2)),
    (sees_nobody_beside, crowd(2, (("enter", 0, 0), ("drive out", 0, 0)), (("read", 0, 0),))),
    (sees_no_marks, crowd(2, (("enter", 0, 0),), (("drive out", 0, 0),))),
    (lets_look_at_every_name, crowd(2, (("enter", 0, 0),), (("look", 0, 2), ("set", 2, 0)))),
    (
        loses_what_a_step_does_not_see,
        crowd(
            2,
            (("enter", 1, 0), ("enter", 0, 0), ("set", 0, 0)),
            (("begin", 0, 0),),
            rules=(WAITED_FOR_IN_THE_CELLAR,),
        ),
    ),
    (
        minds_no_change_of_the_unseen,
        crowd(2, (("enter", 0, 0), ("leave", 0, 0)), (("clear", 0, 0),), rules=ABOUT_LEAVING),
    ),
    (
        leaves_the_others_as_they_were,
        crowd(
            2,
            (("enter", 0, 0), ("await", 1, 0), ("leave", 0, 0)),
            (("drive out", 0, 0), ("set", 1, 0)),
            rules=(
                Rule(
                    "who waits is in the hall",
                    "Nobody leaves the hall who is not in it.",
                    "step",
                    lambda before, step, after: (
                        step.args[1:2] != ("leave",) or step.args[0] in before.cpus("hall")
                    ),
                ),
            ),
        ),
    ),
]


UNSEEN = {
    "clear": ((("clear", 0, 0),), "fails"),
    "put out": ((("put out", 1, 0), ("set", 1, 0)), "names a CPU, and so tells callers apart"),
    "call in": ((("call in", 57, 0),), "names a CPU, and so tells callers apart"),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_step_that_changes_others_unseen_is_seen(name: str) -> None:
    single, says = UNSEEN[name]
    scenario = crowd(2, (("enter", 0, 0), ("leave", 0, 0)), single, rules=ABOUT_LEAVING)
    try:
        verdict = check_any(scenario)[ABOUT_LEAVING[0].name]
    except CallersDiffer as refusal:
        found = str(refusal)
    else:
        found = verdict.why if verdict.status == "undetermined" else verdict.status
    assert says in found


@pytest.mark.parametrize(("mutant", "scenario"), MUTANTS)
def test_an_abstraction_that_forgets_is_contradicted(
    mutant: Callable[[pytest.MonkeyPatch], None],
    scenario: Scenario,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contradicts(check_any(scenario), scenario)
    mutant(monkeypatch)
    with pytest.raises(AssertionError):
        contradicts(check_any(scenario), scenario)
