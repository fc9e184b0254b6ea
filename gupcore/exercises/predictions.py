"""Predict the verdict: a reader's prediction is held against what the checker finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..checker.asked import ScenarioError, one_of
from ..checker.explore import STATE_LIMIT
from ..checker.scenario import Scenario
from ..checker.verdict import FAILS, HOLDS, UNDETERMINED, check
from ..kernel.device import named_design
from .answer import Answer, answers, in_words, not_judged

LIVELOCK = "livelock"
PREDICTIONS = (HOLDS, FAILS, LIVELOCK)


@answers('a prediction: a dict with "holds", "fails" or "livelock" for each name it asks for')
def judge_prediction(
    predicted: Any,
    /,
    scenario: Scenario,
    of: Iterable[str] | None = None,
    rule: str | None = None,
    limit: int = STATE_LIMIT,
) -> Answer:
    """Judge a prediction of verdicts, on several rules or under several designs.

    predicted  the reader's: {rule: prediction}; with `rule` {design: prediction}; a prediction is
               "holds", "fails" or "livelock", which is one way to fail
    scenario   what is predicted; with `rule` it is tried under each of the designs
    of         the rules, or designs, to be predicted, all of them; if None, the scenario's rules
    rule       the name of the rule that the designs are judged by
    limit      the number of states at which a search gives up
    """
    whole = check(scenario, limit=limit)
    asked = [v.rule.name for v in whole.verdicts] if of is None else list(of)
    if not isinstance(predicted, Mapping):
        raise ScenarioError(f"A prediction is a dict with a word for each of {one_of(asked)}.")
    for name, word in predicted.items():
        if name not in asked:
            raise ScenarioError(f"{name!r} is not asked for; predict {one_of(asked)}.")
        if word not in PREDICTIONS:
            words = one_of(PREDICTIONS)
            raise ScenarioError(f"{name} is predicted as {word!r}; choose one of {words}.")
    missing = [name for name in asked if name not in predicted]
    if missing:
        raise ScenarioError(f"The prediction says nothing of {one_of(missing)}.")
    wrong = []
    for name in asked:
        report = whole
        if rule is not None:
            report = check(scenario.again(design=named_design(name)), limit=limit)
        verdict = report[rule or name]
        if verdict.status == UNDETERMINED:
            return not_judged(report)
        if predicted[name] not in (verdict.status, LIVELOCK if verdict.loop else ""):
            wrong.append((name, verdict, report))
    if not wrong:
        return Answer(True, f"Right, in all {len(asked)}." if len(asked) > 1 else "Right.")
    name, verdict, report = wrong[0]
    score = "No"
    if len(asked) > 1:
        right = len(asked) - len(wrong)
        score = f"{right} of {len(asked)} {'is' if right == 1 else 'are'} right"
    said = f"{score}: you predicted {predicted[name]} for {name}, which {in_words(verdict)}"
    end = "" if said.endswith(".") else "."
    shown = report if verdict.status == FAILS else None
    return Answer(False, said + end, shown, verdict.schedule)
