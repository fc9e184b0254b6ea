"""A page-table entry as the hardware keeps it: one 64-bit word, read bit by bit.

The model stores PTEs as plain integers with the kernel's real bits in the kernel's real places,
so that what gup-fast tests here is what it tests there.  The functions keep the kernel's names.
The machines of the model speak x86-64; every function also reads arm64, if told to.

    pfn      page frame number: a physical address divided by the page size
    PTE      page-table entry: "this virtual page is that frame", and a few flags
    special  there is no ordinary, reference-counted page behind this entry
    devmap   the frame belongs to a device, and has a `struct page` while the device is bound

Source: arch/x86/include/asm/pgtable.h and pgtable_types.h, v5.10; arch/arm64/include/asm/pgtable.h,
pgtable-hwdef.h and pgtable-prot.h, v6.1 (4 KiB pages, 48-bit physical addresses).
"""

from __future__ import annotations

from dataclasses import dataclass

PAGE_SHIFT = 12
PAGE_SIZE = 1 << PAGE_SHIFT
PTRS_PER_PTE = 512  # entries of one page table
PTE_NONE = PMD_NONE = 0
PAGE_PSE = 1 << 7  # in a PMD: it maps a huge page itself, and leads to no table
TABLE_PFN = 0x800  # the first frame of the model's page tables

FOLL_WRITE = 0x01
FOLL_LONGTERM = 0x10000


@dataclass(frozen=True, slots=True)
class Encoding:
    """Where one architecture keeps what a PTE says.

    Each field but the first two is a mask; `read_only` is 0 where a clear `writable` says it.

    name        what it is called
    pfn_bits    the physical address ends below this bit
    present     the hardware may use the entry
    protnone    in an entry that is not present: a page is there, kept from the hardware
    """

    name: str
    pfn_bits: int
    present: int
    user: int
    writable: int
    read_only: int
    accessed: int
    dirty: int
    protnone: int
    special: int
    devmap: int
    no_execute: int

    @property
    def pfn_mask(self) -> int:
        """The bits that hold the physical address of the frame."""
        return ((1 << self.pfn_bits) - 1) & ~(PAGE_SIZE - 1)

    def bit_names(self) -> dict[int, str]:
        """Return what each single bit is called: {mask: name}."""
        masks = {
            self.present: "present",
            self.user: "user",
            self.writable: "writable",
            self.read_only: "read-only",
            self.accessed: "accessed",
            self.dirty: "dirty",
            self.protnone: "protnone",
            self.special: "special",
            self.devmap: "devmap",
            self.no_execute: "no-execute",
        }
        return {mask: masks[mask] for mask in sorted(masks) if mask}


X86_64 = Encoding(
    name="x86-64",
    pfn_bits=52,
    present=1 << 0,
    user=1 << 2,
    writable=1 << 1,
    read_only=0,
    accessed=1 << 5,
    dirty=1 << 6,
    protnone=1 << 8,  # the GLOBAL bit, which means PROTNONE in an entry that is not present
    special=1 << 9,  # SOFTW1: the hardware ignores it
    devmap=1 << 58,  # SOFTW4: the hardware ignores it
    no_execute=1 << 63,
)
ARM64 = Encoding(
    name="arm64",
    pfn_bits=48,
    present=1 << 0,  # PTE_VALID
    user=1 << 6,
    writable=1 << 51,  # PTE_WRITE, which the hardware reads as DBM
    read_only=1 << 7,
    accessed=1 << 10,
    dirty=1 << 55,
    protnone=1 << 58,
    special=1 << 56,
    devmap=1 << 57,
    no_execute=1 << 54,  # PTE_UXN: not by user code
)


def pfn_pte(pfn: int, flags: int, arch: Encoding = X86_64) -> int:
    """Build the entry that maps frame `pfn` with `flags` (an OR of the encoding's masks)."""
    return ((pfn << PAGE_SHIFT) & arch.pfn_mask) | flags


def user_pte(pfn: int, write: bool = True, arch: Encoding = X86_64) -> int:
    """Build the present entry of a user mapping of frame `pfn`; `write`: may it be written?"""
    flags = arch.present | arch.user | arch.accessed | arch.no_execute
    flags |= arch.writable | arch.dirty if write else arch.read_only
    return pfn_pte(pfn, flags, arch)


def pte_mkspecial(pte: int, arch: Encoding = X86_64) -> int:
    """Mark the entry special."""
    return pte | arch.special


def pte_mkdevmap(pte: int, arch: Encoding = X86_64) -> int:
    """Mark the entry devmap: on both architectures this sets the special bit as well."""
    return pte | arch.special | arch.devmap


def pte_mkprotnone(pte: int, arch: Encoding = X86_64) -> int:
    """Keep the page from the hardware.

    A real x86-64 kernel also inverts the frame bits of such an entry, against a flaw of some CPUs.
    """
    return pte & ~arch.present | arch.protnone


