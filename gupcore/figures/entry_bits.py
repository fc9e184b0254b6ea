"""A page-table entry as its sixty-four bits, on one architecture or on several."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ..kernel.pte import PAGE_SHIFT, Encoding, pte_bits, pte_kind, pte_pfn
from .picture import BLUE, GREY, ORANGE, STYLE, Picture, picture

Entry = tuple[int, Encoding]

BITS, IN_ROW = 64, 16
SOFTWARE = ("special", "devmap")
ROWS = 7  # of one entry: a title, four of bits, one of names, one of air


def entry_bits(*entries: Entry) -> Picture:
    """Draw entries bit by bit, highest bit first: which are set, and what they are called.

    entries  pairs of a PTE and the encoding it is read in
    """
    rows = ROWS * len(entries)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.7, 0.22 * rows))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-0.2, IN_ROW + 0.2)
        axes.set_ylim(rows - 0.2, -0.4)
        for number, (pte, arch) in enumerate(entries):
            _draw_entry(axes, ROWS * number, pte, arch)
        return picture(figure, " ".join(_in_words(pte, arch) for pte, arch in entries))


def set_bits(pte: int, arch: Encoding) -> dict[int, str]:
    """Return the number and the name of each bit that is set and has a name, highest first."""
    named = {mask.bit_length() - 1: name for mask, name in arch.bit_names().items() if pte & mask}
    return dict(sorted(named.items(), reverse=True))


def _draw_entry(axes: Any, top: int, pte: int, arch: Encoding) -> None:
    axes.text(0, top + 0.3, f"{arch.name}  {pte:#018x}", va="center", weight="bold")
    names = set_bits(pte, arch)
    for bit in range(BITS):
        row, column = divmod(BITS - 1 - bit, IN_ROW)
        at = (column + 0.5, top + 1 + row + 0.5)
        _draw_bit(axes, at, bool(pte >> bit & 1), bit, names.get(bit, ""), arch)
    for row, line in enumerate(_two_lines([f"{bit} {name}" for bit, name in names.items()])):
        axes.text(0, top + 5.45 + 0.75 * row, line, va="center", fontsize=8)


def _draw_bit(
    axes: Any, at: tuple[float, float], is_set: bool, bit: int, name: str, arch: Encoding
) -> None:
    frame = PAGE_SHIFT <= bit < arch.pfn_bits and not name
    colour = ORANGE if name in SOFTWARE else BLUE if name else GREY
    shade = 0.55 if is_set else 0.2 if frame else 0
    axes.plot(*at, "s", ms=12.5, mfc=(colour, shade), mec=(GREY, 0.6), mew=0.5)
    axes.text(*at, str(bit) if is_set else "·", ha="center", va="center", fontsize=8)


def _two_lines(words: list[str]) -> list[str]:
    half = (len(words) + 1) // 2
    return [", ".join(part) for part in (words[:half], words[half:]) if part]


def _in_words(pte: int, arch: Encoding) -> str:
    """Say what is drawn: the bits that are set with their names, the frame, and the kind."""
    assert len(set_bits(pte, arch)) == len(pte_bits(pte, arch))
    bits = ", ".join(f"{bit} {name}" for bit, name in set_bits(pte, arch).items())
    return (
        f"The entry {pte:#018x} on {arch.name}. Bits set: {bits or 'none with a name'}. "
        f"Bits {arch.pfn_bits - 1} to {PAGE_SHIFT} hold the frame, pfn {pte_pfn(pte, arch):#x}. "
        f"Kind: {pte_kind(pte, arch)}."
    )
