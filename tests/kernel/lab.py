"""make kernel-lab: run the race in stock kernels, and write down what they did.

A run goes kernel by kernel and stage by stage; every stage says what it did and how long it took.
The record of a kernel is written at the very end, all at once: a run that was stopped leaves the
last whole record as it was, and so does a run of some scenarios, whose record has a name of its
own.  With --keep the record becomes the book's.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import emulator
import record
import shape
from arches import ARCHES, X86, Arch
from guest import HERE, Build
from packages import KERNELS, Unavailable, sha256
from scenarios import SCENARIOS, Scenario

ROOT = HERE.parent.parent
ROOM = ROOT / ".kernel-lab"
KEPT = ROOT / "gupcore/evidence/data"
HOLDS, FAILS, CANNOT, WRONG_USE, STOPPED = 0, 1, 2, 64, 130
LIMIT = 300  # seconds for one boot; it takes twenty on an idle machine
MOST_EVENTS = 400  # a record is for reading; what comes after is counted


def tools(arch: Arch) -> dict[str, str]:
    """Return {program that the lab needs for a machine: package that has it}."""
    return {
        "apt-get": "apt, on Debian or Ubuntu",
        "dpkg-deb": "dpkg",
        arch.compiler[0]: arch.compiler[1],
        "make": "make",
        "setpriv": "util-linux",
        arch.emulator[0]: arch.emulator[1],
    }


def main(arguments: list[str]) -> int:
    """Run the lab; return 0, 1 (a kernel did something unexpected), 2 (cannot run), 64 or 130."""
    chosen = _parser().parse_args(arguments)
    names = chosen.scenario or list(SCENARIOS)
    arch = ARCHES.get(chosen.arch, X86)
    versions = (chosen.kernel or arch.default).split(",")
    for what, given, choices in (
        ("machine", [chosen.arch], ARCHES),
        ("kernel", versions, arch.kernels),
        ("scenario", names, SCENARIOS),
    ):
        unknown = [name for name in given if name not in choices]
        if unknown:
            print(f"There is no {what} {unknown[0]}: choose {', '.join(choices)}.", file=sys.stderr)
            return WRONG_USE
    if chosen.keep and set(names) != set(SCENARIOS):
        print("The book keeps records of all scenarios: with KEEP, name none.", file=sys.stderr)
        return WRONG_USE
    try:
        with the_lab(tools(arch)):
            return max(_kernel(arch, version, names, chosen.keep) for version in versions)
    except Unavailable as why:
        print(why, file=sys.stderr)
        return CANNOT


@contextlib.contextmanager
def the_lab(needed: dict[str, str]) -> Iterator[None]:
    """Have the lab to oneself; raise Unavailable where it cannot work, or works already.

    needed  {program that must be there: package that has it}
    """
    for tool, package in needed.items():
        if shutil.which(tool) is None:
            raise Unavailable(f"The lab needs {tool}: install {package}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(STOPPED))
    ROOM.mkdir(exist_ok=True)
    with (ROOM / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("The lab is running already: wait for it, or stop it.") from None
        for left in ROOM.glob("*/run-*"):  # of a run that was killed outright
            shutil.rmtree(left)
        yield


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, without the usage that argparse would print above it."""
        print(f"make kernel-lab: {message}", file=sys.stderr)
        sys.exit(WRONG_USE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="make kernel-lab", description=__doc__)
    parser.add_argument("--arch", default=X86.name, help=f"the machine: {', '.join(ARCHES)}")
    versions = "; ".join(f"{arch.name}: {', '.join(arch.kernels)}" for arch in ARCHES.values())
    parser.add_argument("--kernel", help=f"which, with commas between ({versions})")
    parser.add_argument("--keep", action="store_true", help="make the records the book's")
    parser.add_argument("scenario", nargs="*", help=f"which, or all: {', '.join(SCENARIOS)}")
    return parser


def _kernel(arch: Arch, version: str, names: list[str], keep: bool) -> int:
    label = f"{version}{arch.suffix}"
    progress = Progress(label)
    try:
        build = Build(KERNELS[version], ROOM, arch)
        progress.done(f"packages of {build.release} are here")
        build.unpack()
        progress.done("unpacked")
    except Unavailable as why:
        progress.done(f"skipped: {why}")
        return CANNOT if (arch, version) == (X86, X86.default) else HOLDS
    without = build.compile()
    for module, reason in without.items():
        progress.done(f"no {module}.ko: {reason}")
    initramfs = build.pack()
    progress.done(f"guest made, sha256 {sha256(initramfs)[:16]}")
    runs = {}
    for name in names:
        scenario = SCENARIOS[name]
        lacking = [m for m in scenario.load if m.split(":")[0] in without]
        if lacking:
            progress.done(f"{name} skipped: no {lacking[0].split(':')[0]}.ko")
            continue
        if scenario.lookups and not build.kernel.devmap:
            progress.done(f"{name} skipped: gup of this kernel looks up no pgmap")
            continue
        runs[name] = _scenario(build, initramfs, scenario, progress)
    made = _record(build, initramfs, without, runs)
    whole = set(names) == set(SCENARIOS)
    target = ROOM / f"kernel-{label}{'' if whole else '-some'}.json"
    _write(target, made)
    if keep:
        _write(KEPT / target.name, made)
    progress.done(f"written: {target.relative_to(ROOT)}")
    complaints = shape.complaints(made, whole)
    for complaint in complaints:
        print(f"{label}: {complaint}", file=sys.stderr)
    return FAILS if complaints else HOLDS


