"""The reference count taken apart: nothing is lost, however late a tryget succeeds."""

import pytest

from gupcore import SCENARIOS, check, replay
from gupcore.checker import paths

percpu_ref = SCENARIOS["percpu-ref"]


@pytest.mark.parametrize("callers", [1, 2, 3])
def test_no_reference_is_lost(callers: int) -> None:
    assert check(percpu_ref(callers=callers)).status == "holds"


@pytest.mark.parametrize("callers", [1, 2])
def test_without_the_grace_period_one_is(callers: int) -> None:
    report = check(percpu_ref(callers=callers, wait=False))
    verdict = report["no reference is lost"]
    assert verdict.status == "fails"
    last = report.replay(verdict.schedule)[-1]
    assert last.machine.released
    assert last.machine.held > 0


def test_a_late_tryget_succeeds_and_is_counted() -> None:
    # CPU 0 looks at the flags; the ref is killed; CPU 0 counts; the sum must wait for it.
    moments = replay(percpu_ref(callers=1), "11" + "22" + "1")
    after = moments[-1].machine
    assert after.dead
    assert after.local == (1,)
    assert after.owed == {0}
    assert check(percpu_ref(callers=1)).replay("1122" + "11" + "2")[-1].machine.atomic == 1


def test_the_count_does_not_reach_zero_before_the_sum() -> None:
    graph = check(percpu_ref(callers=2)).graph
    assert all(machine.summed for machine in graph.machines if machine.released)
    assert any(machine.held > 1 and machine.dead for machine in graph.machines)


@pytest.mark.parametrize("callers", [1, 2])
def test_one_step_for_tryget_loses_nothing(callers: int) -> None:
    """Whether a tryget succeeds is settled when it looks at the flags: as if it happened then."""
    graph = check(percpu_ref(callers=callers)).graph
    settled = set()
    for state in graph.states:
        move = graph.move(state, 0)
        if move is None or move.step.action.name != "read_percpu_count_ptr":
            continue
        if len(graph.threads[0].nodes[graph.node(state, 0)].places) > 1:
            continue  # the flags that the put looks at
        assert isinstance(move.effect.result, tuple)
        _, dead = move.effect.result
        ends = {
            graph.threads[0].nodes[graph.node(after, 0)].result
            for after in paths.reach(graph, state + move.delta)
            if graph.ended(after, 0)
        }
        assert ends == {"refused" if dead else "used"}
        settled |= ends
    assert settled == {"refused", "used"}
