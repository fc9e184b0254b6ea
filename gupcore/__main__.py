"""The command line: check a scenario, replay one of its schedules, or print a table of verdicts.

Exit codes:
    0  all rules hold, or all of a table or a schedule was printed
    1  a rule fails
    2  undetermined: a search stopped at its limit
   64  the command cannot be carried out as it was given
   70  an error inside gupcore
   71  out of memory
   74  the output cannot be written: the disk is full, or standard output is closed
  130  interrupted: the process ends by the signal, and a shell makes 130 of that
  141  nobody reads the output any more

With 64, 70, 71, 74 and 130 one line on standard error says what happened.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from traceback import extract_tb
from typing import Any, NoReturn, TextIO

from .checker.any_number import ANY, ReportOnAny, check_any
from .checker.asked import ScenarioError, check_number, one_of, one_of_these
from .checker.explore import STATE_LIMIT
from .checker.maker import SCENARIOS, Domain, named_scenario
from .checker.replay import Moment, ScheduleError, replay
from .checker.scenario import Scenario
from .checker.source import ThreadError
from .checker.verdict import FAILS, HOLDS, UNDETERMINED, Report, check
from .jobs import workers
from .kernel.design import DESIGNS
from .kernel.rules import RULES
from .outset import EX_OSERR, EX_SOFTWARE, prepare
from .table import HEADING, MOST_THREADS, Many, callers_up_to, needs, planned
from .terminal import ProgressBar, RowsBar, is_watched, print_beside

EXIT = {HOLDS: 0, FAILS: 1, UNDETERMINED: 2}
EX_USAGE, EX_IOERR = 64, 74  # as in sysexits.h
BROKEN_PIPE = 141

USUAL = "seed-race"  # the scenario of a table
MOST_JOBS = 64
NO_LIMIT = "Of any number of callers not every state is looked at; leave --limit out."
MOST_LACKING = 2  # callers with whom protections are taken away; with more it takes hours

# What the parameters of scenarios mean.
MEANS = {
    "design": "the protections that are on",
    "callers": "threads that use the page",
    "pte": "the PTE at the start",
    "access": "what gup asks for",
    "pages": "pages of the buffer",
    "moved": "by how many frames and page tables everything lies further up",
    "without": "leave one thread out",
    "behind": "what a special PTE maps",
    "wait": "does the kill wait for a grace period?",
    "patch": "a published patch, by its commit",
    "version": "the code that the patch found, or with it",
}


class OutputError(Exception):
    """Standard output cannot be written; the message says why."""


class Parser(argparse.ArgumentParser):
    """An argument parser that leaves it to `main` to say in one line what is wrong.

    Its help ends with the exit codes.
    """

    def __init__(self, **settings: Any) -> None:
        codes = (__doc__ or "").partition("\n\n")[2]
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(epilog=codes, formatter_class=layout, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise ScenarioError."""
        raise ScenarioError(f"{message[0].upper()}{message[1:].rstrip('.')}.")

    def print_help(self, file: Any = None) -> None:
        """Print the help on standard output, or raise OutputError."""
        _say(self.format_help().rstrip())


# --- The process ----------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    try:
        options = parser().parse_args(arguments)
        _output()  # if it is closed, do not search for minutes first
        return int(options.run(options))
    except SystemExit:  # the help was printed
        return EXIT[HOLDS]
    except BrokenPipeError:  # whoever was reading has seen enough
        return BROKEN_PIPE
    except Exception as error:
        code, says = _what_happened(error)
    # Only now is what the error held on to gone: without it there may be no memory to speak with.
    _complain(says)
    return code


def _what_happened(error: Exception) -> tuple[int, str]:
    """Return the exit code for an error, and what to say."""
    cause: BaseException | None = error
    while cause is not None:  # a thread's step may have been what found no memory
        # CPython 3.11 may find no memory to say so, and then says that nothing was said.
        if isinstance(cause, MemoryError) or (
            isinstance(cause, SystemError) and "without exception set" in str(cause)
        ):
            return EX_OSERR, "Out of memory; fewer callers or a lower --limit need less."
        cause = cause.__cause__
    if isinstance(error, ScenarioError | ScheduleError | ThreadError):
        return EX_USAGE, str(error)
    if isinstance(error, BrokenExecutor):
        return EX_OSERR, "A job was ended from outside; if for want of memory, use fewer --jobs."
    if isinstance(error, OutputError):
        return EX_IOERR, f"The output cannot be written: {error}."
    place = extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return EX_SOFTWARE, (
        "An error inside gupcore; please report it with the command: "
        f"{where}, {type(error).__name__}: {error}"
    )


