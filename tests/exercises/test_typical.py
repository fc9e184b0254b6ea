"""Each exercise of the book, handed in as its cell with a typical wrong answer, is told why not."""

import pytest
from typical import WRONG, Tried, exercises, said_of, tried


def test_each_exercise_has_a_typical_wrong_answer() -> None:
    assert {cell["id"] for _, cell, _ in exercises()} == set(WRONG)


@pytest.mark.parametrize("cell", list(tried()), ids=lambda cell: f"{cell.cell}: {cell.says[:30]}")
def test_a_typical_wrong_answer_is_told_why_not(cell: Tried) -> None:
    said = said_of(cell)
    assert "Right" not in said
    assert cell.says in said
