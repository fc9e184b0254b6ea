"""Firefox and the engine of Safari: a player, an order by hand, and a live cell, offline."""

import os
import shutil
from collections.abc import Iterator

import pytest
from engines import ENTER, MINI_BROWSER, Engine, firefox, keys, press, wait_for, webkit
from test_order_by_hand import UNMAP
from test_try_it import CELLS, GIVEN, RACE, source, stored

# What a test that is left out says: the packages of Debian that bring the engine.
LACKING = {
    "firefox": "Firefox was not found (Debian: apt install firefox-esr)",
    "webkit": "WebKit was not found (Debian: apt install webkit2gtk-driver xvfb xauth dbus)",
}


@pytest.fixture(scope="module", params=sorted(LACKING))
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    fox = shutil.which("firefox-esr") or shutil.which("firefox")
    tools = ("WebKitWebDriver", "xvfb-run", "xauth", "dbus-run-session")
    is_here = (
        fox
        if request.param == "firefox"
        else all(map(shutil.which, tools)) and MINI_BROWSER.exists()
    )
    if not is_here:
        if os.environ.get("CI") == "true":
            pytest.fail(LACKING[request.param], pytrace=False)
        pytest.skip(LACKING[request.param])
    with firefox(str(fox), home) if request.param == "firefox" else webkit(home) as started:
        yield started


def text(engine: Engine, selector: str) -> str:
    return str(engine.ask(f"JSON.stringify(document.querySelector({selector!r}).textContent)"))


def assert_nothing_from_outside(engine: Engine, url: str) -> None:
    script = "JSON.stringify(performance.getEntriesByType('resource').map(({ name }) => name))"
    names = engine.ask(script)
    assert [n for n in names if not n.startswith((url, "data:", "blob:"))] == []
    refused = "fetch('http://198.51.100.7/').then(() => '\"came\"', () => '\"refused\"')"
    engine.ask(f"JSON.stringify(void {refused}.then((end) => (window.end = end)))  ?? '0'")
    wait_for(engine, "window.end")
    assert engine.ask("window.end") == "refused"


def test_a_player_is_stepped(engine: Engine, book_url: str) -> None:
    engine.go(f"{book_url}{RACE}.html")
    wait_for(engine, "document.querySelector('.gup-player [data-do]')")
    for step in ("step 1", "step 2"):
        press(engine, f".gup-player [data-do='{step}']")
    assert text(engine, ".gup-player .gup-schedule") == "12"
    assert text(engine, ".gup-player [role=status]")
    assert_nothing_from_outside(engine, book_url)


def test_a_part_is_moved(engine: Engine, book_over_http: str) -> None:
    engine.go(f"{book_over_http}{UNMAP}")
    wait_for(engine, "document.querySelector('.gup-order [data-do]')")
    press(engine, ".gup-order [data-do='down 0']")
    parts = (
        "JSON.stringify([...document.querySelectorAll('.gup-order b')].map((b) => b.textContent))"
    )
    assert engine.ask(parts)[:2] == ["kill", "drain"]
    assert text(engine, ".gup-by-hand [role=status]").startswith("drain is now 2 of 6. “")


def test_a_cell_is_run(engine: Engine, book_url: str) -> None:
    engine.go(f"{book_url}{RACE}.html")
    live = [cell for cell in CELLS if "live" in cell["metadata"].get("tags", [])]
    (number,) = (n for n, cell in enumerate(live) if source(cell) == GIVEN)
    engine.ask(
        f"JSON.stringify(document.querySelectorAll('.cell.tag_live')[{number}].id = 'tried')"
    )
    press(engine, "#tried .gup-live-button")
    wait_for(engine, "document.querySelector('#tried .cm-content')")
    press(engine, "#tried .gup-live-button")
    said = "document.querySelector('#tried .gup-live-bar [role=status]').textContent"
    wait_for(engine, f"{said}.includes('Ran in')")
    assert text(engine, "#tried .gup-live-output .gup-answer") == stored(live[number])
    assert "222222111" in text(engine, "#tried .gup-live-output .gup-player")
    press(engine, "#tried .cm-content")
    keys(engine, "a", with_control=True)
    keys(engine, "print(6 * 7)")
    keys(engine, ENTER, with_control=True)
    wait_for(engine, f"{said}.includes('Ran in') && !{said}.includes('Not yet')")
    assert text(engine, "#tried .gup-live-output").strip() == "42"
    assert_nothing_from_outside(engine, book_url)