def _program() -> NoReturn:
    """Run the command line as a process of its own, which ends with a code and no traceback."""
    prepare()
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said
    _drop_what_cannot_be_written()
    sys.exit(code)


def _drop_what_cannot_be_written() -> None:
    """Empty the streams: Python does it at its end, and exits with 120 where that fails."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _output() -> TextIO:
    """Return standard output; raise OutputError if it was closed from the start."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    return sys.stdout


def _say(text: str) -> None:
    """Print a text at once, or raise OutputError; BrokenPipeError if nobody reads."""
    try:
        print(text, file=_output(), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror) from error


def _complain(says: str) -> None:
    """Say one line on standard error; what would not print, such as an escape, is spelt out."""
    shown = (c if c.isprintable() else repr(c)[1:-1] for c in f"gupcore: {says}")
    print_beside(f"{''.join(shown)}\n")


# --- The options ----------------------------------------------------------------------------------


def parser() -> Parser:
    """Return the parser of the command line."""
    top = Parser(prog="gupcore", description="Check the races of gup-fast and device removal.")
    commands = top.add_subparsers(required=True, metavar="check|replay|table", parser_class=Parser)
    limit = Parser(add_help=False)
    says = f"give up after so many states, {STATE_LIMIT:,} if not given"
    limit.add_argument("--limit", type=_number, default=STATE_LIMIT, help=says)

    scenario = Parser(add_help=False)
    scenario.add_argument("scenario", help=f"one of: {', '.join(SCENARIOS)}")
    for name, choices in _parameters().items():
        can_be = "; ".join(f"{words} ({_which(having)})" for words, having in choices.items())
        means = f"{MEANS[name]}: " if name in MEANS else ""
        can_be += f"; to check, or {ANY}: for any number of them" if name == "callers" else ""
        scenario.add_argument(f"--{name}", help=f"{means}{can_be}")

    checks = commands.add_parser("check", parents=[scenario, limit], help="judge every schedule")
    checks.add_argument("--rule", help=f"judge one rule only: {', '.join(RULES)}")
    checks.set_defaults(run=_check)

    replays = commands.add_parser("replay", parents=[scenario], help="play one schedule")
    replays.add_argument("schedule", help="one digit a step, threads counted from 1: 2211")
    replays.set_defaults(run=_replay)

    tables = commands.add_parser("table", parents=[limit], help="judge designs side by side")
    tables.add_argument("scenario", nargs="?", default=USUAL, help=f"{USUAL} if not given")
    tables.add_argument("--design", help="one design, not all that go with the scenario")
    usual = f"if not given 1 and 2, or only 1 where 2 would make more than {MOST_THREADS} threads"
    many = f"try 1 to so many callers, or {ANY}: any number of them; {usual}"
    tables.add_argument("--callers", type=_number_or_any, help=many)
    tables.add_argument("--lacking", help="take each protection of this design away in turn")
    jobs = f"judge so many rows at a time, each in a process of its own; 1 to {MOST_JOBS}"
    tables.add_argument("--jobs", type=_number, default=1, help=jobs)
    tables.set_defaults(run=_table)
    return top


def _parameters() -> dict[str, dict[str, list[str]]]:
    """Return what can be given of scenarios: parameter -> what it can be -> the scenarios."""
    found: dict[str, dict[str, list[str]]] = {}
    for scenario, make in SCENARIOS.items():
        for name in make.parameters:
            words = _choices(name, make.domains.get(name))
            if words:
                found.setdefault(name, {}).setdefault(words, []).append(scenario)
    return found


def _choices(name: str, domain: Domain | None) -> str:
    """Say what a parameter can be; nothing if it cannot be written on a command line."""
    if isinstance(domain, range):
        return f"{domain[0]} {'or' if len(domain) == 2 else 'to'} {domain[-1]}"
    if isinstance(domain, tuple):
        return " or ".join(map(_word, domain))
    return {"design": one_of(DESIGNS), "without": "its label"}.get(name, "")


def _which(scenarios: Sequence[str]) -> str:
    """Name some of the scenarios, or those that are not among them, whichever are fewer."""
    rest = [name for name in SCENARIOS if name not in scenarios]
    if len(rest) >= len(scenarios):
        return one_of(scenarios)
    return f"all but {one_of(rest)}" if rest else "all"


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(
            f"{text[:20]!r} is not a whole number below a thousand million"
        )
    return int(text)


