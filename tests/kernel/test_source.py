"""make kernel-source: what is taken out of a package, and what is said where there is none."""

import io
import os
import shutil
import tarfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import source
from outside import ran
from packages import Archive, Unavailable, mirror

from gupcore.kernel.copy import MAKEFILE, NoCopy, placed, reading, tree, version_of
from gupcore.kernel.lines import FILES, V6_1

COMMAND = Path(source.__file__)
run = partial(ran, COMMAND)


def test_it_takes_nothing() -> None:
    done = run("6.12")
    assert (done.returncode, done.stderr) == (64, "make kernel-source takes nothing.\n")


def elsewhere(monkeypatch: pytest.MonkeyPatch, room: Path) -> None:
    """Let the copy, and the lab's packages, belong below a room."""
    for name in ("COPY", "ROOM", "ROOT"):
        monkeypatch.setattr(source, name, room / name.lower() if name != "ROOT" else room)


def test_where_apt_knows_no_debian_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere(monkeypatch, tmp_path)

    def unknown(room: Path, suite: str) -> Archive:
        raise Unavailable("this machine's apt knows no Debian archive")

    monkeypatch.setattr(source, "the_lab", lambda tools: nullcontext())
    monkeypatch.setattr(source, "archive", unknown)
    assert source.main([]) == 2
    said = "No source of the kernel: this machine's apt knows no Debian archive\n"
    assert capsys.readouterr().err == said


def test_a_second_run_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere(monkeypatch, tmp_path)
    for name in source.WANTED:
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).touch()
    monkeypatch.setattr(source, "the_lab", None)  # whoever calls it fails
    assert source.main([]) == 0
    assert capsys.readouterr().out.endswith(": copy/\n")


def packed(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_what_is_wanted_is_taken_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = packed({"tree/Makefile": b"1", "tree/mm/a.c": b"2", "tree/mm/b.c": b"3"}, "w:xz")
    (tmp_path / "data").write_bytes(packed({"./usr/src/tree.tar.xz": inner}, "w"))
    (tmp_path / "bin").mkdir()
    unpacks = tmp_path / "bin" / "dpkg-deb"  # of which only this is asked
    unpacks.write_text('#!/bin/sh\n[ "$1" = --fsys-tarfile ] && exec cat "$2"\n')
    unpacks.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    into = tmp_path / "copy"
    source.take(tmp_path / "data", ("Makefile", "mm/a.c"), into)
    found = {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}
    assert found == {"Makefile": b"1", "mm/a.c": b"2"}
    with pytest.raises(Unavailable, match=r"data has no mm/c\.c\."):
        source.take(tmp_path / "data", ("mm/c.c",), into)
    assert (into / "mm/a.c").exists(), "what was there stays"


def in_ci() -> bool:
    return os.environ.get("CI") == "true"


def knows_debian() -> bool:
    """Does this machine's apt know a Debian archive?"""
    if shutil.which("apt-get") is None:
        return False
    try:
        mirror()
    except Unavailable:
        return False
    return True


def test_the_lines_of_the_map_are_those_of_debians_source() -> None:
    """In CI the copy is made, where a Debian is; a reader's run takes what is there."""
    if in_ci() and knows_debian():
        done = run()
        assert done.returncode == 0, done.stderr
    try:
        folder = tree()
    except NoCopy as why:
        pytest.skip(str(why))
    map_of_it = reading(version_of(folder))
    assert map_of_it, f"the map has nothing of {version_of(folder)}"
    for lines in map_of_it:
        moved, _ = placed(lines, folder)
        assert version_of(folder) != lines.version or moved == lines


def test_the_map_names_all_files_that_are_wanted() -> None:
    assert set(source.WANTED) == {MAKEFILE, *FILES}
    assert {lines.file for lines in reading(V6_1)} == set(FILES)
