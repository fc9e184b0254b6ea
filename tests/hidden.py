"""Threads with hidden state: a generator of them, and an interpreter that runs them.

A program counts its rounds somewhere, and after LIMIT of them it does what its rule forbids.  Some
count where the checker may look, most where it cannot: in a list, a closure, a class, the identity
of a number.  Run by itself such a program breaks its rule.  So whoever tries every schedule may
say *fails* or *undetermined*, or refuse it in a sentence; who says *holds* has not seen all.

    python tests/hidden.py 2000 7    try 2,000 programs, chosen by the seed 7

The interpreter shares nothing with the checker but the programs: it sends and takes.

Where to count is written in hidden.txt.  An entry begins with "= " and its name; then come lines of
a module, "@ " puts in a text that "~ " has named, and before the lines of the thread stands

    >  what it does first        :  what it does each round       ?  how many rounds that were
    |  all it does               !  what is changed between two checks, or what a refusal says
"""

from __future__ import annotations

import contextlib
import enum
import io
import linecache
import random
import re
import sys
import textwrap
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from gupcore import Automaton, Rule, Scenario, ScenarioError, ThreadError, check
from gupcore.checker.rule import STEP
from gupcore.checker.scenario import Variant

HEAD = '''\
from __future__ import annotations
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from gupcore.checker.declared import Does
from gupcore.checker.step import Action, Blocked, Effect, Source, Step, models

LIMIT = {limit}

@dataclass(frozen=True)
class Machine:
    n: int = 0
    m: int = 0

@models("none", "none.c")
def idle(machine, *given):
    """Turn."""
    return Effect(replace(machine, m=1 - machine.m), "Turns.")

@models("none", "none.c")
def ask(machine):
    """Ask what time it is."""
    return Effect(replace(machine, m=(machine.m + 1) % 4), "Asks.", machine.m)

@models("none", "none.c")
def pair(machine):
    """Ask for two things."""
    return Effect(machine, "Asks.", (machine.m, 7))

@models("none", "none.c")
def bad(machine):
    """Break the rule."""
    return Effect(replace(machine, n=3), "Breaks it.")

def holds(before, step, after):
    return after.n != 3

MACHINE = Machine()
RULES = (holds,)

'''
WAYS = {  # through which a thread counts: what defines `counted`
    "directly": "",
    "a helper": "def counted():\n{body}",
    "a helper's helper": (
        "def inner(*given):\n{body}\ndef counted():\n    return max(map(inner, (0,)))"
    ),
    "a lambda": "def inner():\n{body}\ncounted = lambda: inner()",
    "a closure": (
        "def making():\n    def counted():\n{deep}\n    return counted\ncounted = making()"
    ),
    "a static method": (
        "@dataclass(frozen=True)\nclass Helps:\n    @staticmethod\n    def counts():\n{deep}\n"
        "counted = Helps.counts"
    ),
    "a method": (
        "@dataclass(frozen=True)\nclass Helps:\n    def counts(self):\n{deep}\n"
        "HELPS = Helps()\ndef counted():\n    return HELPS.counts()"
    ),
    "a property": (
        "@dataclass(frozen=True)\nclass Helps:\n    @property\n    def counts(self):\n{deep}\n"
        "def counted():\n    return Helps().counts"
    ),
    "a generator": "def inner():\n{yields}\ndef counted():\n    return next(inner())",
    "a comprehension": (
        "def inner():\n{body}\ndef counted():\n    return sum([inner() for _ in (0,)])"
    ),
    "a default": "def inner():\n{body}\ndef counted(asks=inner):\n    return asks()",
    "a tuple": "def inner():\n{body}\nHELPS = inner, len\ndef counted():\n    return HELPS[0]()",
    "an enum": (
        "import enum\ndef inner():\n{body}\nclass Helps(enum.Enum):\n    COUNT = (inner,)\n"
        "def counted():\n    return Helps.COUNT.value[0]()"
    ),
    "a module": (
        "import types\ndef inner():\n{body}\nHELPS = types.ModuleType('helps')\n"
        "HELPS.counts = inner\ndef counted():\n    return HELPS.counts()"
    ),
}
SHAPES = {  # of a thread
    "while True": (
        "while True:\n{does}\n    if {counts}:\n        yield bad()\n        return\n"
        "    yield idle()"
    ),
    "either": (
        "while True:\n{does}\n    if not ({counts}):\n        yield idle()\n    else:\n"
        "        yield bad()\n        break"
    ),
    "a test that yields": (
        "yield idle()\nwhile (yield idle()) is None:\n{does}\n    if {counts}:\n"
        "        yield bad()\n        return"
    ),
    "an argument": (
        "while True:\n{does}\n    yield idle({counts})\n    if {counts}:\n"
        "        yield bad()\n        return"
    ),
    "a part": "while True:\n    yield from part()",
}


Texts = dict[str, str]  # of an entry of hidden.txt, by their marks; "" for the lines of the module


