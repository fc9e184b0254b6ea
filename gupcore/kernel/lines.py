"""A reading map: where in the kernel's C the model's functions, steps and tests have their lines.

No line of the kernel is copied here.  A mark says by which name a line is recognised, and what
stands for it in the model; the link leads to the line.  The lines are those of v5.11 and of
Debian's v6.1.192, whose names for the same things are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..checker.spots import SPOTS, Spot

V5_11, V6_1 = "v5.11", "v6.1.192"
TREE = "https://git.kernel.org/pub/scm/linux/kernel/git/{}/linux.git/tree"


class Mark(NamedTuple):
    """A line of a kernel's function.

    line     its number
    shows    a name that stands in the line
    model    the step, test or phase of the model that stands for it
    """

    line: int
    shows: str
    model: str


class Lines(NamedTuple):
    """A function of the kernel, and the lines of it that the model has something for.

    model    the model's function, or the step that is all of it
    version  the tag of Linux whose lines they are
    too      another function of the model that stands for it; "" for none
    """

    function: str
    file: str
    first: int
    last: int
    model: str
    marks: tuple[Mark, ...]
    version: str = V5_11
    too: str = ""

    def link(self, line: int = 0) -> str:
        """Return the address of a line, or of the first."""
        tree = TREE.format("torvalds" if self.version.count(".") == 1 else "stable")
        return f"{tree}/{self.file}?h={self.version}#n{line or self.first}"

    def calls(self) -> Iterator[tuple[str, str]]:
        """Yield the calls of the model that stand for the marks, as SPOTS has them."""
        yield "", self.model
        for model in (self.model, self.too) if self.too else (self.model,):
            yield from ((model, mark.model) for mark in self.marks)

    def spot(self, line: int = 0) -> Spot:
        """Return the same in words as well."""
        return Spot(f"{self.file}:{line or self.first}, {self.version}", self.link(line))


def _marks(*marks: tuple[int, str, str]) -> tuple[Mark, ...]:
    return tuple(Mark(*mark) for mark in marks)


READING: tuple[Lines, ...] = (
    Lines(
        *("gup_pte_range", "mm/gup.c", 1997, 2071, "gup_pte_range"),
        _marks(
            (2006, "ptep_get_lockless", "ptep_get_lockless"),
            (2013, "pte_protnone", "pte_protnone"),
            (2016, "pte_access_permitted", "pte_access_permitted"),
            (2019, "pte_devmap", "pte_devmap"),
            (2020, "FOLL_LONGTERM", "FOLL_LONGTERM"),
            (2023, "get_dev_pagemap", "get_dev_pagemap"),
            (2025, "undo_dev_pagemap", "put_pages"),
            (2028, "pte_special", "pte_special"),
            (2034, "try_grab_compound_head", "try_grab_compound_head"),
            (2038, "pte_val", "ptep_reread"),
            (2039, "put_compound_head", "put_page"),
            (2068, "put_dev_pagemap", "put_dev_pagemap"),
        ),
    ),
    Lines(
        *("follow_page_pte", "mm/gup.c", 366, 514, "follow_page_pte"),
        _marks(
            (384, "pte_offset_map_lock", "pte_offset_map_lock"),
            (406, "can_follow_write_pte", "pte_access_permitted"),
            (412, "pte_devmap", "pte_devmap"),
            (418, "get_dev_pagemap", "get_dev_pagemap"),
            (452, "try_grab_page", "try_grab_page"),
            (507, "pte_unmap_unlock", "pte_unmap_unlock"),
        ),
    ),
    Lines(
        *("get_dev_pagemap", "mm/memremap.c", 454, 476, "get_dev_pagemap"),
        _marks(
            (470, "xa_load", "lookup_and_tryget_live"),
            (471, "percpu_ref_tryget_live", "lookup_and_tryget_live"),
        ),
    ),
    Lines(
        *("percpu_ref_tryget_live", "include/linux/percpu-refcount.h", 284, 301, ""),
        _marks(
            (291, "__ref_is_percpu", "lookup_and_tryget_live"),
            (292, "this_cpu_inc", "lookup_and_tryget_live"),
            (294, "__PERCPU_REF_DEAD", "lookup_and_tryget_live"),
            (295, "atomic_long_inc_not_zero", "lookup_and_tryget_live"),
        ),
    ),
    Lines(
        *("memunmap_pages", "mm/memremap.c", 153, 169, "unbind"),
        _marks(
            (158, "dev_pagemap_kill", "dev_pagemap_kill"),
            (161, "put_page", "put_pages"),
            (162, "dev_pagemap_cleanup", "dev_pagemap_cleanup"),
            (165, "pageunmap_range", "arch_remove_memory"),
        ),
    ),
    Lines(
        *("pageunmap_range", "mm/memremap.c", 124, 151, "unbind"),
        _marks(
            (136, "mem_hotplug_begin", "mem_hotplug_begin"),
            (143, "arch_remove_memory", "arch_remove_memory"),
            (150, "pgmap_array_delete", "pgmap_array_delete"),
        ),
    ),
    Lines(
        *("zap_pte_range", "mm/memory.c", 1206, 1339, "zap_ptes"),
        _marks(
            (1222, "pte_offset_map_lock", "zap_ptes"),
            (1248, "ptep_get_and_clear_full", "zap_ptes"),
            (1267, "__tlb_remove_page", "put_page"),
            (1319, "tlb_flush_mmu_tlbonly", "flush_tlb"),
            (1330, "tlb_flush_mmu", "flush_tlb"),
        ),
    ),
    Lines(
        *("gup_pte_range", "mm/gup.c", 2449, 2529, "gup_pte_range"),
        _marks(
            (2459, "ptep_get_lockless", "ptep_get_lockless"),
            (2463, "pte_protnone", "pte_protnone"),
            (2466, "pte_access_permitted", "pte_access_permitted"),
            (2469, "pte_devmap", "pte_devmap"),
            (2470, "FOLL_LONGTERM", "FOLL_LONGTERM"),
            (2473, "get_dev_pagemap", "get_dev_pagemap"),
            (2475, "undo_dev_pagemap", "put_pages"),
            (2478, "pte_special", "pte_special"),
            (2484, "try_grab_folio", "try_grab_compound_head"),
            (2493, "pmd_val", "pmd_reread"),
            (2494, "pte_val", "ptep_reread"),
            (2495, "gup_put_folio", "put_page"),
            (2526, "put_dev_pagemap", "put_dev_pagemap"),
        ),
        *(V6_1, "gup_pte"),
    ),
    Lines(
        *("try_grab_folio", "mm/gup.c", 125, 183, "try_grab_compound_head"),
        _marks(
            (128, "try_get_folio", "try_grab_compound_head"),
            (152, "try_get_folio", "try_grab_compound_head"),
        ),
        V6_1,
    ),
    Lines(
        *("try_get_folio", "mm/gup.c", 70, 97, "try_get_compound_head"),
        _marks(
            (75, "page_folio", "compound_head"),
            (78, "folio_ref_try_add_rcu", "page_cache_add_speculative"),
            (90, "page_folio", "compound_head"),
            (92, "folio_put_refs", "put_head"),
        ),
        V6_1,
    ),
    Lines(
        *("follow_page_pte", "mm/gup.c", 543, 680, "follow_page_pte"),
        _marks(
            (573, "pte_offset_map_lock", "pte_offset_map_lock"),
            (603, "can_follow_write_pte", "pte_access_permitted"),
            (608, "pte_devmap", "pte_devmap"),
            (614, "get_dev_pagemap", "get_dev_pagemap"),
            (644, "try_grab_page", "try_grab_page"),
            (673, "pte_unmap_unlock", "pte_unmap_unlock"),
        ),
        V6_1,
    ),
    Lines(
        *("get_dev_pagemap", "mm/memremap.c", 446, 468, "get_dev_pagemap"),
        _marks(
            (462, "xa_load", "lookup_and_tryget_live"),
            (463, "percpu_ref_tryget_live_rcu", "lookup_and_tryget_live"),
        ),
        V6_1,
    ),
    Lines(
        *("percpu_ref_tryget_live_rcu", "include/linux/percpu-refcount.h", 275, 289, ""),
        _marks(
            (282, "__ref_is_percpu", "lookup_and_tryget_live"),
            (283, "this_cpu_inc", "lookup_and_tryget_live"),
            (285, "__PERCPU_REF_DEAD", "lookup_and_tryget_live"),
            (286, "atomic_long_inc_not_zero", "lookup_and_tryget_live"),
        ),
        V6_1,
    ),
    Lines(
        *("memunmap_pages", "mm/memremap.c", 136, 154, "unbind"),
        _marks(
            (140, "percpu_ref_kill", "dev_pagemap_kill"),
            (144, "percpu_ref_put_many", "drop_pages_in_bulk"),
            (146, "wait_for_completion", "dev_pagemap_cleanup"),
            (149, "pageunmap_range", "arch_remove_memory"),
        ),
        V6_1,
    ),
    Lines(
        *("pageunmap_range", "mm/memremap.c", 110, 134, "unbind"),
        _marks(
            (119, "mem_hotplug_begin", "mem_hotplug_begin"),
            (126, "arch_remove_memory", "arch_remove_memory"),
            (133, "pgmap_array_delete", "pgmap_array_delete"),
        ),
        V6_1,
    ),
    Lines(
        *("zap_pte_range", "mm/memory.c", 1399, 1532, "zap_ptes"),
        _marks(
            (1415, "pte_offset_map_lock", "zap_ptes"),
            (1433, "ptep_get_and_clear_full", "zap_ptes"),
            (1454, "__tlb_remove_page", "put_page"),
            (1512, "tlb_flush_mmu_tlbonly", "flush_tlb"),
            (1523, "tlb_flush_mmu", "flush_tlb"),
        ),
        V6_1,
    ),
)

FILES = tuple(sorted({lines.file for lines in READING}))


def marks_of(model: str) -> Iterator[tuple[Lines, Mark]]:
    """Yield the marks at which something of the model stands for a line."""
    for lines in READING:
        for mark in lines.marks:
            if mark.model == model:
                yield lines, mark


def _spots() -> dict[tuple[str, str], Spot]:
    """Return the line of each call: of the older version, if both have it.

    A call that has several lines has the one that goes by its own name, or else the first.
    """
    found: dict[tuple[str, str], Spot] = {}
    for by_name in (True, False):
        for lines in READING:
            found.setdefault(("", lines.model), lines.spot())
            for mark in lines.marks:
                if mark.shows == mark.model or not by_name:
                    for model in filter(None, (lines.model, lines.too)):
                        found.setdefault((model, mark.model), lines.spot(mark.line))
    return found


SPOTS.update(_spots())
