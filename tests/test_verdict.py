"""Verdicts, replay and schedules."""

import dataclasses
import re
from typing import Any

import pytest

from gupcore import DESIGNS, ScenarioError, ScheduleError, check, race, replay
from gupcore.checker.rule import Rule
from gupcore.kernel.rules import RULES


@pytest.mark.parametrize("design", DESIGNS)
def test_a_counterexample_can_be_replayed_and_breaks_its_rule(design: str) -> None:
    report = check(race(design, callers=2))
    for verdict in report.verdicts:
        if verdict.status == "fails" and verdict.rule.on == "step":
            moments = report.replay(verdict.schedule)
            assert verdict.rule.name in moments[-1].breaks
            assert all(verdict.rule.name not in moment.breaks for moment in moments[:-1])
            assert moments[-1].said[1:] in verdict.why


@pytest.mark.parametrize("design", ["no-check", "v5.11", "v6.1", "cure"])
def test_every_edge_of_the_graph_is_what_replay_shows(design: str) -> None:
    report = check(race(design))
    graph = report.graph
    ways = {graph.states[0]: ""}
    for state in graph.states:
        for thread in range(len(graph.threads)):
            digit, move = str(thread + 1), graph.move(state, thread)
            if move is None:
                with pytest.raises(ScheduleError):
                    report.replay(ways[state] + digit)
                continue
            last = report.replay(ways[state] + digit)[-1]
            node = graph.threads[thread].nodes[graph.node(state, thread)]
            assert last.machine == graph.machine(state + move.delta)
            assert (last.said, last.source) == (move.effect.said, move.step.action.source)
            assert last.places == node.places
            ways.setdefault(state + move.delta, ways[state] + digit)


def test_a_replay_says_what_changed() -> None:
    moment = replay(race("v5.11"), "11111")[-1]
    assert moment.places[-1].function == "gup_pte_range"
    assert moment.changes == ("struct page: refcount 1 -> refcount 2",)


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("13", "Step 2: '3' is no thread; the threads are 1 (direct I/O), 2 (unbind)."),
        ("1x", "Step 2: 'x' is no thread"),
        ("1²", "Step 2: '²' is no thread"),
        (
            "122222",
            "Step 6: thread 2 (unbind) cannot step. Waits for the kill's grace period; still",
        ),
        ("22222222" + "2", "Step 9: thread 2 (unbind) has ended and cannot step."),
    ],
)
def test_a_schedule_that_cannot_be_taken(schedule: str, says: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        replay(race("v5.11"), schedule)
    assert str(refused.value).startswith(says)


def test_nothing_runs_after_an_oops() -> None:
    with pytest.raises(ScheduleError, match=r"Step 11: .* The kernel has oopsed"):
        replay(race("no-check"), "22222211111")


def test_spaces_in_a_schedule_are_for_the_reader() -> None:
    assert replay(race("v5.11"), "22 11") == replay(race("v5.11"), "2211")


def test_a_number_is_no_schedule() -> None:
    with pytest.raises(ScheduleError, match='A schedule is text, such as "2211", not 2211'):
        replay(race("v5.11"), 2211)  # type: ignore[arg-type]


def test_what_is_no_scenario() -> None:
    with pytest.raises(ScenarioError, match="What is checked is a scenario"):
        check("seed-race")  # type: ignore[call-overload]
    with pytest.raises(ScenarioError, match="None is no design; choose no-check"):
        race(None)
    with pytest.raises(ScenarioError, match="callers must be a whole number, not the str '2'"):
        race(callers="2")


def test_the_empty_schedule() -> None:
    assert replay(race("v5.11"), "") == []


def test_a_report_prints_as_a_table() -> None:
    lines = str(check(race("cure"))).splitlines()
    assert lines[0] == "struct page exists          holds in every schedule"
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (
            RULES,
            "'struct page exists' is none of the rules; each is a Rule; of RULES, hand in",
        ),
        (
            (Rule("no late I/O", "", "steps"),),
            "must be step or return or end or finish, not steps.",
        ),
    ],
)
def test_rules_that_are_none(rules: Any, says: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(says)):
        check(dataclasses.replace(race(), rules=rules))


def test_a_rule_is_asked_for_by_name_or_by_itself() -> None:
    rule = RULES["struct page exists"]
    assert check(race(), rule).verdicts == check(race(), rule.name).verdicts
    with pytest.raises(ScenarioError, match="There is no rule 'no late I/O'; choose"):
        check(race(), Rule("no late I/O", "", "step"))