def _read() -> dict[str, dict[str, Texts]]:
    """Read hidden.txt: for each of its parts, the entries by their names."""
    parts: dict[str, dict[str, Texts]] = {}
    entries: dict[str, Texts] = {}
    texts: Texts = {}
    for line in (Path(__file__).parent / "hidden.txt").read_text().splitlines():
        mark, _, rest = line.partition(" ")
        if line.startswith("# ---"):
            entries = parts[rest.strip("- ")] = {}
        elif mark in ("=", "~"):
            texts = entries[rest] = {}
        elif mark == "@":
            texts[""] = texts.get("", "") + parts["texts"][rest][""]
        elif line and mark != "#":
            mark, rest = (mark, rest) if mark in tuple(">:?|!") else ("", line)
            texts[mark] = texts.get(mark, "") + rest + "\n"
    return parts


PARTS = _read()
HIDDEN = PARTS["hidden"]

SPECIAL = """
KEPT = []
@dataclass(frozen=True)
class Box:
    n: int = 0
    def {name}(self, *given):
        KEPT.append(0)
        return {answer}
    def __exit__(self, *given): pass
    def size(self): return len(KEPT)
BOX = Box()
@dataclass(frozen=True)
class Has:
    box = BOX
"""
ASKED = {  # what calls a special method
    **{"__len__": "len(BOX)", "__bool__": "bool(BOX)", "__iter__": "[*BOX]", "__call__": "BOX()"},
    **{"__getitem__": "BOX[0]", "__contains__": "0 in BOX", "__add__": "BOX + 0"},
    **{"__radd__": "0 + BOX", "__neg__": "-BOX", "__index__": "(0,)[BOX]", "__int__": "int(BOX)"},
    **{"__repr__": "repr(BOX)", "__str__": "str(BOX)", "__format__": "f'{BOX}'"},
    **{"__lt__": "BOX < 0", "__eq__": "BOX == 0", "__ne__": "BOX != 0", "__hash__": "{BOX: 0}"},
    **{"__getattr__": "BOX.other", "__get__": "Has().box", "__class_getitem__": "Box[0]"},
    **{"__reversed__": "reversed(BOX)", "__round__": "round(BOX)", "__matmul__": "BOX @ 0"},
    **{"__enter__": "with BOX:\n    pass", "__iadd__": "box = BOX\nbox += 0\ndel box"},
    **{"__del__": "Box(1)"},
}
ANSWERS = {
    **dict.fromkeys(("__str__", "__repr__", "__format__"), "''"),
    **dict.fromkeys(("__iter__", "__reversed__"), "iter(())"),
    **{"__bool__": "True", "__contains__": "True", "__del__": "None"},
}
for _name, _call in ASKED.items():
    HIDDEN[f"the special method {_name}"] = {
        "": SPECIAL.format(name=_name, answer=ANSWERS.get(_name, "0")),
        ":": f"{_call}\n",
        "?": "BOX.size()",
    }


@dataclass(frozen=True)
class Program:
    """A program: what it counts with, through what, in which form, how far, in how many threads."""

    texts: Texts
    name: str = ""
    way: str = "directly"
    shape: str = "while True"
    limit: int = 3
    threads: int = 1

    @property
    def module(self) -> str:
        """The text of a module that defines MACHINE, RULES and thread."""
        parts = [HEAD.format(limit=self.limit), self.texts.get("", "")]
        if "|" in self.texts:
            return "".join([*parts, "\ndef thread():\n", _in(self.texts["|"])])
        does, counts = self.texts.get(":", ""), self.texts["?"].strip()
        if self.way != "directly":
            body = _in(f"{does}return {counts}")
            forms = {"body": body, "deep": _in(body), "yields": body.replace("return ", "yield ")}
            parts.append(WAYS[self.way].format(**forms) + "\n")
            does, counts = "", "counted()"
        asks = {"does": _in(does or "pass\n").rstrip(), "counts": f"{counts} >= LIMIT"}
        if self.shape == "a part":
            parts.append("def part():\n" + _in(SHAPES["while True"].format(**asks)) + "\n")
        thread = self.texts.get(">", "") + SHAPES[self.shape].format(**asks)
        return "".join([*parts, "\ndef thread():\n", _in(thread), "\n"])


def _in(text: str) -> str:
    return textwrap.indent(text, "    ")


def programs(name: str, seed: int) -> Iterator[Program]:
    """Yield programs without end that count in one way, in forms that the seed chooses."""
    chance = random.Random(f"{name} {seed}")
    texts = HIDDEN[name]
    while True:
        ways = ["directly"] if "|" in texts or ">" in texts else list(WAYS)
        shapes = [shape for shape in SHAPES if shape != "a part" or ">" not in texts]
        limit = chance.choice((2, 3, *range(4, 61)))
        forms = chance.choice(ways), chance.choice(shapes), limit, chance.choice((1, 1, 1, 2))
        yield Program(texts, name, *forms)


