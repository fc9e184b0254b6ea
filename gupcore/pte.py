"""A page-table entry as x86-64 keeps it: one 64-bit word, read bit by bit.

The model stores PTEs as plain integers with the kernel's real bits in the kernel's real places,
so that what gup-fast tests here is what it tests there.  The functions keep the kernel's names.

    pfn      page frame number: a physical address divided by the page size
    PTE      page-table entry: "this virtual page is that frame", and a few flags
    special  there is no ordinary, reference-counted page behind this entry
    devmap   the frame belongs to a device, and has a `struct page` while the device is bound

Source: arch/x86/include/asm/pgtable.h and pgtable_types.h, v5.10.
"""

from __future__ import annotations

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT

PAGE_PRESENT = 1 << 0
PAGE_RW = 1 << 1
PAGE_USER = 1 << 2
PAGE_ACCESSED = 1 << 5
PAGE_DIRTY = 1 << 6
PAGE_PROTNONE = 1 << 8  # the GLOBAL bit, which means PROTNONE in an entry that is not present
PAGE_SPECIAL = 1 << 9  # SOFTW1: the hardware ignores it
PAGE_DEVMAP = 1 << 58  # SOFTW4: the hardware ignores it
PAGE_NX = 1 << 63

PTE_PFN_MASK = ((1 << 52) - 1) & ~(PAGE_SIZE - 1)
PTE_NONE = 0

FOLL_WRITE = 0x01
FOLL_LONGTERM = 0x10000

BIT_NAMES = {
    PAGE_PRESENT: "present",
    PAGE_RW: "writable",
    PAGE_USER: "user",
    PAGE_ACCESSED: "accessed",
    PAGE_DIRTY: "dirty",
    PAGE_PROTNONE: "protnone",
    PAGE_SPECIAL: "special",
    PAGE_DEVMAP: "devmap",
    PAGE_NX: "no-execute",
}


def pfn_pte(pfn: int, flags: int) -> int:
    """Build the entry that maps frame `pfn` with `flags` (an OR of the PAGE_ bits)."""
    return ((pfn << PAGE_SHIFT) & PTE_PFN_MASK) | flags


def user_pte(pfn: int) -> int:
    """Build the present, writable entry of a user mapping of frame `pfn`."""
    return pfn_pte(pfn, PAGE_PRESENT | PAGE_RW | PAGE_USER | PAGE_ACCESSED | PAGE_DIRTY | PAGE_NX)


def pte_mkspecial(pte: int) -> int:
    """Mark the entry special."""
    return pte | PAGE_SPECIAL


def pte_mkdevmap(pte: int) -> int:
    """Mark the entry devmap: on x86-64 this sets the special bit as well."""
    return pte | PAGE_SPECIAL | PAGE_DEVMAP


def pte_pfn(pte: int) -> int:
    """Return the frame number the entry points at."""
    return (pte & PTE_PFN_MASK) >> PAGE_SHIFT


def pte_none(pte: int) -> bool:
    """Is the entry empty?"""
    return pte == PTE_NONE


def pte_present(pte: int) -> bool:
    """Is there a page here, as the kernel sees it?  (A protnone page is.)"""
    return bool(pte & (PAGE_PRESENT | PAGE_PROTNONE))


def pte_protnone(pte: int) -> bool:
    """Is this a NUMA-hinting entry: a page the hardware must not use, so that the kernel hears?"""
    return pte & (PAGE_PROTNONE | PAGE_PRESENT) == PAGE_PROTNONE


def pte_write(pte: int) -> bool:
    """May the entry be written through?"""
    return bool(pte & PAGE_RW)


def pte_special(pte: int) -> bool:
    """Is the special bit set?  It is in a devmap entry too."""
    return bool(pte & PAGE_SPECIAL)


def pte_devmap(pte: int) -> bool:
    """Is the devmap bit set?"""
    return bool(pte & PAGE_DEVMAP)


def pte_access_permitted(pte: int, write: bool) -> bool:
    """May user code make this access (`write`: a store) through the entry?

    Protection keys are left out of the model.
    """
    need = PAGE_PRESENT | PAGE_USER | (PAGE_RW if write else 0)
    return pte & need == need


def pte_kind(pte: int) -> str:
    """Name the promise the entry makes: none, protnone, devmap, special or normal.

    The order is gup_pte_range()'s: devmap before special, because a devmap entry is both.
    """
    if pte_none(pte):
        return "none"
    if pte_protnone(pte):
        return "protnone"
    if pte_devmap(pte):
        return "devmap"
    if pte_special(pte):
        return "special"
    return "normal"


def pte_words(pte: int) -> str:
    """Describe the entry for people: its frame and what makes it other than normal."""
    if pte_none(pte):
        return "none"
    marks = [name for name in pte_bits(pte) if name in ("protnone", "special", "devmap")]
    return f"pfn {pte_pfn(pte):#x}, {' + '.join(marks) or 'normal'}"


def pte_bits(pte: int) -> list[str]:
    """List the names of the bits that are set, lowest bit first."""
    return [name for bit, name in BIT_NAMES.items() if pte & bit]
