"""Steps on huge and compound pages: collapse a page table into a huge leaf, split a huge page."""

from __future__ import annotations

from dataclasses import replace

from ...checker.machine import CALLER
from ...checker.step import Blocked, Effect, models
from ..machine import (
    A_LOCK,
    A_MAPPING,
    ENTRY,
    LINKED,
    STRUCT_PAGE,
    TABLE,
    TLB_ENTRY,
    UNLINKED,
    Machine,
    StructPage,
)
from ..pte import PTE_NONE, pmd_mkhuge, pte_mkmigration, pte_pfn, user_pte
from .page_table import ptl_taken

# --- khugepaged -----------------------------------------------------------------------------------


@models("pmdp_collapse_flush", "mm/pgtable-generic.c", "v6.0", writes=(TABLE,))
def detach_table(m: Machine, address: int) -> Effect:
    """Clear the PMD that leads to the page table, which keeps its PTEs.

    The kernel's function flushes as well; here the flush is the next phase.
    """
    return Effect(m.with_table(address, UNLINKED), "Clears the PMD: the page table is detached.")


@models("collapse_huge_page", "mm/khugepaged.c", "v6.0", writes=(TABLE,))
def attach_table(m: Machine, address: int) -> Effect:
    """Give up: put the page table back."""
    return Effect(m.with_table(address, LINKED), "Gives up and puts the page table back.")


@models("__collapse_huge_page_isolate", "mm/khugepaged.c", "v6.0", reads=(ENTRY, STRUCT_PAGE))
def isolate_page(m: Machine, address: int) -> Effect:
    """Look whether nobody but mappings holds the page behind a PTE of the detached table."""
    pfn = pte_pfn(m.pte(address))
    count = m.page(pfn).refcount
    alone = count == m.counted(pfn)
    said = "nobody but the mapping" if alone else "somebody else, too,"
    return Effect(m, f"Looks at the page's count, {count}: {said} holds it.", alone)


@models(
    "__collapse_huge_page_copy",
    "mm/khugepaged.c",
    "v6.0",
    writes=(ENTRY,),
    takes=((STRUCT_PAGE, CALLER),),
    drops=((STRUCT_PAGE, A_MAPPING),),
)
def copy_page(m: Machine, address: int) -> Effect:
    """Copy the page to its place in the huge page and clear the PTE; say which page it was."""
    pfn = pte_pfn(m.pte(address))
    return Effect(m.with_pte(address, PTE_NONE), "Copies the page and clears its PTE.", pfn)


@models(
    "set_pmd_at",
    "arch/x86/include/asm/pgtable.h",
    "v6.0",
    writes=(TABLE,),
    takes=((STRUCT_PAGE, A_MAPPING),),
    drops=((STRUCT_PAGE, CALLER),),
)
def install_leaf(m: Machine, address: int, pfn: int) -> Effect:
    """Map the huge page by a leaf in the PMD; one struct page stands for all of it."""
    return Effect(m.with_leaf(address, pmd_mkhuge(user_pte(pfn))), "Maps the huge page.")


@models(
    "set_huge_pte_at",
    "mm/hugetlb.c",
    "v6.1",
    writes=(ENTRY,),
    takes=((STRUCT_PAGE, A_MAPPING),),
    drops=((STRUCT_PAGE, CALLER),),
)
def fill_shared_table(m: Machine, address: int, pfn: int) -> Effect:
    """The other process puts a page of its own into the table that was shared."""
    return Effect(m.with_pte(address, user_pte(pfn)), "The other process maps a page of its own.")


# --- Compound pages -------------------------------------------------------------------------------


@models("compound_head", "include/linux/page-flags.h", reads=(STRUCT_PAGE,))
def compound_head(m: Machine, pfn: int) -> Effect:
    """Read which page holds the count of the page in frame `pfn`: its own, or a compound's head."""
    m.page(pfn)
    head = m.head(pfn)
    return Effect(m, f"Reads the page's head: pfn {head:#x}.", head)


