"""Little machines and random threads on them, some of which are many: for searches of callers.

A hall has rooms that callers can be inside, a flag, and a thing on which they hold references.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from gupcore.checker.callers import Own, Reference, own
from gupcore.checker.machine import CALLER, Gone
from gupcore.checker.rule import EVERYONE_CAN_FINISH, Rule
from gupcore.checker.scenario import Scenario, Variant
from gupcore.checker.step import Blocked, Effect, Step, Thread, models
from gupcore.checker.thread import Automaton
from gupcore.checker.unseen import within

THING = "thing"
ROOMS = ("hall", "cellar")


@dataclass(frozen=True)
class Hall:
    """A machine.

    flag    a small number
    count   the references on the thing: one of its own, and the callers'
    exists  is the thing there?
    inside  (room, cpu): who is inside what
    owed    the CPUs that a wait which has begun still waits for
    """

    flag: int = 0
    count: int = 1
    exists: bool = True
    inside: frozenset[tuple[str, int]] = frozenset()
    owed: frozenset[int] = frozenset()
    oops: str | None = None

    def cpus(self, room: str) -> frozenset[int]:
        return within(self.inside, room)

    def wrote(self, before: "Hall") -> frozenset[str]:
        changed = (self.count, self.exists) != (before.count, before.exists)
        return frozenset({THING} if changed else ())

    def references(self, other: "Hall | None" = None) -> Mapping[tuple[str, str, Any], int]:
        return {(THING, CALLER, 0): self.count - 1} if self.exists else {}


@own.register
def _(machine: Hall) -> Own:
    return Own(marks, marked, holding, hidden)


def hidden(hall: Hall, kind: str, unseen: Any) -> Hall:
    return replace(hall, **{{"in": "inside", "owed": "owed"}[kind]: unseen})


def marks(hall: Hall) -> frozenset[tuple[int, Any]]:
    inside = {(cpu, ("in", room)) for room, cpu in hall.inside}
    return frozenset(inside | {(cpu, ("owed", None)) for cpu in hall.owed})


def marked(hall: Hall, pairs: frozenset[tuple[int, Any]]) -> Hall:
    owed = frozenset(cpu for cpu, (kind, _) in pairs if kind == "owed")
    inside = frozenset((room, cpu) for cpu, (kind, room) in pairs if kind == "in")
    return replace(hall, inside=inside, owed=owed)


def holding(hall: Hall, more: Mapping[Reference, Any]) -> Hall:
    return replace(hall, count=hall.count + more.get((THING, 0), 0)) if hall.exists else hall


# --- Steps ----------------------------------------------------------------------------------------


@models(
    "none",
    "none.c",
    writes=(THING,),
    takes=((THING, CALLER),),
    drops=((THING, CALLER),),
    waits=("",),
)
def do(hall: Hall, cpu: int, what: str, which: int) -> Effect | Blocked:
    """Do one thing."""
    room = ROOMS[which % 2]
    match what:
        case "enter":
            return Effect(replace(hall, inside=hall.inside | {(room, cpu)}), "Enters.")
        case "leave":
            inside, owed = hall.inside - {(room, cpu)}, hall.owed - {cpu}
            return Effect(replace(hall, inside=inside, owed=owed), "Leaves.")
        case "look":
            return Effect(hall, "Looks who else is inside.", bool(hall.cpus(room) - {cpu}))
        case "alone":
            if hall.cpus(room) - {cpu}:
                return Blocked("Waits until nobody else is inside.")
            return Effect(replace(hall, inside=hall.inside | {(room, cpu)}), "Enters alone.")
        case "drive out":
            inside = frozenset((name, c) for name, c in hall.inside if name != room or c == cpu)
            return Effect(replace(hall, inside=inside), "Drives everybody out.")
        case "clear":
            return Effect(replace(hall, inside=frozenset()), "Empties all rooms unseen.")
        case "call in":
            return Effect(replace(hall, inside=hall.inside | {(room, which)}), "Names who is in.")
        case "put out":
            return Effect(replace(hall, inside=hall.inside - {(room, which)}), "Names who goes.")
        case "begin":
            return Effect(replace(hall, owed=hall.cpus(room) - {cpu}), "Begins to wait for them.")
        case "end":
            return Blocked("Waits for those.") if hall.owed else Effect(hall, "They have left.")
        case "set":
            return Effect(replace(hall, flag=which % 3), "Sets the flag.")
        case "read":
            return Effect(hall, "Reads the flag.", hall.flag)
        case "await":
            if hall.flag != which % 3:
                return Blocked("Waits for the flag.")
            return Effect(hall, "Sees the flag.")
        case "next":
            return Effect(replace(hall, flag=min(hall.flag + 1, 2)), "Raises the flag.", hall.flag)
        case "get":
            return Effect(_counted(hall, +1), "Takes a reference.", True)
        case "try":
            if _thing(hall).count <= 0:
                return Effect(hall, "Finds nothing to take.", False)
            return Effect(_counted(hall, +1), "Takes a reference.", True)
        case "put":
            return Effect(_counted(hall, -1), "Drops a reference.", hall.count == 1)
        case "idle":
            if hall.exists and hall.count > which % 2:
                return Blocked("Waits for references.")
            return Effect(hall, "Sees that the thing is idle.")
    assert what == "remove"
    return Effect(replace(hall, exists=False, count=0), "Removes the thing.")


def _thing(hall: Hall) -> Hall:
    if not hall.exists:
        raise Gone(THING)
    return hall


def _counted(hall: Hall, more: int) -> Hall:
    return replace(hall, count=_thing(hall).count + more)


# --- Threads --------------------------------------------------------------------------------------

Line = tuple[str, int, int]  # what, which, and where to go on if the step finds nothing


def interpret(cpu: int, program: tuple[Line, ...]) -> Thread:
    """A thread that runs a program."""
    at = 0
    while at < len(program):
        what, which, otherwise = program[at]
        found = yield do(cpu, what, which)
        at = at + 1 if found or found is None else otherwise
    return None


WORDS = ("enter", "leave", "look", "alone", "drive out", "set", "read", "await", "next")
BLIND = ("enter", "leave", "look", "clear", "call in", "put out")  # change what they do not see
COUNTS = ("get", "try", "put", "idle")
OF_SINGLES = ("begin", "end", "remove")


def programs(words: tuple[str, ...], most: int, back: bool) -> st.SearchStrategy[tuple[Line, ...]]:
    """Programs of some lines, whose jumps go forwards unless they may go back."""

    def lines(size: int) -> st.SearchStrategy[tuple[Line, ...]]:
        return st.tuples(
            *(
                st.tuples(
                    st.sampled_from(words),
                    st.integers(0, 2),
                    st.integers(0 if back else at + 1, size),
                )
                for at in range(size)
            )
        )

    return st.integers(1, most).flatmap(lines)


# --- Rules ----------------------------------------------------------------------------------------

RULES = (
    Rule("the thing exists", "It is not gone.", "step", lambda b, s, a: not a.oops),
    Rule(
        "nobody is driven out of the hall",
        "Who is in the hall leaves by himself.",
        "step",
        lambda b, s, a: s.args[1:2] == ("leave",) or len(b.cpus("hall") - a.cpus("hall")) == 0,
    ),
    Rule("the flag is not 2", "The flag is at most one.", "step", lambda b, s, a: a.flag != 2),
    Rule("counts are sound", "No count drops below zero.", "step", lambda b, s, a: a.count >= 0),
    Rule(
        "all is left",
        "In the end nobody is inside, and no reference is left over.",
        "end",
        lambda m: not m.inside and m.count <= 1,
    ),
    EVERYONE_CAN_FINISH,
)


def crowd(
    callers: int,
    program: tuple[Line, ...],
    single: tuple[Line, ...],
    machine: Hall = Hall(),
    rules: tuple[Rule, ...] = RULES,
    function: Any = interpret,
) -> Scenario:
    """A scenario of so many callers and a single thread."""
    threads = [Automaton(f"caller {n}", function, (n, program)) for n in range(callers)]
    alone = Automaton("single", interpret, (99, single))
    return Scenario("crowd", "A crowd.", Variant("hall", ""), machine, (*threads, alone), rules)


def step_of(hall: Hall, cpu: int, what: str, which: int = 0) -> Step:
    return do(cpu, what, which)
