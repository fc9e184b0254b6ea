"""Models of the race for two other checkers, whose verdicts must be the same.

A slip in gupcore's explorer, in a rule or in a step would have to be in them as well to stay
unseen.  What no such comparison finds is an error in the story that all three tell of the kernel.

    oracles/race.pml  Promela, for Spin: the same actions, so also the same number of states
    oracles/race.hny  Harmony: a finer lookup and less that is remembered, so only the verdicts
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from gupcore import check, race
from gupcore.checker.orbits import check_by_orbits

ORACLES = Path(__file__).parent / "oracles"
HARMONY = Path(sysconfig.get_path("scripts"), "harmony")
EXISTS, LANDS, STALE = "struct page exists", "DMA lands", "no stale mapping"
CLEAN, FINISH = "clean means clean", "everyone can finish"
SPIN_RULES = {EXISTS, LANDS, STALE, CLEAN, FINISH}
HARMONY_RULES = {EXISTS, LANDS, STALE, FINISH}

# Designs that both models know, and those that only the one in Promela knows.
BOTH_KNOW = (
    *("no-check", "v5.11", "v6.1", "device-dax", "cure", "cure-no-drain"),
    *("kill-first-no-serialise", "unmap-first"),
)
SPIN_KNOWS = (
    *("both", "march-2021", "xfs-v6.8", "v6.15", "v5.11-preemptible", "cure-ipi", "cure-on-v6.1"),
    *("cure-no-serialise", "cure-no-wait", "kill-first-ipi"),
    *("v5.11-clean", "v6.1-clean", "cure-clean", "cure-clean-early"),
)
ONE = ((1, "present"), (1, "absent"))
TWO = ((2, "present"), (2, "absent"))
MORE = (*((design, 3) for design in ("no-check", "v5.11", "cure", "cure-no-drain")), ("cure", 4))

# What an assertion of the model in Promela speaks of -> the rule it states.
ASSERTIONS = {
    frozenset({"memmap"}): EXISTS,
    frozenset({"bound"}): LANDS,
    frozenset({"pte", "bound"}): STALE,
    frozenset({"told_clean", "pte"}): CLEAN,
    frozenset({"told_clean"}): CLEAN,
}


class Answer(NamedTuple):
    """What an oracle says: which rules fail, and how many states it has found."""

    failing: set[str]
    states: int


Spin = Callable[..., Answer]  # of a design, callers, pte, access and switches of the model
Harmony = Callable[..., set[str]]  # of a design, callers, pte and constants of the model


def gupcore(design: str, callers: int, pte: str, access: str = "read") -> Answer:
    report = check(race(design, callers=callers, pte=pte, access=access))
    failing = {verdict.rule.name for verdict in report.verdicts if verdict.status == "fails"}
    return Answer(failing & SPIN_RULES, len(report.graph.states))


def lacking(what: str, how: str) -> NoReturn:
    """Without an oracle a reader's run goes on; a run in CI fails."""
    says = f"There is no {what}: {how}."
    if os.environ.get("CI") == "true":
        pytest.fail(says, pytrace=False)
    pytest.skip(says)


