"""Patches about references on pages, and a second process."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..checker.rule import Rule
from ..checker.step import Effect, Thread, models
from ..checker.thread import Automaton
from ..kernel.design import KILL_FIRST, V5_11, Design
from ..kernel.device import page_kind
from ..kernel.fork import fork, pin_and_store
from ..kernel.gup import gup_fast, put_pages
from ..kernel.huge import gup_fast_by_head, gup_fast_by_pmd, split
from ..kernel.machine import (
    DEVICE_PFN,
    DMA,
    FAULTING,
    FREE,
    FS_LOCK,
    IRQS_OFF,
    MAPPING,
    MEMORY_PFN,
    MMAP_LOCK,
    MMAP_WRITE,
    NORMAL,
    PFNMAP,
    PMD,
    PTL,
    SEQCOUNT,
    STRUCT_PAGE,
    UNLINKED,
    Machine,
    StructPage,
)
from ..kernel.pte import (
    PAGE_SIZE,
    PTE_NONE,
    pmd_mkhuge,
    pte_mkdevmap,
    pte_mkspecial,
    user_pte,
)
from ..kernel.rules import pinned_is_mapped
from ..kernel.start import dax_machine, memory_machine, special_machine, with_more
from ..kernel.steps.dax import lock_entry, unlock_entry
from ..kernel.steps.huge import compound
from ..kernel.steps.page_table import pte_offset_map_lock, pte_unmap_unlock
from ..kernel.steps.struct_page import get_page, put_page, try_grab_page
from ..kernel.unmap import munmap, truncate
from .scene import AFTER, BEFORE, HALF, Scene, direct_io_by, fast_io, named, patch, unbinds


@patch(
    "c24d37322548",
    "mm/gup: fix try_grab_compound_head() race with split_huge_page()",
    "counts balance",
)
def moved_head(version: str) -> Scene:
    """The page's head is looked up, the page is split, and the count of the old head is raised."""
    design = named(V5_11, version, recheck_head=version == AFTER)
    machine = replace(memory_machine(2), memmap=compound(MEMORY_PFN, 2))
    users = (
        direct_io_by(0, design, at=MAPPING + PAGE_SIZE, walk=gup_fast_by_head),
        Automaton("split", split, (MEMORY_PFN,)),
    )
    return Scene(design, machine, users)


@patch(
    "6401c4eb57f9",
    "mm: gup: fix potential pgmap refcnt leak in __gup_device_huge()",
    "everyone can finish",
)
def leaked_reference(version: str) -> Scene:
    """A huge page of a dying device cannot be grabbed, and a pgmap reference is left behind."""
    design = named(KILL_FIRST, version, check=True, puts_pgmap=version == AFTER)
    machine = dax_machine(kind=page_kind(design))
    leaf = pmd_mkhuge(pte_mkdevmap(user_pte(DEVICE_PFN)))
    machine = replace(
        machine,
        page_table=(PTE_NONE,),
        tables=(UNLINKED,),
        leaves=(leaf,),
        shows=(PMD, IRQS_OFF, FAULTING, PTL, DMA),
    )
    return Scene(design, machine, (fast_io(0, design, gup_fast_by_pmd), unbinds(1, design)))


@patch(
    "f8be156be163",
    "KVM: do not allow mapping valid but non-reference-counted pages",
    "only the allocator revives",
)
def not_counted(version: str) -> Scene:
    """A page behind a special PTE has no count; a reference on it is its first and its last."""
    tail = StructPage(MEMORY_PFN, 0, NORMAL)
    special = (pte_mkspecial(user_pte(MEMORY_PFN)),)
    machine = replace(special_machine(PFNMAP, spare=0), page_table=special, memmap=(tail,))
    users = (Automaton("KVM", gfn_to_pfn, (0, version == AFTER)),)
    return Scene(named(V5_11, version), machine, users)


def gfn_to_pfn(cpu: int, unless_zero: bool) -> Thread:
    """Take a reference on the page that is mapped, and put it; `unless_zero`: not the first one.

    Source: hva_to_pfn_remapped(), virt/kvm/kvm_main.c, v5.12.
    """
    yield pte_offset_map_lock(cpu, MAPPING)
    held = True
    if unless_zero:
        held = yield try_grab_page(MEMORY_PFN)
    else:
        yield get_page(MEMORY_PFN)
    yield pte_unmap_unlock(cpu)
    if held:
        yield put_page(MEMORY_PFN)


@patch(
    "57efa1fe5957",
    "mm/gup: prevent gup_fast from racing with COW during fork",
    "what is pinned is what is mapped",
    (BEFORE, HALF, AFTER),
)
def fork_and_pin(version: str) -> Scene:
    """fork sees no pin and write-protects; the page is pinned, and a store copies it away.

    Half of the patch: fork counts, but gup-fast does not look at the count.
    """
    counts, looks = version != BEFORE, version == AFTER
    design = named(V5_11, version, fork_counts=counts, seqcount=looks)
    spare = tuple(StructPage(MEMORY_PFN + n, 0, NORMAL, FREE) for n in (1, 2))
    parent = MAPPING - PAGE_SIZE  # the child's page table is the next one
    machine = memory_machine(2, parent)
    machine = replace(
        machine,
        page_table=(machine.page_table[0], PTE_NONE),
        memmap=(machine.memmap[0], *spare),
        shows=(SEQCOUNT, IRQS_OFF, PTL, MMAP_LOCK, MMAP_WRITE, DMA),
    )
    users = (
        Automaton("pin and store", pin_and_store, (0, parent, design)),
        Automaton("fork", fork, (1, parent, MAPPING, design)),
    )
    return Scene(design, machine, users, (pinned_is_mapped(parent),))


