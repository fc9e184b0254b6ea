"""For teachers: the example is run as it is printed, and the schedules do what is said of them."""

import re
from pathlib import Path
from runpy import run_path

import pytest
from chapter import defined_in

from gupcore import SCENARIOS, check, race
from gupcore.__main__ import main

PAGE = (Path(__file__).parents[2] / "book" / "for_teachers.md").read_text()
BLOCKS = re.findall(r"```(python|text)\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_prints_what_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gupcore.checker.maker.SCENARIOS", scenarios := dict(SCENARIOS))
    assert [kind for kind, _ in BLOCKS] == ["python"] * 4 + ["text"]
    example = tmp_path / "example.py"  # a thread's source must be in a file
    example.write_text("\n\n".join(text for kind, text in BLOCKS if kind == "python"))
    run_path(str(example))
    assert capsys.readouterr().out == BLOCKS[-1][1]
    for pte, verdict in (("present", "fails in 10 steps"), ("absent", "fails in 27 steps")):
        scene = scenarios["second-try"]("no-check", pte=pte)
        assert check(scene, "struct page exists").verdicts[0].in_short() == verdict
    assert check(race("no-check", pte="absent"), "struct page exists").status == "holds"


def test_a_wrong_order_of_the_cards_can_be_played() -> None:
    (line,) = re.findall(r"`(Player\(.*?\))`", PAGE.partition("plays a wrong one")[2])[:1]
    player = eval(line, defined_in(11, "ordered"))
    (design,) = player.board["designs"]
    assert design["name"] == "refuse unmap drain serialise kill wait"
    verdicts = [player.board["verdicts"][number] for number in design["verdicts"]]
    assert "fails" in [verdict[0] for verdict in verdicts]


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
def test_what_you_will_hear_is_shown_wrong(
    line: str, shown: tuple[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    says, times = shown
    main(line.split())
    assert capsys.readouterr().out.count(says) == times
