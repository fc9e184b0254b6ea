"""Refusals: one sentence, wherever a reader meets it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from IPython.core import interactiveshell
from traitlets.config import Config

from gupcore import DESIGNS, RULES, SCENARIOS, check, race
from gupcore.checker.asked import Names, ScenarioError, UnknownName

NAMED: dict[str, Mapping[str, Any]] = {"design": DESIGNS, "rule": RULES, "scenario": SCENARIOS}
ASKS: dict[str, Callable[[str], object]] = {
    "design": race,
    "rule": lambda name: check(race(), rule=name),
    "scenario": lambda name: SCENARIOS[name],
}


@pytest.mark.parametrize("kind", NAMED)
def test_an_unknown_name_is_answered_with_those_that_there_are(kind: str) -> None:
    known = ", ".join(NAMED[kind])
    for ask in (NAMED[kind].__getitem__, ASKS[kind]):
        with pytest.raises(UnknownName) as refused:
            ask("v4")
        assert str(refused.value) == f"There is no {kind} 'v4'; choose {known}."
        assert isinstance(refused.value, KeyError)
        assert isinstance(refused.value, ScenarioError)
    assert "v4" not in NAMED[kind]
    assert NAMED[kind].get("v4") is None


def test_names_are_what_they_were_given() -> None:
    names = Names("letter", [("a", 1), ("b", 2)])
    assert dict(names) == {"a": 1, "b": 2}
    assert names["b"] == 2


SHELL: Any = interactiveshell.InteractiveShell  # untyped
ASKED_WRONGLY = {
    "UnknownName": "import gupcore\ngupcore.DESIGNS['v4']",
    "ScenarioError": "import gupcore\ngupcore.race(callers=0)",
    "ScheduleError": "import gupcore\nlist(gupcore.replay(gupcore.race(), '9'))",
    "ThreadError": (
        "import random\n"
        "from gupcore import check, race\n"
        "def thread(cpu):\n    yield random.random()\n"
        "from dataclasses import replace\n"
        "from gupcore.checker.thread import Automaton\n"
        "check(replace(race(), threads=(Automaton('t', thread, (1,)),)))"
    ),
}


@pytest.mark.parametrize("kind", ASKED_WRONGLY)
def test_a_notebook_shows_the_sentence_and_no_way_through_the_package(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shown: list[str] = []
    shell = SHELL(config=Config({"HistoryManager": {"enabled": False}}))
    monkeypatch.setattr(shell, "_showtraceback", lambda _, __, lines: shown.extend(lines))
    shell.run_cell(ASKED_WRONGLY[kind])
    assert len(shown) == 1, shown
    assert shown[0].startswith(f"{kind}: ")
    assert shown[0].endswith(".")
    shell.run_cell("undefined")
    assert len(shown) > 2, "any other error is shown as ever"
