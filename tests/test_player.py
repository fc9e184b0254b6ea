"""The data the player is handed, and the list for readers without JavaScript."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints
from unittest.mock import patch

import pytest

from gupcore import DESIGNS, SCENARIOS, Design, Report, Scenario, ScheduleError, check, race, replay
from gupcore.checker.maker import scenario
from gupcore.checker.rule import FAILS, FINISH, HOLDS, UNDETERMINED
from gupcore.checker.scenario import Variant
from gupcore.checker.step import Blocked, Effect, Thread, models
from gupcore.checker.thread import Automaton
from gupcore.kernel import gup as model
from gupcore.player import PANELS, USUAL, Player
from gupcore.player.data import MANY, board
from gupcore.player.format import BLOCKED, VERSION, Board, BoardDesign
from gupcore.player.module import ORDER, PAGE, module
from gupcore.player.progress import NotebookProgress
from gupcore.player.prompts import BREAKS, GOES_ON, OOPS, WAITS, WORDS, Prompt


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [check(race(design)) for design in ("no-check", "v5.11", "cure")]


def rows(board: Board, design: BoardDesign) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Return a design's moves as rows, which the board keeps as columns of differences."""
    so_far, found = [0, 0, 0], []
    for row in zip(*board["moves"], strict=True):
        so_far = [old + more for old, more in zip(so_far, row, strict=False)]
        _, machine, node = so_far
        found.append((*so_far, machine + row[3], node + row[4], *row[5:]))
    mine, end = [], 0
    for skipped, follow in zip(design["moves"][::2], design["moves"][1::2], strict=True):
        mine += found[end + skipped : end + skipped + follow]
        end += skipped + follow
    return {row[:3]: row[3:] for row in mine}


def test_the_board_holds_the_graph(reports: list[Report]) -> None:
    """Every state is walked to by the rows alone, and is what the graph has there."""
    data = board(reports)
    assert data["version"] == VERSION
    assert [design["name"] for design in data["designs"]] == ["no-check", "v5.11", "cure"]
    for design, report in zip(data["designs"], reports, strict=True):
        graph, table = report.graph, rows(data, design)
        assert design["states"] == len(graph.states)
        found = {graph.states[0]: tuple(design["start"])}
        for state in graph.states:
            machine, *nodes = found[state]
            assert things(data, machine) == list(graph.machine(state).things())
            for thread, node in enumerate(nodes):
                move, row = graph.move(state, thread), table.get((thread, machine, node))
                if move is None:
                    blocked = graph.blocked(state, thread)
                    assert (row and data["text"][row[2]]) == (blocked and blocked.why)
                    continue
                assert row is not None
                after = [row[0], *nodes]
                after[thread + 1] = row[1]
                assert found.setdefault(state + move.delta, tuple(after)) == tuple(after)
                assert data["text"][row[2]] == move.effect.said
                assert data["breaks"][row[3]] == report.broken_by(move)
        assert len(set(found.values())) == len(graph.states)


def things(board: Board, machine: int) -> list[tuple[Any, ...]]:
    shown, _, *values = board["machines"][machine]
    return [
        (
            name,
            kind,
            bool(exists),
            *(board["text"][n] for n in words[:1]),
            tuple(board["text"][n] for n in words[1:]),
        )
        for (name, kind), (exists, *words) in zip(
            board["things"][shown], (board["values"][n] for n in values), strict=True
        )
    ]


def places(board: Board, number: int) -> list[tuple[str, int, str | None]]:
    """Return the lines a node stands on, as (function, line number, text)."""
    _, _, _, *rest = board["nodes"][number]
    found = []
    for function, line in zip(rest[::2], rest[1::2], strict=True):
        name, first, lines = board["code"][function]
        found.append((name, line, lines[line - first]))
    return found


def test_every_line_is_in_the_code_that_is_shipped(reports: list[Report]) -> None:
    data = board(reports)
    for number, node in enumerate(data["nodes"]):
        assert len(node) == 1 or all("yield" in (text or "") for _, _, text in places(data, number))


def test_a_docstring_is_not_shipped(reports: list[Report]) -> None:
    for name, first, lines in board(reports)["code"]:
        assert lines[0] is not None
        assert lines[0].startswith("def "), name
        assert not any('"""' in line for line in lines if line is not None), (name, first)
        assert None in lines, name