def pte_mkmigration(pte: int, arch: Encoding = X86_64) -> int:
    """Keep the page from everybody: it is on its way, and who faults on it waits.

    The kernel's entry has another form; what counts is that it is neither empty nor present.
    """
    return pte & ~(arch.present | arch.protnone)


def pte_wrprotect(pte: int, arch: Encoding = X86_64) -> int:
    """Take the permission to write away."""
    return pte & ~arch.writable | arch.read_only


def pte_mkclean(pte: int, arch: Encoding = X86_64) -> int:
    """Take the dirty mark away."""
    return pte & ~arch.dirty


def pmd_table(n: int) -> int:
    """Build the PMD that leads to page table number `n`."""
    return pfn_pte(TABLE_PFN + n, X86_64.present | X86_64.writable | X86_64.user)


def pmd_mkhuge(pmd: int) -> int:
    """Make the entry one that maps a huge page."""
    return pmd | PAGE_PSE


def pmd_leaf(pmd: int) -> bool:
    """Does the PMD map a huge page?"""
    return bool(pmd & PAGE_PSE)


def pmd_words(pmd: int) -> str:
    """Say what the PMD is: none, a table, or a huge page."""
    if pmd == PMD_NONE:
        return "none"
    return f"a huge page, {pte_words(pmd & ~PAGE_PSE)}" if pmd_leaf(pmd) else "a page table"


def pte_pfn(pte: int, arch: Encoding = X86_64) -> int:
    """Return the frame number the entry points at."""
    return (pte & arch.pfn_mask) >> PAGE_SHIFT


def pte_none(pte: int) -> bool:
    """Is the entry empty?"""
    return pte == PTE_NONE


def pte_present(pte: int, arch: Encoding = X86_64) -> bool:
    """Is there a page here, as the kernel sees it?  (A protnone page is.)"""
    return bool(pte & (arch.present | arch.protnone))


def pte_protnone(pte: int, arch: Encoding = X86_64) -> bool:
    """Is this a NUMA-hinting entry: a page the hardware must not use, so that the kernel hears?"""
    return pte & (arch.protnone | arch.present) == arch.protnone


def pte_write(pte: int, arch: Encoding = X86_64) -> bool:
    """May the entry be written through?"""
    return bool(pte & arch.writable)


def pte_special(pte: int, arch: Encoding = X86_64) -> bool:
    """Is the special bit set?  It is in a devmap entry too."""
    return bool(pte & arch.special)


def pte_devmap(pte: int, arch: Encoding = X86_64) -> bool:
    """Is the devmap bit set?"""
    return bool(pte & arch.devmap)


def pte_access_permitted(pte: int, write: bool, arch: Encoding = X86_64) -> bool:
    """May user code make this access (`write`: a store) through the entry?

    Protection keys are left out of the model.
    """
    need = arch.present | arch.user | (arch.writable if write else 0)
    return pte & need == need


def pte_kind(pte: int, arch: Encoding = X86_64) -> str:
    """Name the promise the entry makes: none, not present, protnone, devmap, special or normal.

    The order is gup_pte_range()'s: devmap before special, because a devmap entry is both.  An entry
    that is not present and not empty is a note to the fault handler: where the page was put.
    """
    if pte_none(pte):
        return "none"
    if not pte_present(pte, arch):
        return "not present"
    if pte_protnone(pte, arch):
        return "protnone"
    if pte_devmap(pte, arch):
        return "devmap"
    if pte_special(pte, arch):
        return "special"
    return "normal"


def pte_words(pte: int, arch: Encoding = X86_64) -> str:
    """Describe the entry for people: its frame and what makes it other than normal."""
    if pte_none(pte) or not pte_present(pte, arch):
        return pte_kind(pte, arch)
    marks = [name for name in pte_bits(pte, arch) if name in ("protnone", "special", "devmap")]
    read_only = pte_access_permitted(pte, False, arch) and not pte_write(pte, arch)
    tail = ", read-only" if read_only else ""
    return f"pfn {pte_pfn(pte, arch):#x}, {' + '.join(marks) or 'normal'}{tail}"


def pte_bits(pte: int, arch: Encoding = X86_64) -> list[str]:
    """List the names of the bits that are set, lowest bit first."""
    return [name for bit, name in arch.bit_names().items() if pte & bit]


def pte_detail(pte: int, arch: Encoding = X86_64) -> tuple[str, ...]:
    """Describe the entry bit by bit: the word itself, its frame, and each bit that is set."""
    if pte_none(pte):
        return ("no bit is set",)
    frame = f"bits {PAGE_SHIFT}-{arch.pfn_bits - 1}: pfn {pte_pfn(pte, arch):#x}"
    bits = [
        f"bit {bit.bit_length() - 1}: {name}" for bit, name in arch.bit_names().items() if pte & bit
    ]
    return (f"{pte:#018x}", frame, *bits)
