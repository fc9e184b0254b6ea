"""What must be true of a record, whatever the machine: shapes and orders, no absolute number.

The lab says so at the end of a run, and a test says so of the records in the book.  A record of a
few scenarios is held to what it has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from gupcore.evidence.records import costs, facts, waited

SCHEMA = json.loads(Path(__file__).with_name("record.schema.json").read_text())
ABLATION = {"$ref": "#/$defs/ablation", "$defs": SCHEMA["$defs"]}
PROBES = (
    *("load", "store", "gup-read-vmsplice", "gup-read-pwrite"),
    *("gup-write-pread", "gup-slow-process_vm_readv"),
)
REFUSED = ("SIGBUS", "EFAULT")
# Here the unbind waits for every pinned page: each page has a share in the pgmap's count.
WAITS_FOR_PINS = ("5.10",)
NO_LOOKUP = ("7.3",)  # a PTE has no devmap bit any more, and gup asks for no pgmap
# After an oops with interrupts off or locks held a kernel owes nobody anything, not even an end.
MAY_HANG = (*(("probes-blind", version) for version in ("5.10", "6.1", "6.12")), ("probes", "7.3"))
GUP_FAST = ("internal_get_user_pages_fast", "gup_fast_fallback")


def validate(record: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> None:
    """Raise jsonschema.ValidationError unless a record has its form."""
    jsonschema.validate(record, schema)


def in_gup_fast(oops: dict[str, Any]) -> bool:
    """Was the kernel in gup-fast, or in what gup-fast calls, when it oopsed?"""
    names = [entry.split("+")[0] for entry in (oops["instruction"], *oops["calls"]) if entry]
    return any(name in GUP_FAST for name in names[:3])


def complaints(record: dict[str, Any], whole: bool = True) -> list[str]:
    """Return one sentence for everything that is not as it must be."""
    version, runs = record["kernel"]["version"], record["scenarios"]
    found: list[str] = []
    for name, check in CHECKS.items():
        if name not in runs:
            continue
        if runs[name]["stopped"] and (name, version) not in MAY_HANG:
            found.append(f"{name}: the guest had to be stopped.")
        if not runs[name]["stopped"] and "end" not in facts(runs[name]):
            found.append(f"{name}: the guest's program did not come to its end.")
        found += [f"{name}: {text}" for text in check(runs[name], version)]
    if whole and version == "6.1":
        found += [f"{name}: is missing." for name in CHECKS if name not in runs]
    return found


def ablation_complaints(record: dict[str, Any]) -> list[str]:
    """Return one sentence for everything in the ablation's record that is not as it must be."""
    as_it_is, no_lookup, always_slow = (
        record["ways"][way] for way in ("as it is", "no lookup", "always gup-slow")
    )
    found = []
    for memory in ("fsdax", "fsdax-2M", "fsdax-two-tables"):
        ways = [costs(way, memory, "fast") for way in (no_lookup, as_it_is, always_slow)]
        if not ways[0] or not ways[0].keys() == ways[1].keys() == ways[2].keys():
            found.append(f"{memory}: the three ways did not count the same calls.")
            continue
        for pages in ways[0]:
            order = [way[pages] for way in ways]
            if not order[0] < order[1] < order[2]:
                found.append(
                    f"{memory}, {pages} pages: not no lookup < as it is < gup-slow: {order}."
                )
    for memory in ("anonymous", "anonymous-2M"):  # the switch does not lie on their way
        if costs(no_lookup, memory, "fast") != costs(as_it_is, memory, "fast"):
            found.append(f"{memory}: the check of device pages changes what it costs.")
    return found


def _pin(run: dict[str, Any], version: str) -> Iterator[str]:
    if waited(run) != (version in WAITS_FOR_PINS):
        yield f"unbind {'waited' if waited(run) else 'did not wait'} for the pin."
    if bool(run["oopses"]) == waited(run):
        yield f"{len(run['oopses'])} oopses."


def _pin_hurts(run: dict[str, Any], version: str) -> Iterator[str]:
    if waited(run) or not run["oopses"]:
        yield "unmapping alone must not wait for a pin."


def _pin_is_waited_for(run: dict[str, Any], version: str) -> Iterator[str]:
    if not waited(run) or run["oopses"]:
        yield "unmapping and waiting must keep the page until the pin has ended."


