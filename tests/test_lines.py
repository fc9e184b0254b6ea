"""The reading map: every step and test of a function has its line, and the line is what it says."""

import ast
import inspect
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from gupcore import check, race
from gupcore.checker.spots import Spot, whence
from gupcore.kernel import gup, huge, pte
from gupcore.kernel.copy import NoCopy, placed, reading, tree, version_of
from gupcore.kernel.design import Design
from gupcore.kernel.device import PHASES
from gupcore.kernel.lines import READING, V5_11, V6_1, Lines, marks_of
from gupcore.kernel.map import ACTIONS
from gupcore.kernel.unmap import flush_tlb
from gupcore.player.data import board

STEPS = {action.name for action in ACTIONS}
TESTS = {"pte_protnone", "pte_access_permitted", "pte_devmap", "pte_special", "FOLL_LONGTERM"}
BY_MODEL = {(lines.version, of): lines for lines in READING for of in (lines.model, lines.too)}
NO_KERNEL = {"get_page"}  # only where a protection is taken away


def used(function: object) -> set[str]:
    """Name the steps, the functions of steps and the tests that a function of the model uses."""
    tree = ast.parse(inspect.getsource(function))  # type: ignore[arg-type]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names & (STEPS | TESTS | {"get_dev_pagemap", "put_pages"}) - NO_KERNEL


WALKERS = (gup.gup_pte_range, gup.follow_page_pte, gup.get_dev_pagemap)


@pytest.mark.parametrize(
    ("version", "function"),
    [
        *((V5_11, function) for function in WALKERS),
        *((V6_1, function) for function in (huge.gup_pte, huge.try_get_compound_head)),
        *((V6_1, function) for function in WALKERS[1:]),
    ],
)
def test_every_step_and_test_has_its_line(version: str, function: object) -> None:
    lines = BY_MODEL[version, function.__name__]  # type: ignore[attr-defined]
    assert {mark.model for mark in lines.marks} >= used(function)


@pytest.mark.parametrize("lines", READING, ids=lambda lines: f"{lines.function}-{lines.version}")
def test_marks_lie_within_and_name_what_there_is(lines: Lines) -> None:
    numbers = [mark.line for mark in lines.marks]
    assert numbers == sorted(set(numbers))
    assert lines.first < numbers[0] <= numbers[-1] < lines.last
    known = STEPS | set(PHASES) | {flush_tlb.__name__}
    known |= {name for module in (gup, huge, pte) for name in vars(module)}
    assert {mark.model for mark in lines.marks} <= known
    assert lines.link(numbers[0]).endswith(f"/{lines.file}?h={lines.version}#n{numbers[0]}")


def test_a_step_finds_its_lines() -> None:
    found = [(lines.function, mark.line) for lines, mark in marks_of("try_grab_compound_head")]
    assert found == [
        ("gup_pte_range", 2034),
        ("gup_pte_range", 2484),
        *(("try_grab_folio", line) for line in (128, 152)),
    ]


def test_the_map_asks_no_design() -> None:
    assert not {mark.model for lines in READING for mark in lines.marks} & set(Design.__slots__)


# --- A reader's own copy: one made up, with the names of the map and not a line of the kernel -----


def made_up(folder: Path, map_of_it: Iterable[Lines], down: int = 0) -> Path:
    """Write a tree in which every function of a map stands `down` lines further down."""
    numbers = V6_1.removeprefix("v").split(".")
    words = zip(("VERSION", "PATCHLEVEL", "SUBLEVEL"), numbers, strict=True)
    (folder / "Makefile").write_text("".join(f"{word} = {n}\n" for word, n in words))
    texts: dict[str, list[str]] = {}
    for lines in map_of_it:
        text = texts.setdefault(lines.file, [""] * 3000)
        text[lines.first + down - 1] = f"int {lines.function}(void)"
        for mark in lines.marks:
            text[mark.line + down - 1] = f"\t{mark.shows} <&>"
        text[lines.last + down - 1] = "}"
    for file, text in texts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("\n".join(text))
    return folder


@pytest.mark.parametrize("down", [0, 7])
def test_a_function_is_found_where_it_stands(tmp_path: Path, down: int) -> None:
    of_6_1 = reading(V6_1)
    folder = made_up(tmp_path, of_6_1, down)
    assert version_of(folder) == V6_1
    for lines in of_6_1:
        moved, text = placed(lines, folder)
        assert moved.first == lines.first + down
        for mark, old in zip(moved.marks, lines.marks, strict=True):
            assert mark.line == old.line + down
            assert mark.shows in text[mark.line - 1]


@pytest.mark.parametrize("spoils", ["a mark", "the end", "the head", "the file"])
def test_a_function_that_is_another_is_not_taken_for_it(tmp_path: Path, spoils: str) -> None:
    lines = reading(V6_1)[0]
    folder = made_up(tmp_path, [lines])
    path = folder / lines.file
    text = path.read_text().splitlines()
    line = {"a mark": lines.marks[3].line, "the end": lines.last, "the head": lines.first}
    if spoils == "the file":
        path.unlink()
    else:
        text[line[spoils] - 1] = ""
        path.write_text("\n".join(text))
    with pytest.raises(NoCopy, match=r"There is no|is not what the map has of v6\.1\.192"):
        placed(lines, folder)


def test_a_folder_that_is_no_tree_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERNEL_SOURCE", str(tmp_path))
    with pytest.raises(NoCopy, match=r"no source of the kernel in .*make kernel-source"):
        tree()
    (tmp_path / "Makefile").write_text("VERSION = 5\nPATCHLEVEL = 11\nSUBLEVEL = 0\n")
    assert version_of(tree()) == V5_11
    assert reading(V5_11) != reading(V6_1)
    assert reading("v6.12.1") == ()


# --- The player's lanes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("functions", "step", "spot"),
    [
        (("gup_fast", "gup_pmd_range", "gup_pte_range"), "try_grab_compound_head", (V5_11, 2034)),
        (("gup_pte_range", "put_pages"), "put_page", (V5_11, 2025)),
        (("gup_pte_range",), "put_page", (V5_11, 2039)),
        (("gup_pte_range", "get_dev_pagemap"), "lookup_and_tryget_live", (V5_11, 470)),
        (("gup_fast_by_pmd", "gup_pte"), "pmd_reread", (V6_1, 2493)),
        (("unbind", "arch_remove_memory"), "remove_struct_pages", (V5_11, 143)),
        (("unbind", "drop_pages_in_bulk"), "percpu_ref_put_many", (V6_1, 144)),
        (("munmap", "zap"), "zap_ptes", (V5_11, 1206)),
    ],
)
def test_a_step_is_tied_to_the_line_that_calls_it(
    functions: tuple[str, ...], step: str, spot: tuple[str, int]
) -> None:
    (action,) = (action for action in ACTIONS if action.name == step)
    version, line = spot
    found = whence(action, functions)
    assert re.fullmatch(rf"{action.source.function}\(\), \S+:{line}, {version}", found.words)
    assert found.address.endswith(f"?h={version}#n{line}")


def test_what_is_on_no_map_keeps_its_file() -> None:
    (action,) = (action for action in ACTIONS if action.name == "put_page")
    assert whence(action, ("elsewhere",)) == (str(action.source), action.source.address)


def test_the_lanes_lines_are_those_of_the_map() -> None:
    on_the_map = {lines.spot(mark.line) for lines in READING for mark in lines.marks}
    on_the_map |= {lines.spot() for lines in READING}
    reports = [check(race(design)) for design in ("v5.11", "v6.1")]
    data = board([*reports])
    shown = [(data["text"][number], address) for number, address in data["addresses"]]
    tied = [(words, address) for words, address in shown if re.search(r":\d+, v", words)]
    assert {Spot(words.split("(), ")[1], address) for words, address in tied} <= on_the_map
    assert len(tied) == 15
    assert {number for number, _ in data["addresses"]} >= {
        node[0] for node in data["nodes"] if ", v" in data["text"][node[0]]
    }
