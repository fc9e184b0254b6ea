"""In which scenes of the catalogue a step is taken, and on which pages it can be played.

Nobody writes that down: the scenes' graphs are run, and a page's players are in its notebook.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

from gupcore import DESIGNS, SCENARIOS, Scenario
from gupcore.checker.explore import explore
from gupcore.checker.maker import Maker
from gupcore.kernel.map import ACTIONS

ROOT = Path(__file__).parents[2]
PLAYER = re.compile(r'class="gup-player"><script type="application/json">(.*?)</script>')
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
LIMIT = 1_000  # states: what a thread can do at all is found long before
Call = tuple[str, str]  # as in gupcore.checker.spots: who calls, and which function or step


class Taken(NamedTuple):
    """The names of scenes, and of pages as Sphinx calls them: "chapters/07_the_race"."""

    scenes: set[str]
    pages: set[str]

    def __or__(self, other: tuple[set[str], set[str]]) -> "Taken":
        return Taken(self.scenes | other[0], self.pages | other[1])


def calls(functions: Sequence[str], step: str) -> Iterator[Call]:
    """Yield each call on the way to a step, and the step itself."""
    yield from pairwise((*functions, step))
    yield "", step


@cache
def where_taken() -> dict[Call, Taken]:
    """Return where each call is made: in a scene that is run, or in a player of a page."""
    found: dict[Call, Taken] = defaultdict(lambda: Taken(set(), set()))
    for scene, make in SCENARIOS.items():
        for scenario in runs(make):
            for thread in explore(scenario.machine, scenario.threads, LIMIT).threads:
                for node in thread.nodes:
                    if node.step is not None:
                        functions = [place.function for place in node.places]
                        for call in calls(functions, node.step.action.name):
                            found[call].scenes.add(scene)
    for page, boards in players().items():
        for board in boards:
            for call in {call for way in ways(board) for call in calls(*way)}:
                found[call].pages.add(page)
                if board["scenario"] in SCENARIOS:
                    found[call].scenes.add(board["scenario"])
    return dict(found)


def runs(make: Maker) -> Iterator[Scenario]:
    """Yield what a scene is run as: its usual design, in every setting.

    The race is run under every design as well, one thread at a time: what a thread does alone is
    found at once, and all graphs of both would keep a build waiting.
    """
    for settings in make.settings:
        yield make(**settings)
    if make.exported:
        for design, thread in product(DESIGNS, make().threads):
            yield make(design, without=thread.label)


def taken(at: Iterable[Call]) -> Taken:
    """Return where any of some calls is made."""
    known, found = where_taken(), Taken(set(), set())
    for call in at:
        found |= known.get(call, Taken(set(), set()))
    return found


def ways(board: dict[str, Any]) -> Iterator[tuple[list[str], str]]:
    """Yield the functions that a thread of a board can be in, and the step that it takes there."""
    names = {(action.source.function, action.does): action.name for action in ACTIONS}
    for source, *node in board["nodes"]:
        if node:
            kernel = board["text"][source].partition("()")[0]
            name = names.get((kernel, board["text"][node[0]]))
            if name:
                yield [board["code"][number][0] for number in node[2::2]], name


@cache
def players() -> dict[str, list[dict[str, Any]]]:
    """Return the boards that the players of each notebook have: {page: boards}."""
    found = {}
    for path in notebooks():
        outputs = [output for cell in _cells(path) for output in cell.get("outputs", [])]
        pages = ("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
        boards = [json.loads(one)["board"] for page in pages for one in PLAYER.findall(page)]
        if boards:
            found[str(path.relative_to(ROOT).with_suffix(""))] = boards
    return found


def notebooks() -> list[Path]:
    """List the notebooks: the chapters in the order of reading, then what is at hand."""
    return [*sorted(ROOT.glob("chapters/*.ipynb")), *sorted(ROOT.glob("book/*.ipynb"))]


def name_of(page: str) -> str:
    """Return what a page is called for short: a chapter's number, or its title."""
    number = re.fullmatch(r"chapters/(\d+)_.*", page)
    return str(int(number[1])) if number else title_of(page)


def title_of(page: str) -> str:
    """Return the title of a notebook."""
    cells = ("".join(cell["source"]) for cell in _cells(ROOT / f"{page}.ipynb"))
    return next(found[1] for text in cells if (found := TITLE.search(text)))


@cache
def _cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells
