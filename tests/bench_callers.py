"""Measure what callers cost: searches and views of gupcore, Spin and Harmony, in one run.

Each figure is of a process of its own, from its start to its verdict on the race in the setting
that `race()` has of itself.  Of Spin the time is all of it, and in brackets the verifier alone.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen
from tempfile import TemporaryDirectory
from threading import Timer
from typing import NamedTuple

from test_oracles import EXISTS, HARMONY, harmony_command, spin_commands

DESIGNS = ("cure", "v5.11", "no-check")
CALLERS = range(1, 7)
LIMIT = 60  # seconds for a process; more callers are then not tried
BY_ORBITS = """
import sys
from gupcore import race
from gupcore.checker.orbits import check_by_orbits
print(check_by_orbits(race(sys.argv[1], callers=int(sys.argv[2])), limit=10**9).counted)
"""
COUNTED = re.compile(r"([\d,]+) (?:orbits|states, stored|states|views)|Explored (\d+) states")

Commands = Sequence[Sequence[str | Path]]


class Ran(NamedTuple):
    """What a process took: seconds, MB at most, and what it printed."""

    seconds: float
    memory: float
    printed: str


def took(command: Sequence[str | Path], where: Path) -> Ran | None:
    """Run a command; None if it is not through in time."""
    start = time.perf_counter()
    with (where / "printed").open("w") as out:
        running = Popen(command, cwd=where, stdin=DEVNULL, stdout=out, stderr=out)
    timer = Timer(LIMIT, running.kill)
    timer.start()
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    seconds = time.perf_counter() - start
    if running.returncode < 0:
        return None
    return Ran(seconds, usage.ru_maxrss / 1024, (where / "printed").read_text())


def figure(commands: Commands) -> str | None:
    """Run what leads to a verdict; one process after the other, the last of which is asked."""
    with TemporaryDirectory() as folder:
        ran = [took(command, Path(folder)) for command in commands]
    last = ran[-1]
    if last is None:
        return None
    found = COUNTED.search(last.printed)
    assert found, last.printed
    alone = f" ({last.seconds:.1f})" if len(ran) > 1 else ""
    seconds = sum(one.seconds for one in ran if one)
    states = int((found[1] or found[2]).replace(",", ""))
    return f"{states:,} in {seconds:.1f}{alone} s, {last.memory:.0f} MB"


def asked_of_gupcore(design: str, callers: object) -> Commands:
    check = [sys.executable, "-m", "gupcore", "check", "seed-race", "--limit", "999999999"]
    return [
        [*(check[:-2] if callers == "any" else check), "--design", design, f"--callers={callers}"]
    ]


def asked_of_harmony(design: str, callers: int) -> Commands:
    asked = {"DESIGN": design, "RULE": EXISTS, "CALLERS": callers, "ABSENT": False}
    return [harmony_command(asked)]


def tools(design: str) -> Iterator[tuple[str, list[Commands]]]:
    """Yield what is measured, and how it is asked with one caller, two, and so on."""
    yield "plain", [asked_of_gupcore(design, n) for n in CALLERS]
    yield "orbits", [[[sys.executable, "-c", BY_ORBITS, design, str(n)]] for n in CALLERS]
    if shutil.which("spin"):
        for name, reduced in (("Spin", False), ("Spin, reduced", True)):
            yield name, [spin_commands(design, n, reduced, SHOWS=0) for n in CALLERS]
    if HARMONY.exists():
        yield "Harmony, one rule", [asked_of_harmony(design, n) for n in CALLERS]


def measured() -> Iterator[tuple[str, str]]:
    for design in DESIGNS:
        yield f"{design}, any number: views", figure(asked_of_gupcore(design, "any")) or "too long"
        for name, asked in tools(design):
            for callers, commands in zip(CALLERS, asked, strict=True):
                found = figure(commands)
                yield f"{design} x {callers}, {name}", found or f"not within {LIMIT} s"
                if found is None:
                    break