def _scenario(
    build: Build, initramfs: Path, scenario: Scenario, progress: Progress
) -> dict[str, Any]:
    words = {"scenario": scenario.program, "disk": scenario.disk}
    if scenario.load:
        words["load"] = ",".join(scenario.load)
    if scenario.mkfs:
        words["mkfs"] = scenario.mkfs
    if scenario.traced:
        words["trace"] = "1"
    if not build.kernel.devmap:
        words["no_pagemap"] = "1"
    tick = progress.ticking(scenario.name)
    inputs = (build.arch, build.image, initramfs, words, scenario.cpus, LIMIT, tick)
    run = emulator.run(*inputs)
    seen = record.events(run.trace)
    progress.done(
        f"{scenario.name}: {len(record.oopses(run.console))} oops"
        + (f", stopped after {LIMIT} s" if run.timed_out else "")
    )
    again = None
    if not scenario.traced:  # the counted run: the same bytes a second time?
        second = emulator.run(*inputs)
        again = second.console == run.console
        progress.done(f"{scenario.name} again: {'the same' if again else 'other'} bytes")
    return {
        "says": scenario.says,
        "cpus": scenario.cpus,
        "command_line": run.command_line,
        "stopped": run.timed_out,
        "repeats": again,
        "facts": record.facts(run.console),
        "oopses": record.oopses(run.console),
        "costs": record.costs(run.console),
        "events": seen[:MOST_EVENTS],
        "events_left_out": max(0, len(seen) - MOST_EVENTS),
    }


def _record(
    build: Build, initramfs: Path, without: dict[str, str], runs: dict[str, Any]
) -> dict[str, Any]:
    return {
        "schema": 1,
        "kernel": {
            "version": build.kernel.version,
            "release": build.release,
            "package": build.package_version,
            "devmap": build.kernel.devmap,
        },
        "inputs": {path.name.split("_")[0]: sha256(path) for path in sorted(build.inputs)},
        "modules_left_out": without,
        "initramfs": sha256(initramfs),
        "scenarios": runs,
    }


def _write(target: Path, made: dict[str, Any]) -> None:
    """Write a record in one go, with one event, fact or call to a line."""
    shape.validate(made)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_text(in_lines(made) + "\n")
    part.replace(target)


def in_lines(value: Any, indent: str = "") -> str:
    """Return JSON in which whatever holds no list and no object stands on one line."""
    inner = list(
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    )
    if not any(isinstance(part, list | dict) for part in inner):
        return json.dumps(value, ensure_ascii=False)
    deeper = indent + " "
    if isinstance(value, list):
        return (
            "[\n" + ",\n".join(deeper + in_lines(part, deeper) for part in value) + f"\n{indent}]"
        )
    lines = [f"{deeper}{json.dumps(key)}: {in_lines(part, deeper)}" for key, part in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


class Progress:
    """One line a stage, with the seconds it took."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.begin = time.monotonic()

    def done(self, what: str) -> None:
        """Say that a stage is done, and begin the next."""
        seconds = time.monotonic() - self.begin
        clear = "\r\x1b[K" if sys.stdout.isatty() else ""
        print(f"{clear}{self.version}: {what} ({seconds:.0f} s)", flush=True)
        self.begin = time.monotonic()

    def ticking(self, name: str) -> Callable[[float], None]:
        """Return a function that shows the seconds go by, on a terminal."""

        def tick(seconds: float) -> None:
            if sys.stdout.isatty():
                print(f"\r{self.version}: {name} ... {seconds:.0f} s", end="", flush=True)

        return tick


def as_command(run: Callable[[list[str]], int]) -> NoReturn:
    """End with what a main function returns, or with STOPPED and a sentence at Ctrl-C."""
    try:
        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped. The records of whole runs are as they were.", file=sys.stderr)
        sys.exit(STOPPED)


if __name__ == "__main__":
    as_command(main)
