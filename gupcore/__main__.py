"""The command line: check a scenario, or replay one of its schedules.

Exit codes: 0 all rules hold, 1 one fails, 2 undetermined, 64 the command cannot be carried out as
given (then one line on standard error says what to write instead), 130 interrupted, 141 nobody
reads the output any more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from .design import DESIGNS
from .explore import STATE_LIMIT
from .rules import RULES
from .scenario import SCENARIOS, Scenario, ScenarioError, named_scenario
from .thread import ThreadError
from .verdict import FAILS, HOLDS, UNDETERMINED, Moment, Report, ScheduleError, check, replay

EXIT = {HOLDS: 0, FAILS: 1, UNDETERMINED: 2}
EX_USAGE = 64
INTERRUPTED = 130
BROKEN_PIPE = 141


class Parser(argparse.ArgumentParser):
    """An argument parser that says in one line what is wrong, and exits with 64."""

    def error(self, message: str) -> NoReturn:
        self.exit(EX_USAGE, f"gupcore: {message[0].upper()}{message[1:].rstrip('.')}.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    options = parser().parse_args(arguments)
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever was reading has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(options: argparse.Namespace) -> int:
    try:
        scenario = named_scenario(options.scenario)(
            design=options.design, callers=options.callers, pte=options.pte
        )
        return int(options.run(scenario, options))
    except (ScenarioError, ScheduleError, ThreadError) as error:
        print(f"gupcore: {error}", file=sys.stderr)
        return EX_USAGE
    except KeyboardInterrupt:
        print("gupcore: interrupted; nothing was decided.", file=sys.stderr)
        return INTERRUPTED


def parser() -> Parser:
    """Return the parser of the command line."""
    top = Parser(prog="gupcore", description="Check the races of gup-fast and device removal.")
    commands = top.add_subparsers(required=True, metavar="check|replay", parser_class=Parser)

    scenario = Parser(add_help=False)
    scenario.add_argument("scenario", help=f"one of: {', '.join(SCENARIOS)}")
    scenario.add_argument("--design", default="v5.11", help=f"one of: {', '.join(DESIGNS)}")
    scenario.add_argument("--callers", type=_number, default=1, help="direct I/O threads, 1 to 8")
    scenario.add_argument("--pte", default="present", help="present or absent at the start")

    checks = commands.add_parser("check", parents=[scenario], help="judge every schedule")
    checks.add_argument("--rule", help=f"judge one rule only: {', '.join(RULES)}")
    checks.add_argument(
        "--limit", type=_number, default=STATE_LIMIT, help="give up after so many states"
    )
    checks.set_defaults(run=_check)

    replays = commands.add_parser("replay", parents=[scenario], help="play one schedule")
    replays.add_argument("schedule", help="one digit a step, threads counted from 1: 2211")
    replays.set_defaults(run=_replay)
    return top


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(
            f"{text[:20]!r} is not a whole number below a thousand million"
        )
    return int(text)


def _check(scenario: Scenario, options: argparse.Namespace) -> int:
    bar = ProgressBar(options.limit)
    try:
        report = check(scenario, options.rule, options.limit, bar if sys.stderr.isatty() else None)
    finally:
        bar.clear()
    print(_heading(scenario, options))
    print(f"{len(report.graph.states):,} states", end="")
    print("." if report.graph.complete else f"; stopped at the limit of {options.limit:,}.")
    print(_verdicts(report))
    return EXIT[report.status]


def _verdicts(report: Report) -> str:
    lines = []
    for line, verdict in zip(str(report).splitlines(), report.verdicts, strict=True):
        lines.append(line)
        if verdict.schedule:
            loop = f", then {verdict.loop} for ever" if verdict.loop else ""
            lines.append(f"    schedule {verdict.schedule}{loop}")
    return "\n".join(lines)


def _replay(scenario: Scenario, options: argparse.Namespace) -> int:
    moments = replay(scenario, options.schedule)
    print(_heading(scenario, options))
    for number, moment in enumerate(moments, start=1):
        print(_step(number, moment))
    return 0


def _heading(scenario: Scenario, options: argparse.Namespace) -> str:
    callers = f"{options.callers} caller{'' if options.callers == 1 else 's'}"
    return f"{scenario.name}, design {scenario.design.name}, {callers}, PTE {options.pte}"


def _step(number: int, moment: Moment) -> str:
    place = moment.places[-1]
    lines = [
        f"\n{number:3}  thread {moment.thread} ({moment.label}): {moment.said}",
        f"     {place.function}, line {place.line}: {place.text}",
        f"     kernel: {moment.source}",
        *(f"     * {change}" for change in moment.changes),
        *(f"     ! breaks the rule: {rule}" for rule in moment.breaks),
    ]
    return "\n".join(lines)


class ProgressBar:
    """A line on the terminal that shows how far a long search has got.

    The number of states is not known before the end; the bar shows how much of the limit is used.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.shown = 0.0

    def __call__(self, found: int, left: int) -> None:
        """Show that `found` states were found and `left` of them are still to be looked at."""
        now = time.monotonic()
        if now - self.shown > 0.1:
            self.shown = now
            done = "#" * round(30 * min(1.0, found / self.limit))
            line = f"\r[{done:30}] {found:,} states found, {left:,} to look at"
            print(f"{line:78}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Wipe the line, if one was shown."""
        if self.shown:
            print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