def _probes(run: dict[str, Any], version: str) -> Iterator[str]:
    said = facts(run)
    if version in NO_LOOKUP:  # the first probe ends, and with it its mapping
        if not run["oopses"]:
            yield "no oops when a process with a stale mapping ends."
        return
    if run["oopses"]:
        yield "an oops, though the check is on."
    expected = {"load": "0xa5", "store": "SIGBUS", "gup-write-pread": "EFAULT"}
    for probe in PROBES:
        got = said.get(f"{probe}.result", said.get(f"{probe}.still"))
        if got != expected.get(probe, "spins in the kernel"):
            yield f"{probe} came to {got}."


def _blind(run: dict[str, Any], version: str) -> Iterator[str]:
    if not any(in_gup_fast(oops) for oops in run["oopses"]):
        yield "no oops in gup-fast, though its check is blind."


def _clean(run: dict[str, Any], version: str) -> Iterator[str]:
    said = facts(run)
    if run["oopses"]:
        yield "an oops, though no PTE is left."
    for probe in PROBES:
        if said.get(f"{probe}.result") not in REFUSED:
            yield f"{probe} came to {said.get(f'{probe}.result')}."


def _rebind(run: dict[str, Any], version: str) -> Iterator[str]:
    said = facts(run)
    if said.get("load.result") != said.get("new.owner", "").removeprefix("writes "):
        yield f"the old mapping reads {said.get('load.result')}."


def _two_cpus(run: dict[str, Any], version: str) -> Iterator[str]:
    happened = [(event[2], event[3], event[5]) for event in run["events"]]
    lookups = [what for who, what, off in happened if off and what.startswith("get_dev_pagemap:")]
    if "get_dev_pagemap: none" not in lookups:
        yield "gup-fast was never refused."
        return
    refused = lookups.index("get_dev_pagemap: none")
    if "get_dev_pagemap: found" in lookups[refused:]:
        yield "gup-fast found the pgmap again after it was refused."
    whats = [what for _, what, _ in happened]
    removed = whats.index("arch_remove_memory") if "arch_remove_memory" in whats else len(whats)
    last = max(
        (n for n, (_, what, off) in enumerate(happened) if off and what.endswith(": found")),
        default=-1,
    )
    if last > removed:
        yield "gup-fast found the pgmap after the struct pages were gone."
    if run["oopses"]:
        yield "an oops, though the check is on."


def _cost(run: dict[str, Any], version: str) -> Iterator[str]:
    if run["repeats"] is False:
        yield "a second run printed other bytes."
    cost = {(c["memory"], c["call"], c["write"], c["pages"]): c["least"] for c in run["costs"]}
    sizes = sorted({pages for memory, _, _, pages in cost if memory == "fsdax"})
    if len(sizes) < 5:
        yield "there are too few calls to judge."
        return
    for pages in sizes:
        order = [
            cost["anonymous", "fast", True, pages],
            cost["fsdax", "fast", True, pages],
            cost["fsdax", "slow", True, pages],
        ]
        if order != sorted(order):
            yield f"{pages} pages: not ordinary < with the check < slow, but {order}."
    for memory in ("anonymous", "fsdax"):
        line = [cost[memory, "fast", True, pages] for pages in sizes]
        slope = (line[-1] - line[0]) / (sizes[-1] - sizes[0])
        off = max(
            abs(line[0] + slope * (pages - sizes[0]) - value)
            for pages, value in zip(sizes, line, strict=True)
        )
        if off > slope:
            yield f"gup-fast on {memory} memory is no line: {off:.0f} off, {slope:.0f} a page."
    if cost["fsdax-two-tables", "fast", True, 512] <= cost["fsdax", "fast", True, 512]:
        yield "a second page table costs nothing."


CHECKS = {
    "direct-io": _pin,
    "hold": _pin,
    "probes": _probes,
    "probes-blind": _blind,
    "zapped-after": _clean,
    "zapped-before": _clean,
    "cure": _clean,
    "cure-hold": _pin_hurts,
    "cure-direct-io": _pin_hurts,
    "cure-waits-hold": _pin_is_waited_for,
    "cure-waits-direct-io": _pin_is_waited_for,
    "rebind": _rebind,
    "two-cpus": _two_cpus,
    "cost": _cost,
}
