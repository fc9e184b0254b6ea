"""A figure becomes a picture for the page."""

import re
from importlib.resources import files

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from gupcore import race
from gupcore.figures import picture, timeline
from gupcore.figures.picture import BLUE, STYLE, THREADS


def drawn() -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2, 1))
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
        axes.plot((0, 1), (0, 1), "o-", color=BLUE)
        axes.set_title("pages & tables")
    return figure


def test_a_picture_takes_the_colour_of_the_page_and_keeps_to_itself() -> None:
    shown = picture(drawn(), 'A line, "rising".')
    html = shown._repr_html_()
    assert html.startswith('<div class="gup-figure"><svg role="img" aria-label="A line, &quot;')
    assert "currentColor" in html
    assert "#000000" not in html
    assert "<style" not in html
    assert "<metadata" not in html
    assert '<g id="' not in html
    assert repr(shown) == 'A line, "rising".'
    assert picture(drawn(), 'A line, "rising".') == shown  # or nbval would find a difference


def test_every_word_takes_the_colour_of_the_page() -> None:
    figure = drawn()
    figure.axes[0].set_yscale("log")  # powers of ten are set as mathematics, in another way
    svg = picture(figure, "A line.").svg
    assert svg.count("<text") == svg.count('<text fill="currentColor"') > 5


def test_a_picture_needs_words() -> None:
    with pytest.raises(ValueError, match="A picture needs words"):
        picture(drawn(), " ")


def test_a_timeline_says_what_it_shows() -> None:
    assert repr(timeline(race(), "21")).startswith("Timeline. Step 1, unbind: kill_dax. Step 2, ")


def test_what_is_dying_is_hatched_as_in_the_player() -> None:
    live, dying = (timeline(race(), steps).svg.count("<pattern") for steps in ("22", "222"))
    assert (live, dying) == (0, 1)


def test_a_thread_has_the_colour_that_it_has_in_the_player() -> None:
    style = (files("gupcore.player") / "page" / "player.css").read_text()
    lanes = re.findall(r"--lane: (#[0-9a-f]+);", style)
    short = re.compile("#(.)(.)(.)")
    full = [short.sub(r"#\1\1\2\2\3\3", lane) if len(lane) == 4 else lane for lane in lanes]
    assert [colour.lower() for colour in THREADS] == full
    assert timeline(race(callers=8), "987654321")
