"""For teachers: the example is run as it is printed, and the schedules do what is said of them."""

import re
from pathlib import Path

import pytest

from gupcore.__main__ import main

PAGE = (Path(__file__).parents[2] / "book" / "for_teachers.md").read_text()
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_prints_what_the_page_says(capsys):
    assert [kind for kind, _ in BLOCKS] == ["python"] * 4 + ["text"]
    names = {"__name__": "example"}
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "for_teachers.md", "exec"), names)
        else:
            assert capsys.readouterr().out == text


OOPS = "Touches the struct page, which is gone: oops."
SAYS = (
    (OOPS, 1),
    (OOPS, 1),
    ("Looks at the PTE that faulted: pfn 0x20000", 3),
    ("the write to unbind returns, and a PTE still points at the device.", 1),
    (OOPS, 1),
)
LINES = re.findall(r"`python -m gupcore (replay .*?)`", PAGE)


@pytest.mark.parametrize(("line", "shown"), list(zip(LINES, SAYS, strict=True)))
def test_what_you_will_hear_is_shown_wrong(line, shown, capsys):
    says, times = shown
    main(line.split())
    assert capsys.readouterr().out.count(says) == times
