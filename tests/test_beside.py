"""The C beside the model: all of both, tied at the marks, and kept nowhere."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from test_lines import made_up

from gupcore.beside import Piece, _source, beside, pairs
from gupcore.kernel.copy import placed, reading
from gupcore.kernel.lines import READING, V6_1, Lines

SECRET = "<&>"  # what each marked line of the made-up tree ends with


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERNEL_SOURCE", str(tmp_path))
    return made_up(tmp_path, reading(V6_1), 7)


def numbers(pieces: list[Piece]) -> list[int]:
    return [n for piece in pieces for n in range(piece.first, piece.first + len(piece.lines))]


@pytest.mark.parametrize("lines", READING, ids=lambda lines: f"{lines.function}-{lines.version}")
def test_every_line_of_both_is_shown_once_and_in_order(lines: Lines) -> None:
    both = list(pairs(lines, [""] * 3000))
    kernel = [piece for _, piece in both]
    assert numbers(kernel) == list(range(lines.first, lines.last + 1))
    marked = {line: lines.link(line) for piece in kernel for line in piece.marked}
    assert marked == {mark.line: lines.link(mark.line) for mark in lines.marks}
    model = [piece for pieces, _ in both for piece in pieces if piece.what == lines.model]
    first, source, _ = _source(lines.model)
    assert numbers(model) == list(range(first, first + len(source)))


def test_what_a_mark_names_stands_beside_its_line(folder: Path) -> None:
    for lines in reading(V6_1):
        moved, text = placed(lines, folder)
        models = {mark.line: mark.model for mark in moved.marks}
        for pieces, kernel in list(pairs(moved, text))[1:]:
            at = [piece.lines[n - piece.first] for piece in pieces for n in piece.marked]
            assert any(re.search(rf"\b{models[kernel.first]}\b", line) for line in at), kernel


def test_the_c_is_in_the_live_widget_and_in_nothing_that_a_notebook_keeps(folder: Path) -> None:
    shown = beside("gup_pte_range")
    assert SECRET in unescape(shown.value)
    assert "<&>" not in shown.value
    assert f"v6.1.192#n{2449 + 7 + 44}" in shown.value
    bundle = shown._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert SECRET not in unescape(json.dumps(data))
    assert data["text/html"].startswith("<p>In JupyterLab, and with a copy")


def test_a_sentence_stands_where_there_is_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERNEL_SOURCE", str(tmp_path))
    shown = beside("gup_pte_range")
    assert re.fullmatch(
        r"<p>There is no source .*<code>make kernel-source</code>.*</p>", shown.value
    )
    (tmp_path / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\n")
    assert "is v6.12.3; the map has gup_pte_range() of v5.11, v6.1.192" in (
        beside("gup_pte_range").value
    )


def test_a_function_that_is_on_no_map_is_refused() -> None:
    with pytest.raises(ValueError, match=r"has no 'fork'; choose gup_pte_range, follow_page_pte"):
        beside("fork")