def _number_or_any(text: str) -> Many:
    return ANY if text == ANY else _number(text)


def _value(name: str, text: str, domain: Domain | None) -> Any:
    """Return what `text` stands for; raise ScenarioError if that cannot be in the domain."""
    if isinstance(domain, range):
        try:
            return _number(text)
        except argparse.ArgumentTypeError as error:
            raise ScenarioError(f"Argument --{name}: {error}.") from None
    if isinstance(domain, tuple):
        values = {_word(value): value for value in domain}
        return values[one_of_these(name, text, values)]
    return text


def _given(options: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that were given, as they were written."""
    return {name: value for name in _parameters() if (value := getattr(options, name)) is not None}


def _scenario(options: argparse.Namespace) -> Scenario:
    """Set up the scenario with the options that were given; refuse one it does not have."""
    name, make = options.scenario, named_scenario(options.scenario)
    given = _given(options)
    for parameter in given:
        if parameter not in make.parameters:
            raise ScenarioError(f"The scenario {name} has no --{parameter}; leave it out.")
    return make(**{p: _value(p, text, make.domains.get(p)) for p, text in given.items()})


# --- The commands ---------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    if options.callers == ANY:
        options.callers = None
        return _check_any(options)
    scenario = _scenario(options)
    bar = ProgressBar(options.limit)
    try:
        report = check(scenario, options.rule, options.limit, bar if is_watched() else None)
    finally:
        bar.clear()
    found = f"{len(report.graph.states):,} states"
    cut = "" if report.graph.complete else f"; stopped at the limit of {options.limit:,}"
    _say("\n".join([_heading(scenario, options), f"{found}{cut}.", *_verdicts(report)]))
    return EXIT[report.status]


def _check_any(options: argparse.Namespace) -> int:
    if options.limit != STATE_LIMIT:
        raise ScenarioError(NO_LIMIT)
    scenario = _scenario(options)
    report = check_any(scenario, options.rule)
    _say("\n".join([_heading(scenario, options), f"{report.counted}.", *_verdicts(report)]))
    return EXIT[report.status]


def _verdicts(report: Report | ReportOnAny) -> Iterable[str]:
    for line, verdict in zip(str(report).splitlines(), report.verdicts, strict=True):
        yield line
        if verdict.schedule:
            loop = f", then {verdict.loop} for ever" if verdict.loop else ""
            yield f"    schedule {verdict.schedule}{loop}"


def _replay(options: argparse.Namespace) -> int:
    scenario = _scenario(options)
    steps = (_step(*moment) for moment in enumerate(replay(scenario, options.schedule), start=1))
    _say("\n".join([_heading(scenario, options), *steps]))
    return EXIT[HOLDS]


def _heading(scenario: Scenario, options: argparse.Namespace) -> str:
    given = (f"{name} {text}" for name, text in _given(options).items() if name != "design")
    return ", ".join([scenario.name, f"design {scenario.design.name}", *given])


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


def _table(options: argparse.Namespace) -> int:
    if options.lacking is not None:
        return _table_of_needs(options)
    name, design, most = options.scenario, options.design, options.callers
    if most == ANY and options.limit != STATE_LIMIT:
        raise ScenarioError(NO_LIMIT)
    callers: Sequence[Many] | None = None
    if most is not None:
        callers = [ANY] if most == ANY else callers_up_to(name, most)
    plan = planned(name, None if design is None else [design], callers)
    check_number("jobs", options.jobs, MOST_JOBS)
    _say(HEADING)
    status = HOLDS
    bar = RowsBar()
    with workers(options.jobs) as executor:
        for row in plan.rows(options.limit, executor, bar if is_watched() else None):
            bar.clear()
            _say(str(row))
            if any(verdict.status == UNDETERMINED for verdict in row.verdicts):
                status = UNDETERMINED
    if plan.others:
        _say(plan.left_out())
    return EXIT[status]


def _table_of_needs(options: argparse.Namespace) -> int:
    usual = (USUAL, None, STATE_LIMIT, 1)
    if (options.scenario, options.design, options.limit, options.jobs) != usual:
        raise ScenarioError("--lacking tries every scenario; with it goes --callers only.")
    number = MOST_LACKING if options.callers is None else options.callers
    check_number("callers", number, MOST_LACKING)
    for need in needs(options.lacking, range(1, number + 1)):
        _say(str(need))
    return EXIT[HOLDS]


if __name__ == "__main__":
    _program()
