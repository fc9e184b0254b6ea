"""What a run has shown, as data: facts, oopses, costs and events, out of two serial consoles.

A record holds nothing that the run did not print; who is who in the trace is told by the facts
that the guest's program writes into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

FACT = re.compile(r"^FACT (\S+) (.*)$", re.M)
COST = re.compile(r"^COST (\S+) (\S+) (\d) (\d+) (\d+) (\d+)$", re.M)
EVENT = re.compile(
    r"^\s*(?P<task>.+)-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s+(?P<flags>\S+)\s+(?P<time>\d+\.\d+): "
    r"(?P<rest>.*)$"
)
# On arm64 the probe of a return hides the caller from the tracer; the return says who it was.
CALL = re.compile(r"^(?P<function>[\w.]+) <-(?:(?P<caller>[\w.]+)|\[unknown/kretprobe'd\])$")
RETURN = re.compile(r"\((?P<caller>[\w.]+)\+\S+ <- get_dev_pagemap\) found=(?P<value>0x[0-9a-f]+)")
# x86's words, and arm64's.
OOPS = re.compile(r"^\[ *[\d.]+\] (BUG: .*|Unable to handle .*)$", re.M)
ADDRESS = re.compile(r"(?:for address:|at virtual address) ([0-9a-f]{16})")
INSTRUCTION = re.compile(r"^(?:RIP: 0010:|pc : )(\S+)", re.M)
CALLS = re.compile(r"^Call [Tt]race:\n(.*?)(?:^RIP: 0033|^ </TASK>|^Modules|^Code:)", re.M | re.S)
# The guest's own errands.
OF_THE_GUEST = ("init", "cat", "sh", "tr", "awk", "exe", "sed", "rm", "insmod", "poweroff")
# Facts are written by the one they speak of, but for these, which the observer writes.
OF_THE_OBSERVER = ("thread1", "unbind.ms", "end", "bind", "new")
THREAD_1 = ("pte", "io", "vmsplice", "pin", "loop")


def facts(console: str) -> list[list[str]]:
    """Return what the guest's program and its init said: [name, value], in order."""
    return [list(found) for found in FACT.findall(console)]


def oopses(console: str) -> list[dict[str, Any]]:
    """Return each oops of the kernel: what it says, where it stood, and how it came there."""
    starts = [found.start() for found in OOPS.finditer(console)]
    ends = [*starts[1:], len(console)]
    return [_oops(console[a:b]) for a, b in zip(starts, ends, strict=False)]


def _oops(text: str) -> dict[str, Any]:
    text = re.sub(r"^\[ *[\d.]+\] ?", "", text, flags=re.M)
    address = ADDRESS.search(text)
    where = INSTRUCTION.search(text)
    task = re.search(r"^CPU: (\d+) .*Comm: (\S+)", text, re.M)
    # Entries with a question mark are what the unwinder found on the stack and does not vouch for.
    found = CALLS.search(text)
    calls = re.findall(r"^ +(\w[\w.]*\+0x\S+)", found[1], re.M) if found else []
    if where and calls[:1] == [where[1]]:  # arm64 begins with the instruction itself
        del calls[0]
    return {
        "says": text.splitlines()[0].removeprefix("BUG: "),
        "address": f"0x{address[1]}" if address else None,
        "instruction": where[1] if where else None,
        "cpu": int(task[1]) if task else None,
        "calls": calls,
    }


def costs(console: str) -> list[dict[str, Any]]:
    """Return the counted calls: the least and the most instructions of eight."""
    return [
        {
            "memory": memory,
            "call": call,
            "write": write == "1",
            "pages": int(pages),
            "least": int(least),
            "most": int(most),
        }
        for memory, call, write, pages, least, most in COST.findall(console)
    ]


def events(trace: str) -> list[list[Any]]:
    """Return the events of a trace.

    Each is [microseconds, CPU, who, what, called by, interrupts off, times]:
    what   a function that was entered; `fact NAME VALUE`; or `get_dev_pagemap: found`, `... none`
    times  how often this event, or the run of events that ends with it, came in a row
    """
    lines = [found for line in trace.splitlines() if (found := EVENT.match(line))]
    names = _names(lines)
    made: list[list[Any]] = []
    for line in lines:
        what, caller = _what(line["rest"])
        if what and (line["pid"] in names or "guplab" not in line["task"]):
            who = names.get(line["pid"], line["task"].strip())
            off = line["flags"][0] in "dD"
            if what.startswith("get_dev_pagemap:") and made:
                last = made[-1]
                last[4] = caller if last[2:5] == [who, "get_dev_pagemap", ""] else last[4]
            made.append([_microseconds(line["time"]), int(line["cpu"]), who, what, caller, off, 1])
    made = [event for event in made if event[2] not in OF_THE_GUEST]
    start = made[0][0] if made else 0
    return [[event[0] - start, *event[1:]] for event in folded(made)]


def _names(lines: Iterable[re.Match[str]]) -> dict[str, str]:
    """Return {process: who}: a process is who its first own fact says."""
    names: dict[str, str] = {}
    for line in lines:
        said = re.search(r"tracing_mark_write: FACT (\S+)", line["rest"])
        if not said or said[1].startswith(OF_THE_OBSERVER):
            continue
        fact = said[1]
        first = fact.split(".")[0]
        who = "thread 2" if first == "unbind" else "thread 1" if first in THREAD_1 else first
        if fact.endswith((".still", ".stack", ".kill", ".end")):
            continue
        names.setdefault(line["pid"], who)
    return names


def _what(rest: str) -> tuple[str, str]:
    """Return what an event is and who called; an event that says nothing is empty."""
    rest = rest.strip()
    if rest.startswith("tracing_mark_write: FACT"):
        return "fact " + rest.removeprefix("tracing_mark_write: FACT "), ""
    if found := RETURN.search(rest):
        return f"get_dev_pagemap: {'none' if int(found['value'], 16) == 0 else 'found'}", found[
            "caller"
        ]
    if found := CALL.match(rest):
        return found["function"], found["caller"] or ""
    return "", ""


def _microseconds(time: str) -> int:
    seconds, fraction = time.split(".")
    return int(seconds) * 1_000_000 + int(fraction)


def folded(made: list[list[Any]], longest: int = 8) -> list[list[Any]]:
    """Fold what comes again and again: a run of up to `longest` events that repeats is kept once.

    The last event of the run carries how often the run came; the others carry 1.
    """
    kept: list[list[Any]] = []
    at = 0
    while at < len(made):
        length, times = max(
            ((length, _repeats(made, at, length)) for length in range(1, longest + 1)),
            key=lambda pair: (pair[0] * (pair[1] - 1), -pair[0]),
        )
        if times < 3:
            length, times = 1, 1
        run = [list(event) for event in made[at : at + length]]
        run[-1][6] = times
        if length > 1 and times > 1:
            run[-1].append(length)
        kept += run
        at += length * times
    return kept


def _repeats(made: list[list[Any]], at: int, length: int) -> int:
    """Return how often the `length` events from `at` on come one after the other."""
    first = [event[1:6] for event in made[at : at + length]]
    times = 1
    while True:
        following = made[at + times * length : at + (times + 1) * length]
        if [event[1:6] for event in following] != first or len(first) < length:
            return times
        times += 1
