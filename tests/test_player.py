"""The data the player is handed, and the list for readers without JavaScript."""

import json
import re
from html.parser import HTMLParser

import pytest

from gupcore import check, race
from gupcore import gup as model
from gupcore.player import Player
from gupcore.player.data import VERSION, board
from gupcore.player.progress import NotebookProgress


@pytest.fixture(scope="module")
def reports():
    return [check(race(design)) for design in ("no-check", "v5.11", "cure")]


def test_the_board_holds_the_graph(reports):
    data = board(reports)
    assert data["version"] == VERSION
    assert [design["name"] for design in data["designs"]] == ["no-check", "v5.11", "cure"]
    for design, report in zip(data["designs"], reports, strict=True):
        graph = report.graph
        assert len(design["states"]) == len(design["moves"]) == len(graph.states)
        for number, state in enumerate(graph.states):
            things = design["machines"][design["states"][number][0]]
            assert [
                (name, kind, exists, data["text"][value])
                for (name, kind), (exists, value) in zip(design["things"], things, strict=True)
            ] == list(graph.machine(state).things())
            for thread, entry in enumerate(design["moves"][number]):
                move = graph.move(state, thread)
                if move is not None:
                    assert graph.states[entry[0]] == state + move.delta
                    assert data["text"][entry[1]] == move.effect.said
                else:
                    why = [data["text"][n] for n in entry]
                    assert why == [graph.why_blocked(state, thread)] or not entry


def test_every_line_is_in_the_code_that_is_shipped(reports):
    data = board(reports)
    for design in data["designs"]:
        for thread in design["threads"]:
            for node in thread["nodes"]:
                for function, line in node if isinstance(node, list) else []:
                    _, first, lines = data["code"][function]
                    assert "yield" in lines[line - first]


def test_a_docstring_is_not_shipped(reports):
    for name, first, lines in board(reports)["code"]:
        assert lines[0].startswith("def "), name
        assert not any('"""' in line for line in lines if line is not None), (name, first)
        assert None in lines, name


def test_two_functions_of_one_name_keep_their_own_source():
    def gup_fast(cpu, address, pages, flags, design):
        pfn = yield from model.gup_fast(cpu, address, pages, flags, design)
        return pfn

    data = board([check(race("v5.11", gup_fast=gup_fast))])
    node = data["designs"][0]["threads"][0]["nodes"][0]
    lines = [data["code"][number][2][line - data["code"][number][1]] for number, line in node[2:4]]
    assert [line.strip() for line in lines] == [
        "pfn = yield from model.gup_fast(cpu, address, pages, flags, design)",
        "yield local_irq_save(cpu)",
    ]


def test_a_search_that_was_cut_off_can_be_shown():
    design = board([check(race("v5.11"), limit=20)])["designs"][0]
    assert [] in design["moves"][-1]
    taken = [move for moves in design["moves"] for move in moves if len(move) > 1]
    assert taken
    assert all(move[0] < len(design["states"]) for move in taken)


def test_the_html_carries_the_data_and_a_list(reports):
    page = Player(*reports).to_html()
    script = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1]
    assert json.loads(script) == {"board": board(reports), "design": "no-check"}
    assert page.count("<li>") == len(reports[0]["struct page exists"].schedule)
    assert "<" not in script

    opened = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag, attributes):
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balanced().feed(page)
    assert opened == []


def test_what_a_notebook_keeps_is_always_the_same(reports):
    first, second = Player(*reports), Player(*reports)
    assert first.to_html() == second.to_html()
    assert repr(first) == "Player(no-check, v5.11, cure)"


def test_a_design_that_holds_says_so_in_words(reports):
    assert "every rule holds in every schedule" in Player(*reports, design="cure").to_html()


def test_a_notebook_shows_how_far_a_search_has_got(monkeypatch):
    shown = []
    monkeypatch.setattr("gupcore.player.progress.display", shown.append)
    monkeypatch.setattr("gupcore.explore.REPORT_EVERY", 1000)
    progress = NotebookProgress(limit=10_000)
    values = []
    progress.bar.observe(lambda change: values.append(change.new), "value")
    check(race("v5.11", callers=2), limit=10_000, progress=progress)
    assert shown == [progress.box]
    assert values == sorted(values)
    assert progress.count.value == f"{values[-1]:,} found, 0 to look at"
    assert progress.box.comm is None  # closed


def test_bad_arguments(reports):
    with pytest.raises(ValueError, match="at least one report"):
        Player()
    with pytest.raises(ValueError, match="A player shows reports"):
        Player(race())
    with pytest.raises(ValueError, match="must have the same threads"):
        Player(reports[0], check(race(callers=2)))
    with pytest.raises(ValueError, match=r"no design 'v4' here; choose no-check, v5.11, cure"):
        Player(*reports, design="v4")
