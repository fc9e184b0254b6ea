"""The walk from an address to its page: four tables, the frame, and the record of it."""

from __future__ import annotations

from ..checker.picture import ENTRY, Drawn, drawn
from ..kernel.machine import Machine
from ..kernel.pte import PAGE_SHIFT, PTRS_PER_PTE
from .glyphs import HEIGHT, arrow, box, describes, words
from .picture import Picture

UPPER = ("pgd", "pud", "pmd")
BITS = PTRS_PER_PTE.bit_length() - 1  # of the address, for each table
TABLE, LAST, FRAME = 88, 176, 144  # how wide an upper entry is, the PTE, a frame
APART, TOP = 28, 26  # between two of them; above the first row


def walk(machine: Machine, address: int) -> Picture:
    """Draw how an address is followed down to its frame, and where the frame's record stands.

    machine  its first PTE is that of `address`; raises ValueError if that leads to no struct page
    """
    known = drawn(machine)
    pte = known["PTE"]
    frames = [name for does, name in pte.points if does == "maps"]
    pages = [
        name for name, one in known.items() if frames and ("describes", frames[0]) in one.points
    ]
    if not pages:
        raise ValueError("The PTE leads to no frame with a struct page.")
    entries = {name: f"entry {_index(address, 3 - n)}" for n, name in enumerate(UPPER)}
    parts, x, y = [], 2.0, float(TOP)
    for name, does in entries.items():
        parts.append(box(Drawn(ENTRY, "", words=does), name, x, y, TABLE, (), False))
        parts.append(arrow((x + TABLE, y + HEIGHT / 2), (x + TABLE + APART, y + HEIGHT / 2)))
        x += TABLE + APART
    last = f"entry {_index(address, 0)}: {pte.words}"
    parts.append(box(pte._replace(words=last), "PTE", x, y, LAST, (), False))
    x += LAST
    parts.append(arrow((x, y + HEIGHT / 2), (x + APART, y + HEIGHT / 2)))
    x += APART
    frame, page = frames[0], pages[0]
    parts.append(box(known[frame], frame, x, y, FRAME, (), False))
    parts.append(words("the hardware is done here", x + FRAME, y - 8, ' text-anchor="end"'))
    below = y + HEIGHT + 2 * APART
    parts.append(describes((x + FRAME / 2, y + HEIGHT), (x + FRAME / 2, below)))
    parts.append(box(known[page], page, x, below, FRAME, (), False))
    says = "gup-fast goes on to the record of the frame, by arithmetic"
    parts.append(words(says, x - 10, below + HEIGHT / 2 + 4, ' text-anchor="end"'))
    width, height = x + FRAME + 4, below + HEIGHT + 2
    svg = (
        f'<svg width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="sans-serif" font-size="11.5">{"".join(parts)}</svg>'
    )
    upper = ", ".join(f"{name} {does}" for name, does in entries.items())
    return Picture(
        svg,
        f"The walk for {address:#x}: {upper}, PTE {last}, {frame}. The hardware is done there. "
        f"gup-fast goes on to the {page} of that frame ({known[page].words}), by arithmetic.",
    )


def _index(address: int, level: int) -> int:
    """Return which entry of its table an address uses, at a level counted from the PTE's up."""
    return (address >> (PAGE_SHIFT + BITS * level)) % PTRS_PER_PTE