def test_two_functions_of_one_name_keep_their_own_source() -> None:
    def gup_fast(cpu: int, address: int, pages: int, flags: int, design: Design) -> Thread:
        pfn = yield from model.gup_fast(cpu, address, pages, flags, design)
        return pfn

    data = board([check(race("v5.11", gup_fast=gup_fast))])
    standing = places(data, data["designs"][0]["start"][1])
    lines = [(text or "").strip() for _, _, text in standing]
    assert lines[2:4] == [
        "pfn = yield from model.gup_fast(cpu, address, pages, flags, design)",
        "yield local_irq_save(cpu)",
    ]


def test_designs_share_what_they_have_in_common(reports: list[Report]) -> None:
    alone = [len(board([report])["moves"][0]) for report in reports]
    together = board(reports)
    assert len(together["moves"][0]) < sum(alone)
    assert [len(rows(together, design)) for design in together["designs"]] == alone


def test_a_search_that_was_cut_off_can_be_shown() -> None:
    report = check(race("v5.11"), limit=20)
    data = board([report])
    (design,) = data["designs"]
    assert not design["complete"]
    assert design["outcomes"] is None
    assert design["stuck"] == []
    assert all(row[0] < len(data["machines"]) for row in rows(data, design).values())


def test_outcomes_and_stuck_states_are_the_checkers(reports: list[Report]) -> None:
    data = board(reports)
    for design, report in zip(data["designs"], reports, strict=True):
        shown = design["outcomes"] or []
        found = [(*data["outcomes"][n], count) for n, count, _ in shown]
        assert found == [
            (o.in_short(), o.schedule, o.loop, f"{o.count:,}") for o in report.outcomes()
        ]
        assert sum(share for _, _, share in shown) == pytest.approx(1, abs=0.001)
        assert design["stuck"] == report.stuck()
    assert data["designs"][1]["stuck"]


def test_an_end_that_breaks_a_rule_is_marked() -> None:
    report = check(SCENARIOS["rebind"]("v6.1"))
    data = board([report])
    assert report["counts balance"].status == "fails"
    last = report.graph.machine(report.walk(report["counts balance"].schedule))
    marked = dict(data["uneven"])
    found = [rules for n, rules in marked.items() if things(data, n) == list(last.things())]
    assert ["counts balance"] in found


def test_the_html_carries_the_data_and_a_list(reports: list[Report]) -> None:
    page = Player(*reports).to_html()
    found = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert found
    script = found[1]
    data = {"board": board(reports), "design": "no-check", "prompts": [], "opens": []}
    assert json.loads(script) == json.loads(json.dumps(data))
    assert page.count("<li>") == len(reports[0]["struct page exists"].schedule)
    assert "<" not in script

    opened: list[str] = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Balanced().feed(page)
    assert opened == []


def test_what_a_notebook_keeps_is_always_the_same(reports: list[Report]) -> None:
    first, second = Player(*reports), Player(*reports)
    assert first.to_html() == second.to_html()
    assert repr(first) == "Player(no-check, v5.11, cure)"


def test_a_design_that_holds_says_so_in_words_and_another_is_listed(reports: list[Report]) -> None:
    page = Player(*reports, design="cure").to_html()
    assert "Design cure: every rule holds in every schedule" in page
    assert "Design no-check. The shortest schedule that breaks" in page
    assert "<ol>" not in Player(reports[2]).to_html()
    cut_off = Player(check(race("cure"), limit=20)).to_html()
    assert "Design cure: the search was cut off before a rule was broken" in cut_off