def run(
    command: Sequence[str | Path], where: Path, environment: dict[str, str] | None = None
) -> str:
    environment = os.environ | (environment or {})
    done = subprocess.run(
        command, cwd=where, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- Spin -----------------------------------------------------------------------------------------


@pytest.fixture
def spin(tmp_path: Path) -> Spin:
    """Return a function that asks Spin."""
    if not shutil.which("spin") or not shutil.which("cc"):
        lacking("Spin", "install it and a C compiler (Debian and Ubuntu: apt install spin gcc)")

    def ask(design: str, callers: int, pte: str, access: str = "read", **switches: int) -> Answer:
        switches |= {"ABSENT": int(pte == "absent"), "WRITE": int(access == "write")}
        where = tmp_path / f"{design}-{callers}-{access}-{switches}"
        where.mkdir()
        for command in spin_commands(design, callers, False, **switches):
            output = run(command, where)
        return read_spin(output)

    return ask


def spin_commands(
    design: str, callers: int, reduced: bool, **switches: int
) -> list[list[str | Path]]:
    """Return how to make a verifier of the model and, at last, run it.

    reduced  let Spin leave out orders that make no difference: then not all states are met
    """
    chosen = {"DESIGN": re.sub(r"\W", "_", design), "CALLERS": callers, **switches}
    defines = [f"-D{name}={value}" for name, value in chosen.items()]
    how = ["-O0", "-DPRINTF"] if switches.get("SHOWS", 1) else ["-O2", "-DCOLLAPSE"]
    every = [] if reduced else ["-DNOREDUCE"]
    return [
        # Nothing is left out of a state, and no two actions are made one.
        ["spin", "-o1", "-o2", "-o3", "-a", *defines, ORACLES / "race.pml"],
        ["cc", *how, *every, "-w", "-DSAFETY", "-o", "pan", "pan.c"],
        # -c0: go on after an assertion that fails; -w: slots for so many states, as a power of 2.
        ["./pan", "-c0", "-m1000000", f"-w{20 if callers < 4 else 24}"],
    ]


def read_spin(output: str) -> Answer:
    """Return the Answer that the output of a verifier amounts to."""
    assert "max search depth too small" not in output
    failing = {
        ASSERTIONS[frozenset(re.findall("[a-z_]+", text))]
        for text in re.findall(r"assertion violated (.*) \(at depth", output)
    }
    stored = re.search(r"(\d+) states, stored", output)
    assert stored is not None
    if "from " not in output:  # the model was told not to print: nothing says what can be reached
        return Answer(failing, int(stored[1]))
    before = ""
    came_from: defaultdict[str, set[str]] = defaultdict(set)
    for line in output.splitlines():
        if line.startswith("from "):
            before = line.removeprefix("from ")
            came_from[before] |= set()
        elif line.startswith("to "):
            came_from[line.removeprefix("to ")].add(before)
    assert len(came_from) == int(stored[1]), "what was printed is not what was stored"
    can_end = [state for state in came_from if state.startswith("1 ")]
    seen = set(can_end)
    for state in can_end:
        can_end += came_from[state] - seen
        seen |= came_from[state]
    if len(seen) < len(came_from):
        failing.add(FINISH)
    return Answer(failing, int(stored[1]))


@pytest.mark.parametrize("design", BOTH_KNOW + SPIN_KNOWS)
def test_spin_comes_to_the_same_verdicts(spin: Spin, design: str) -> None:
    cases = ONE + TWO if design in BOTH_KNOW else ONE
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda case: spin(design, *case), cases)
        for case, answer in zip(cases, answers, strict=True):
            assert answer.failing == gupcore(design, *case).failing, (design, case)


@pytest.mark.parametrize("design", ["v5.11", "v5.11-clean", "xfs-v6.8"])
def test_spin_comes_to_the_same_verdicts_when_the_io_writes(spin: Spin, design: str) -> None:
    answer = spin(design, 1, "absent", "write")
    assert answer.failing == gupcore(design, 1, "absent", "write").failing


@pytest.mark.parametrize("design", ["v5.11", "cure"])
@pytest.mark.parametrize(("callers", "pte"), ONE + TWO)
def test_spin_finds_as_many_states(spin: Spin, design: str, callers: int, pte: str) -> None:
    """If only this fails, a thread of gupcore has a step more or less, or keeps a value in a local
    variable for longer or shorter: find out which, and say it in the model in Promela too."""
    assert spin(design, callers, pte).states == gupcore(design, callers, pte).states


