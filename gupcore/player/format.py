"""The data of a player: what Python hands over and the page walks.

Whatever is said more than once stands once, in a list, and is referred to by its number there; the
designs of one board, which are alike, share nearly all of it.  The page's side of this is
page/types.d.ts, which names the same keys.
"""

from typing import NotRequired, TypedDict

VERSION = 5
BLOCKED = -1  # in place of the rules that a move breaks: it cannot be made

Row = list[int]
"""Numbers of entries in other lists."""


class BoardDesign(TypedDict):
    """One graph."""

    name: str
    says: str
    python: str  # how the scenario is made in Python
    imports: int  # the number, in `text`, of the lines that this needs before it
    start: Row  # the machine and the nodes at the start
    moves: (
        Row  # runs of numbers in the board's `moves`: [how many are skipped, how many follow, ...]
    )
    states: int  # how many there are
    complete: bool  # were all found?
    # The states, numbered in the order of a breadth-first search, from which somebody cannot
    # finish: those of the components that no move leaves.
    stuck: Row
    verdicts: Row  # for each rule, its number in the board's `verdicts`
    # [number in the board's `outcomes`, how many schedules, share of all]; null where too many
    # states were found, or not all.  Counts are text, as they may be too large for the page.
    outcomes: list[tuple[int, str, float]] | None
    switches: NotRequired[Row]  # the number of the setting of each switch, if there are any


class Lists(TypedDict):
    """What the designs of a board share."""

    text: list[str]  # every sentence that the rest refers to
    # Functions: name, number of the first line, lines; for a line of the docstring null, as the
    # reader steps through what runs.
    code: list[tuple[str, int, list[str | None]]]
    values: list[Row]  # what a thing can be: does it exist?, words, further words for who asks, ...
    things: list[list[tuple[str, str]]]  # a machine's things: their names, "object" or "section"
    machines: list[Row]  # number in `things`, number in `pictures`, its values, ...
    glyphs: list[tuple[str, str, str]]  # what is drawn: name, look, room, see checker.picture
    # How a glyph is drawn: its number, state, words, references or null, who holds them, who gives
    # up the rest, and its arrows: what each does to the other thing, to which, ...
    drawn: list[tuple[int, str, str, int | None, list[str | int], str, list[str]]]
    pictures: list[Row]  # all that is drawn of a machine: numbers in `drawn`
    stopped: list[tuple[int, str]]  # the machines on which the kernel has oopsed: the thing touched
    uneven: list[tuple[int, list[str]]]  # the machines at which an end breaks rules
    # Where a thread can stand: the kernel's function and line, what the step does, number in
    # `known`, function, line, ..., outermost first; or, where it has ended, what it returned.
    nodes: list[Row]
    addresses: list[tuple[int, str]]  # where the source of one of those can be read
    known: list[list[tuple[str, str, str]]]  # a thread's variable, its value, what about
    # What a move has to do with: what it touches, and what its thread takes or gives back, as name,
    # how many, ...; of a blocked one also the CPUs waited for.
    meets: list[tuple[list[str], list[str | int]]]
    breaks: list[list[str]]  # lists of the rules that a move breaks
    # What a thread does on a machine, at a node, a column each: thread, machine and node, as
    # differences to the row before; the machine and the node after, as differences to those before;
    # what is said; which rules it breaks, or BLOCKED, and what is said is why; number in `meets`.
    moves: list[Row]
    verdicts: list[tuple[str, str, str, str, str]]  # status, in short, schedule, loop, why
    outcomes: list[tuple[str, str, str]]  # in short, schedule, loop


class Board(Lists):
    """The whole of it."""

    version: int  # of this format
    scenario: str  # its name
    key: str  # names its settings too
    says: str  # describes it in one sentence
    threads: list[str]  # what each thread is called
    cpus: list[int | None]  # on which CPU each runs; null: on none that anybody waits for
    rules: list[tuple[str, str, str]]  # name, what it says, what it is judged on
    switches: list[tuple[str, list[str]]]  # how a design is chosen, if not by its name
    designs: list[BoardDesign]