def test_a_notebook_shows_how_far_a_search_has_got(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr("gupcore.player.progress.display", shown.append)
    monkeypatch.setattr("gupcore.checker.explore.REPORT_EVERY", 1000)
    progress = NotebookProgress(limit=10_000)
    values = []
    progress.bar.observe(lambda change: values.append(change.new), "value")
    check(race("v5.11", callers=2), limit=10_000, progress=progress)
    assert shown == [progress.box]
    assert values == sorted(values)
    assert progress.count.value == f"{values[-1]:,} found, 0 to look at"
    assert progress.box.comm is None  # closed


def test_bad_arguments(reports: list[Report]) -> None:
    with pytest.raises(ValueError, match="at least one report"):
        Player()
    with pytest.raises(ValueError, match="A player shows reports"):
        Player(race())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Player\(check\(report.with_callers\(2\)\)\)"):
        Player(check(race("cure"), callers="any"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must have the same threads"):
        Player(reports[0], check(race(callers=2)))
    with pytest.raises(ValueError, match=r"no design 'v4' here; choose no-check, v5.11, cure"):
        Player(*reports, design="v4")
    with pytest.raises(ValueError, match=r"no rule 'the page' here; choose struct page exists"):
        Player(*reports, watch="the page")
    with pytest.raises(
        ValueError, match=r"no panel 'graph'; choose words, verdict, share, beside\."
    ):
        Player(*reports, opens=["graph"])
    with pytest.raises(ValueError, match=r"no panel 'map'; choose words, verdict, share, beside\."):
        Player(*reports, opens=["map"])
    with pytest.raises(ValueError, match=r"no panel 'graph'; choose .*\bmap\b"):
        Player(*reports, panels=["graph"])
    with pytest.raises(ValueError, match="must judge the same rules"):
        Player(reports[0], check(race(), rule="DMA lands"))


def test_another_report_is_shown_from_the_start(reports: list[Report]) -> None:
    player = Player(reports[0])
    player.schedule = "22"
    player.show(reports[2])
    assert (player.design, player.schedule) == ("cure", "")
    assert player.board == board([reports[2]])
    assert "every rule holds" in player.to_html()


# --- A reader's own scene -------------------------------------------------------------------------


class Kettle(NamedTuple):
    """A machine that says nothing of itself, and has no oops."""

    water: int
    lid: MappingProxyType[str, bool]


SHUT, OPEN = MappingProxyType({"open": False}), MappingProxyType({"open": True})


@models("pour", "kettle.c")
def pour(kettle: Kettle) -> Effect | Blocked:
    """Take some water."""
    if not kettle.water:
        return Blocked("Waits for water.")
    return Effect(kettle._replace(water=kettle.water - 1), "Takes water.")


@models("open", "kettle.c")
def open_lid(kettle: Kettle) -> Effect:
    """Open the lid."""
    return Effect(kettle._replace(lid=OPEN), "Opens the lid.")


def tea() -> Thread:
    yield pour()
    yield open_lid()


def coffee() -> Thread:
    yield pour()
    yield pour()
    yield open_lid()


with patch.dict(SCENARIOS):  # others list what is there

    @scenario("kitchen", water=range(1, 9))
    def kitchen(water: int = 2, first: Callable[[], Thread] = tea) -> Scenario:
        threads = (Automaton("first", first), Automaton("second", coffee))
        kettle, design = Kettle(water, SHUT), Variant("mine", "Mine.")
        return Scenario("", "Two share a kettle.", design, kettle, threads)

    notebook: dict[str, Any] = {"__name__": "__main__", "scenario": scenario, "kitchen": kitchen}
    exec("@scenario('mine')\ndef mine(water=3): return kitchen(water)", notebook)


def test_a_machine_that_says_nothing_of_itself_is_shown_by_its_fields() -> None:
    report = check(kitchen())
    data = board([report])
    fields = [("water", "object", True, "2", ()), ("lid", "object", True, "{'open': False}", ())]
    assert things(data, data["designs"][0]["start"][0]) == fields
    assert len(data["machines"]) == len(report.graph.machines)
    assert data["stopped"] == []
    assert report.replay("1")[0].changes == ("water: 2 -> 1",)
    assert Prompt("mine", "12", 2, "And now?").data([report])["right"] == WAITS


by_hand = replace(kitchen(), machine=kitchen(5).machine)
absent = race("no-check", callers=2, pte="absent")
only_there = check(absent)["struct page exists"].schedule


@pytest.mark.parametrize(
    ("made", "schedule", "names"),
    [
        pytest.param(absent, only_there, {}, id="another start"),
        pytest.param(race(DESIGNS["cure"].lacking("drain_faults")), "2211", {}, id="a design"),
        pytest.param(kitchen(4), "1222", {}, id="a module of one's own"),
        pytest.param(kitchen(first=coffee), "111", {}, id="and a thread"),
        pytest.param(notebook["mine"](), "1222", {"mine": notebook["mine"]}, id="a notebook"),
        pytest.param(by_hand, "12221", {"scenario": by_hand}, id="by hand"),
    ],
)
def test_what_is_copied_as_python_plays_the_same_steps(
    made: Scenario, schedule: str, names: dict[str, Any]
) -> None:
    report = check(made)
    data = board([report])
    (design,) = data["designs"]
    imports = data["text"][design["imports"]]
    assert set(re.findall(r"^# (\w+): as it is", imports, re.MULTILINE)) == set(names)
    copied: dict[str, Any] = dict(names)
    exec(f"{imports}\nmoments = replay({design['python']}, {schedule!r})", copied)
    assert copied["moments"] == report.replay(schedule)


def test_a_schedule_of_another_start_is_none_of_the_usual_one() -> None:
    with pytest.raises(ScheduleError):
        replay(race("no-check", callers=2), only_there)


# --- The module -----------------------------------------------------------------------------------


def test_the_module_imports_nothing_and_exports_one_thing() -> None:
    text = module()
    assert re.findall(r"^(?:import|export)\b.*", text, re.MULTILINE) == [
        "export default { render: ({ model, el }) => "
        '(model.get("found") ? mountOrders : mount)(model, el) };'
    ]


def test_no_two_files_of_the_module_use_one_name() -> None:
    names = re.findall(r"^(?:async )?(?:const|let|function) (\w+)", module(), re.MULTILINE)
    assert len(names) > 50
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_what_python_and_the_page_both_name_is_the_same() -> None:
    text = module()
    for name, value in {"VERSION": VERSION, "BLOCKED": BLOCKED, "MANY": MANY}.items():
        (here,) = re.findall(rf"^const {name} = (\S+);", text, re.MULTILINE)
        assert int(here) == value, name
    (panels,) = re.findall(r"^const PANELS = \[(.*?)\];", text, re.MULTILINE | re.DOTALL)
    drawers = re.findall(r'\["(\w+)", ', panels)
    assert sorted(drawers) == sorted(PANELS)
    (usual,) = re.findall(r"^const USUAL = \[(.*)\];", text, re.MULTILINE)
    assert tuple(re.findall(r"\w+", usual)) == USUAL
    (marks,) = re.findall(r"^const MARKS = \{(.*)\};", text, re.MULTILINE)
    assert re.findall(r"(\w+): ", marks) == [HOLDS, FAILS, UNDETERMINED]
    assert set(re.findall(r'status [!=]== "(\w+)"', text)) == {FAILS, HOLDS}
    assert set(re.findall(r'\bon === "(\w+)"', text)) == {FINISH}


def test_both_sides_name_the_same_data() -> None:
    types = (PAGE / "types.d.ts").read_text(encoding="utf-8")
    sides: dict[str, Any] = {"Board": Board, "Design": BoardDesign}
    for name, side in sides.items():
        (body,) = re.findall(rf"^interface {name} \{{\n(.*?)^\}}", types, re.MULTILINE | re.DOTALL)
        keys = re.findall(r"^  (\w+)(\??):", body, re.MULTILINE)
        assert {key for key, _ in keys} == set(get_type_hints(side)), name
        assert {key for key, maybe in keys if maybe} == side.__optional_keys__, name
    data = board([check(race("v5.11"))])
    assert set(data) == set(get_type_hints(Board))
    assert set(data["designs"][0]) == BoardDesign.__required_keys__


def test_every_file_is_joined_after_those_it_needs() -> None:
    assert {path.stem for path in PAGE.glob("*.js")} == set(ORDER)
    for number, name in enumerate(ORDER):
        needs = re.findall(r'from "\./(\w+)\.js"', (PAGE / f"{name}.js").read_text())
        assert set(needs) <= set(ORDER[:number]), name


# --- Prompts --------------------------------------------------------------------------------------


def prompt(
    design: str = "no-check", schedule: str = "222222111", thread: int = 1, **more: Any
) -> Prompt:
    return Prompt(design, schedule, thread, "What happens?", **more)


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        (prompt(), OOPS),
        (prompt("v5.11"), GOES_ON),
        (prompt("no-check", "1112222", 2), WAITS),
        (prompt("no-check", "2222222", 2), BREAKS),
    ],
)
def test_the_answer_is_read_off_the_graph(reports: list[Report], asked: Prompt, right: str) -> None:
    data = asked.data(reports)
    assert data["right"] == right
    assert data["choices"] == [list(choice) for choice in WORDS.items()]
    assert data["key"] == f"seed-race/{asked.design}/{asked.schedule}/{asked.thread}"
    assert Player(*reports, prompts=[asked]).prompts == [data]


def test_a_prompt_that_cannot_be_asked(reports: list[Report]) -> None:
    with pytest.raises(ValueError, match="asks about the design 'v4', which is not shown"):
        prompt("v4").data(reports)
    with pytest.raises(ScheduleError, match="Step 9: thread 2"):
        prompt(schedule="222222222").data(reports)
    with pytest.raises(ValueError, match=r"Of the choices of 'What happens\?' none is right: oops"):
        prompt(choices={WAITS: "It waits"}).data(reports)
    with pytest.raises(ValueError, match=r"thread 2 has ended, so nothing can be asked about it"):
        prompt(schedule="22222222", thread=2).data(reports)