@pytest.mark.parametrize(("design", "callers"), MORE)
def test_spin_agrees_on_more_callers_with_the_search_of_orbits(
    spin: Spin, design: str, callers: int
) -> None:
    """Spin knows nothing of symmetry: it counts the states that the orbits stand for."""
    answer = spin(design, callers, "present", SHOWS=int(callers < 4))
    here = check_by_orbits(race(design, callers=callers))
    failing = {verdict.rule.name for verdict in here.verdicts if verdict.status == "fails"}
    assert answer.failing == failing & (SPIN_RULES if callers < 4 else SPIN_RULES - {FINISH})
    if design in {"v5.11", "cure"}:  # the others' models remember more or less, see above
        assert here.states == answer.states


@pytest.mark.parametrize("design", ["v5.11", "v6.1", "both"])
def test_spin_finds_nothing_new_when_the_lookup_is_taken_apart(spin: Spin, design: str) -> None:
    """get_dev_pagemap() is one step in gupcore and two accesses in the kernel."""
    finer = spin(design, 2, "absent", TWO_STEPS=1)
    here = gupcore(design, 2, "absent")
    assert finer.failing == here.failing
    assert finer.states > here.states


def test_spin_can_disagree_on_a_verdict(spin: Spin) -> None:
    here = gupcore("v5.11", 1, "present")
    assert EXISTS not in here.failing
    assert spin("v5.11", 1, "present", CHECK=0).failing == here.failing | {EXISTS}


def test_spin_can_disagree_on_the_number_of_states(spin: Spin) -> None:
    broken = spin("cure", 1, "present", SECOND_LOOK=0)
    assert broken.states != gupcore("cure", 1, "present").states


# --- Harmony --------------------------------------------------------------------------------------


@pytest.fixture
def harmony(tmp_path: Path) -> Harmony:
    """Return a function that asks Harmony which rules fail."""
    if not HARMONY.exists():
        lacking("Harmony", "install it with make oracles, which needs a C compiler")

    def ask(design: str, callers: int, pte: str, **switches: bool) -> set[str]:
        """Look for a broken rule; where there is none Harmony says whether everyone can finish."""
        failing, finish = set(), None
        for rule in (EXISTS, LANDS, STALE, FINISH):
            if rule == FINISH and finish is not None:
                continue
            chosen = {"DESIGN": design, "RULE": rule, "CALLERS": callers, "ABSENT": pte == "absent"}
            issue = search(chosen | switches)
            if issue == "Safety violation":
                failing.add(rule)
            else:
                finish = issue
        assert finish in ("No issues", "Non-terminating state")
        return failing | ({FINISH} if finish == "Non-terminating state" else set())

    def search(constants: dict[str, object]) -> str:
        where = tmp_path / "-".join(map(str, constants.values()))
        where.mkdir()
        run(harmony_command(constants), where, {"XDG_CONFIG_HOME": str(where)})
        issue: str = json.loads((where / "race.hco").read_text())["issue"]
        return issue

    return ask


def harmony_command(constants: dict[str, object]) -> list[str | Path]:
    given = [f"-c{name}={as_harmony(value)}" for name, value in constants.items()]
    kept = [f"-orace.{kind}" for kind in ("hvm", "hco", "hfa")]
    # -W: a thread that goes round while it waits for another one is no error.
    # --quick: no account of the run for people.
    flags = ["-W", "-R", "-U", "-w1", "-s", "--noweb", "--quick"]
    return [sys.executable, HARMONY, *flags, *given, *kept, ORACLES / "race.hny"]


def as_harmony(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else str(value)


@pytest.mark.parametrize("design", BOTH_KNOW)
def test_harmony_comes_to_the_same_verdicts(harmony: Harmony, design: str) -> None:
    cases = [*ONE, TWO[-1]]
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda case: harmony(design, *case), cases)
        for case, failing in zip(cases, answers, strict=True):
            assert failing == gupcore(design, *case).failing & HARMONY_RULES, (design, case)


def test_harmony_can_disagree_on_a_verdict(harmony: Harmony) -> None:
    here = gupcore("v5.11", 1, "present").failing
    assert harmony("v5.11", 1, "present", DROP_CHECK=True) == here | {EXISTS}