_numbers = count()


def load(text: str) -> ModuleType:
    """Import a program afresh, so that it has counted nothing yet."""
    name = f"hidden_program_{next(_numbers)}"
    file = f"<{name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    module = sys.modules[name] = ModuleType(name)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def unload() -> None:
    """Forget what was imported, and what it did to Python."""
    enum.Enum._member_names_.clear()
    for name in [name for name in sys.modules if name.startswith("hidden_program_")]:
        del sys.modules[name]
        linecache.cache.pop(f"<{name}>", None)


def breaks(program: Program, seed: int) -> bool:
    """Run a program along one schedule: does it break its rule, or end in an error?"""
    loaded, chance = load(program.module), random.Random(seed)
    machine = loaded.MACHINE
    running = [loaded.thread() for _ in range(program.threads)]
    waiting = [next(generator) for generator in running]
    for _ in range(20 * program.limit * program.threads):
        thread = chance.randrange(program.threads)
        step = waiting[thread]
        if step is None:
            continue
        own = type(step).__name__ == "Own"  # does what it does by itself
        effect = step.take(machine) if own else step.action.apply(machine, *step.args)
        if hasattr(effect, "why"):
            continue
        if not all(rule(machine, step, effect.machine) for rule in loaded.RULES):
            return True
        machine = effect.machine
        try:
            waiting[thread] = running[thread].send(effect.result)
        except StopIteration:
            waiting[thread] = None
        except GeneratorExit:
            return True
    return False


class Said(NamedTuple):
    """What the checker said: *holds*, *fails*, *undetermined*, *refused* or *raised*; and why."""

    verdict: str
    sentence: str = ""


def scenario(loaded: ModuleType, threads: int = 1) -> Scenario:
    """Return the scenario of a program that was loaded."""
    return Scenario(
        "hidden",
        "Hides.",
        Variant("", ""),
        loaded.MACHINE,
        tuple(Automaton(f"thread {n}", loaded.thread) for n in range(1, threads + 1)),
        tuple(Rule(f"rule {n}", "It is.", STEP, rule) for n, rule in enumerate(loaded.RULES)),
    )


def asked(scene: Scenario) -> Said:
    """Ask the checker for its verdict."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return Said(check(scene, limit=3_000).status)
    except (ThreadError, ScenarioError) as error:
        return Said("refused", str(error))
    except Exception:
        return Said("raised", traceback.format_exc())


def asked_twice(program: Program) -> tuple[Said, Said]:
    """Ask for the verdict on a program, and again, as a reader does who runs a cell once more."""
    loaded = load(program.module)
    return asked(scenario(loaded, program.threads)), asked(scenario(loaded, program.threads))


def fault(program: Program, said: tuple[Said, ...]) -> str:
    """Say what is wrong with what the checker said of a program; nothing, if nothing is."""
    for times, (verdict, sentence) in enumerate(said, start=1):
        again = f", when asked {times} times" if times > 1 else ""
        if verdict == "raised":
            return f"raised{again}: {sentence.splitlines()[-1]}"
        if verdict == "refused" and not re.fullmatch(r"\S.*[.?!]", sentence):
            return f"refused{again} in other than a sentence: {sentence!r}"
        if verdict == "refused" and not _names_something(program.module, sentence):
            return f"refused{again} without a line or a name: {sentence!r}"
        if verdict == "holds":
            return f"holds{again}"
    return ""


def _names_something(text: str, sentence: str) -> bool:
    """Does a sentence name a line, or something that is known by its name?"""
    defined = set(re.findall(r"(?:def|class) (\w+)|^(\w+) =", text, re.MULTILINE))
    names = {name for found in defined for name in found if name}
    said = re.match(r"The machine |The rule '|\w+\.\w+ is ", sentence) or ", line " in sentence
    return bool(said) or not names.isdisjoint(re.findall(r"\w+", sentence))


def main(number: int, seed: int) -> int:
    """Try programs; print what the checker said of each kind, and its faults."""
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in HIDDEN}
    faults: list[str] = []
    sentences: dict[str, str] = {}
    sources = {name: programs(name, seed) for name in HIDDEN}
    names = (name for _ in count() for name in HIDDEN)
    for name in islice(names, number):
        program = next(sources[name])
        said = asked_twice(program)
        wrong = fault(program, said)
        if wrong:
            faults.append(f"{name} ({program.way}, {program.shape}): {wrong}")
        outcomes[name]["FAULT" if wrong else said[0].verdict] += 1
        sentences[name] = said[0].sentence or sentences.get(name, "")
        unload()
    for name, found in outcomes.items():
        tally = ", ".join(f"{verdict} {times}" for verdict, times in sorted(found.items()))
        print(f"{name:45} {tally:25} {sentences.get(name, '')}")
    print("\n".join(["", *faults, f"{number:,} programs, {len(faults)} faults"]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