@models(
    "page_cache_add_speculative",
    "include/linux/pagemap.h",
    writes=(STRUCT_PAGE,),
    takes=((STRUCT_PAGE, CALLER),),
)
def page_cache_add_speculative(m: Machine, pfn: int) -> Effect:
    """Raise the count of the page in this very frame, a head when it was looked at, if not zero."""
    page = m.page(pfn)
    if page.refcount <= 0:
        return Effect(m, f"Finds the count at {page.refcount} and leaves it alone.", False)
    after = m.with_page(replace(page, refcount=page.refcount + 1))
    return Effect(after, f"Takes a reference on pfn {pfn:#x}: {page.refcount + 1}.", True)


@models(
    "put_page_refs",
    "mm/gup.c",
    "v5.14",
    writes=(STRUCT_PAGE,),
    drops=((STRUCT_PAGE, CALLER),),
)
def put_head(m: Machine, pfn: int) -> Effect:
    """Drop the reference just taken on the page in this very frame."""
    page = m.page(pfn)
    after = m.with_page(replace(page, refcount=page.refcount - 1))
    return Effect(after, f"Drops the reference on pfn {pfn:#x}: {page.refcount - 1}.")


@models(
    "unmap_page",
    "mm/huge_memory.c",
    "v5.13",
    writes=(ENTRY, TLB_ENTRY),
    takes=((STRUCT_PAGE, CALLER),),
    drops=((STRUCT_PAGE, A_MAPPING),),
    waits=(A_LOCK,),
)
def unmap_for_split(m: Machine) -> Effect | Blocked:
    """Put migration entries, which are not present, where the page was mapped; say what was there.

    The flush is part of this step: a wait left out adds schedules and hides none.
    """
    if blocked := ptl_taken(m):
        return blocked
    ptes = tuple(pte_mkmigration(pte) for pte in m.page_table)
    after = replace(m, page_table=ptes, tlb=frozenset())
    return Effect(after, "Unmaps the huge page, which others wait for.", m.page_table)


@models(
    "__split_huge_page",
    "mm/huge_memory.c",
    "v5.13",
    writes=(STRUCT_PAGE,),
    takes=((STRUCT_PAGE, CALLER),),
    drops=((STRUCT_PAGE, CALLER),),
    allocates=True,
)
def split_page(m: Machine, pfn: int) -> Effect:
    """Make single pages of a compound one, unless somebody else holds a reference on it.

    The count is frozen at zero while that is done, so nobody sees the middle of it.
    """
    parts = [page for page in m.memmap if m.head(page.pfn) == pfn]
    if m.page(pfn).refcount != len(parts):
        return Effect(m, "Finds that somebody else holds the page, and leaves it whole.", False)
    split = [replace(part, refcount=1, head=None) for part in parts]
    after = m
    for part in split:
        after = after.with_page(part)
    return Effect(after, "Splits the huge page: each page now has its own count.", True)


@models(
    "remap_page",
    "mm/huge_memory.c",
    "v5.13",
    writes=(ENTRY,),
    takes=((STRUCT_PAGE, A_MAPPING),),
    drops=((STRUCT_PAGE, CALLER),),
    waits=(A_LOCK,),
)
def remap_page(m: Machine, ptes: tuple[int, ...]) -> Effect | Blocked:
    """Map again what was mapped before: the very same PTEs."""
    if blocked := ptl_taken(m):
        return blocked
    return Effect(replace(m, page_table=ptes), "Maps the pages again, by the same PTEs.")


def compound(first: int, pages: int) -> tuple[StructPage, ...]:
    """Return the struct pages of one compound page that is mapped page by page."""
    head = StructPage(first, pages, "normal")
    return (head, *(StructPage(first + n, 0, "normal", head=first) for n in range(1, pages)))
