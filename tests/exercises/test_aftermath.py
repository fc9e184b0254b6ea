"""The aftermath: its prediction is judged, and its figure says what it shows."""

import pytest
from chapter import assert_wrong

from gupcore import race
from gupcore.exercises import Answer, judge_prediction
from gupcore.figures.history import history
from gupcore.table import row

VERDICTS = {
    "struct page exists": "fails",
    "DMA lands": "fails",
    "tables exist": "holds",
    "no stale mapping": "fails",
}


def predicted(answers: dict[str, str]) -> Answer:
    return judge_prediction(answers, race("xfs-v6.8", pte="absent"), of=VERDICTS)


def test_the_row_is_read() -> None:
    assert predicted(VERDICTS).right


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("struct page exists", "holds"),
        ("DMA lands", "holds"),
        ("tables exist", "fails"),
        ("no stale mapping", "holds"),
        ("no stale mapping", "livelock"),
    ],
)
def test_the_row_is_misread(rule: str, word: str) -> None:
    says = f"3 of 4 are right: you predicted {word} for {rule}, which "
    assert_wrong(predicted({**VERDICTS, rule: word}), says)


def test_a_history_says_what_it_shows() -> None:
    events = [(2016.0, "a beginning", None), (2021.1, "a kernel", row("seed-race", "v5.11"))]
    said = repr(history(events))
    assert said.startswith("A line of years. 2016, a beginning. 2021, a kernel: ")
    assert said.endswith("no stale mapping, everyone can finish fail.")
    with pytest.raises(ValueError, match="an event with verdicts"):
        history(events[:1])
