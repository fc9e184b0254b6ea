"""The machine's objects in words: what a reader sees of each."""

from __future__ import annotations

from collections.abc import Iterable

from ..checker.machine import Thing
from .pte import PTE_NONE, pte_detail, pte_words


def numbered(name: str, n: int) -> str:
    """Name the object of that kind with the number `n`: the first goes without."""
    return name if n == 0 else f"{name} {n}"


def cpu_list(cpus: Iterable[int]) -> str:
    """Name some CPUs in a sentence."""
    return " and ".join(f"CPU {cpu}" for cpu in sorted(cpus))


def pte_thing(n: int, pte: int) -> Thing:
    """Describe a PTE."""
    return Thing(numbered("PTE", n), "object", pte != PTE_NONE, pte_words(pte), pte_detail(pte))


def tlb_thing(cpu: int, kept: list[int]) -> Thing:
    """Describe a CPU's TLB by the entries it keeps."""
    words = "; ".join(map(pte_words, kept)) or "empty"
    detail = pte_detail(kept[0]) if len(kept) == 1 else ()
    return Thing(f"TLB of CPU {cpu}", "object", True, words, detail)


def page_thing(name: str, value: str, kind: str, idle: int, exists: bool) -> Thing:
    """Describe a struct page; `idle` is its count when nobody uses it."""
    detail = (f"{kind}; its count is {idle} when nobody uses it",)
    return Thing(name, "object", exists, value if exists else "removed", detail)


def pgmap_thing(refs: int, dead: bool, listed: bool, life: int) -> Thing:
    """Describe a dev_pagemap."""
    value = f"{'dying' if dead else 'live'}, {refs} reference{'' if refs == 1 else 's'}"
    value += "" if life == 1 else f", bound {life} times"
    return Thing("dev_pagemap", "object", listed, value if listed else "gone from pgmap_array")


def section_thing(section: str, cpus: Iterable[int]) -> Thing:
    """Describe a section: who is inside."""
    names = cpu_list(cpus)
    return Thing(section, "section", bool(names), names or "nobody")