@patch(
    "dd59137bfe70",
    'fs/dax: Fix "don\'t skip locked entries when scanning entries"',
    "the right page",
    (BEFORE, HALF, AFTER),
)
def scanned(version: str) -> Scene:
    """The scan skips an entry that is locked.

    6be3e21d25ca, the patch that is quoted in the title, was to mend that.  It is the half: it waits
    for the entry, and then goes on behind it.
    """
    look = {BEFORE: "scan_skipping_locked", HALF: "scan_past_locked", AFTER: "scan"}[version]
    design = named(V5_11, version, truncate=("unmap", look, "take_blocks"))
    shows = (FAULTING, FS_LOCK, PTL, DMA)
    users = (
        fast_io(0, design),
        Automaton("write-back", write_back, (1, DEVICE_PFN)),
        Automaton("truncate", truncate, (2, design)),
    )
    return Scene(design, replace(dax_machine(2), shows=shows), users)


def write_back(cpu: int, pfn: int) -> Thread:
    """Lock the file's entry for a page, write the page back, and unlock the entry."""
    yield lock_entry(cpu, pfn)
    yield unlock_entry(cpu, pfn)


@patch(
    "cee91fa13a8e",
    "fs/dax: return unmapped busy pages from dax_layout_busy_page_range()",
    "the right page",
)
def unmapped_busy(version: str) -> Scene:
    """A file that nobody maps any more is not looked at, though a page of it is pinned."""
    look = "wait" if version == AFTER else "wait_if_mapped"
    design = named(V5_11, version, truncate=("unmap", look, "take_blocks"))
    machine = replace(dax_machine(), frees=True, shows=(FAULTING, FS_LOCK, MMAP_LOCK, DMA))
    users = (
        fast_io(0, design),
        Automaton("munmap", munmap, (1, design)),
        Automaton("truncate", truncate, (2, design)),
    )
    return Scene(design, machine, users)


@patch("65291dcfcf89", "mm/secretmem: fix GUP-fast succeeding on secretmem folios", "secrets stay")
def unlisted_secret(version: str) -> Scene:
    """A page of secret memory waits to be put on the LRU list, and gup-fast takes it for no secret.

    A kernel looks before it reads the PTE again, and here it is after: no PTE changes here.
    """
    design = named(V5_11, version)
    machine = with_more(WithSecret, memory_machine(2))
    users = (
        Automaton("gup-fast", gup_fast_but_no_secret, (0, version == BEFORE, design)),
        Automaton("drain", drain),
    )
    return Scene(design, machine, users, (SECRETS_STAY,))


SECRET_PFN = MEMORY_PFN + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WithSecret(Machine):
    """A machine whose second page is secret memory's; on_lru: is it on the LRU list yet?"""

    on_lru: bool = False


@models("page_is_secretmem", "include/linux/secretmem.h", "v5.17", reads=(STRUCT_PAGE,))
def page_is_secretmem(m: WithSecret, pfn: int, asks_lru: bool) -> Effect:
    """Look whether a page is secret memory's; asks_lru: of one that is not on the LRU list, no."""
    m.page(pfn)
    secret = pfn == SECRET_PFN and (m.on_lru or not asks_lru)
    return Effect(m, f"Takes it for {'a secret' if secret else 'no secret'}.", secret)


@models("lru_add_drain", "mm/swap.c", "v5.17")
def lru_add_drain(m: WithSecret) -> Effect:
    """Put the pages that wait for it on the LRU list."""
    return Effect(replace(m, on_lru=True), "Puts the page on the LRU list.")


def gup_fast_but_no_secret(cpu: int, asks_lru: bool, design: Design) -> Thread:
    """Pin two pages up to the first that is a secret, and drop the pins again.

    Returns the pages that were pinned.  Source: gup_pte_range(), mm/gup.c, v5.17.
    """
    pinned = yield from gup_fast(cpu, MAPPING, 2, 0, design)
    given, secret = 0, False
    while given < len(pinned) and not secret:
        secret = yield page_is_secretmem(pinned[given], asks_lru)
        given += not secret
    yield from put_pages(pinned)
    return pinned[:given]


def drain() -> Thread:
    """Put pages on the LRU list at some time."""
    yield lru_add_drain()


def _no_secret(machine: WithSecret, thread: str, returned: object) -> bool:
    return not isinstance(returned, tuple) or SECRET_PFN not in returned


SECRETS_STAY = Rule(
    "secrets stay", "gup-fast returns no page of secret memory.", "return", _no_secret
)
