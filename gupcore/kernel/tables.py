"""The page tables of the machine: PTEs, what leads to them, and the tables themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from ..checker.machine import Gone, touch
from .objects import ENTRY, FREED, LINKED, MAPPING, TABLE, UNLINKED, NotThere
from .pte import PAGE_SHIFT, PAGE_SIZE, PMD_NONE, PTRS_PER_PTE, pmd_leaf, pmd_table
from .things import numbered


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTables:
    """The page tables of one mapping; a second process's are at other addresses.

    page_table  the PTEs of the mapping, one a page
    start       the first address of the mapping
    tables      for each page-table page: LINKED, UNLINKED or FREED
    detached    page tables in whose place a fault has put another one: (PMD that led there, PTEs)
    made        how many page tables faults have made
    leaves      for each PMD: a leaf that maps a huge page, or none; empty if there is none at all
    """

    page_table: tuple[int, ...]
    start: int = MAPPING
    tables: tuple[str, ...] = (LINKED,)
    detached: tuple[tuple[int, tuple[int, ...]], ...] = ()
    made: int = 0
    leaves: tuple[int, ...] = ()

    def index(self, address: int) -> int:
        """Return which page of the mapping `address` lies in; raise NotThere if in none."""
        at = (address - self.start) >> PAGE_SHIFT
        if at not in range(len(self.page_table)):
            raise NotThere(f"{address:#x} is no address of the mapping.")
        return at

    def table(self, address: int) -> int:
        """Return which page table of the mapping holds the PTE of `address`, counted from 0."""
        return (address >> PAGE_SHIFT) // PTRS_PER_PTE - (self.start >> PAGE_SHIFT) // PTRS_PER_PTE

    def pte(self, address: int, pmd: int = PMD_NONE) -> int:
        """Return the PTE of the page at user `address`; raise Gone if its table was freed.

        pmd  the PMD that has led the walker there, if it has kept it: the table may be another now
        """
        at, n = self.index(address), self.table(address)
        current = pmd in (PMD_NONE, self.leaf(n), self.pmd_of_table(n))
        ptes = self.page_table if current else dict(self.detached).get(pmd, ())
        if not ptes or (current and self.tables[n] == FREED):
            raise Gone(numbered("page table", n))
        touch(ENTRY, at)
        return ptes[at]

    def pmd_at(self, address: int) -> int:
        """Return the PMD at user `address`: none, what leads to a page table, or a huge leaf."""
        n = self.table(address)
        touch(TABLE, n)
        return self.pmd_of(n)

    def pmd_of(self, n: int) -> int:
        """Return PMD number `n` of the mapping."""
        return self.leaf(n) or (self.pmd_of_table(n) if self.tables[n] == LINKED else PMD_NONE)

    def leaf(self, n: int) -> int:
        """Return the huge leaf in PMD number `n`; PMD_NONE if there is none."""
        return self.leaves[n] if self.leaves else PMD_NONE

    def pmd_of_table(self, n: int) -> int:
        """Return the PMD that leads, or led, to the last table number `n` of the mapping."""
        return pmd_table(n + len(self.tables) * self.made)

    def with_leaf(self, address: int, leaf: int) -> Self:
        """Return these tables with a huge leaf, or none, in the PMD at `address`."""
        n, leaves = self.table(address), self.leaves or (PMD_NONE,) * len(self.tables)
        leaves = (*leaves[:n], leaf, *leaves[n + 1 :])
        return replace(self, leaves=leaves if any(leaves) else ())

    def entry(self, address: int) -> int | None:
        """Return what a walk to `address` finds, a PTE or a huge leaf; None if there is neither."""
        if pmd_leaf(pmd := self.pmd_at(address)):
            return pmd
        return self.pte(address) if pmd else None

    def with_table(self, address: int, state: str) -> Self:
        """Return these tables with the page table that `address` lies in in another state."""
        n = self.table(address)
        return replace(self, tables=(*self.tables[:n], state, *self.tables[n + 1 :]))

    def with_new_table(self, address: int) -> Self:
        """Return these tables with another page table at `address`, with the same PTEs."""
        n = self.table(address)
        old = ((self.pmd_of_table(n), self.page_table),) if self.tables[n] == UNLINKED else ()
        after = replace(self, detached=self.detached + old, made=self.made + 1)
        return after.with_table(address, LINKED)

    def in_walk(self, n: int) -> bool:
        """Does a walk find PTE number `n`?"""
        return self.tables[self.table(self.start + n * PAGE_SIZE)] == LINKED

    def linked(self, address: int) -> bool:
        """Does a walk to `address` find a page table?"""
        touch(TABLE, self.table(address))
        return self.tables[self.table(address)] == LINKED

    def with_pte(self, address: int, pte: int) -> Self:
        """Return these tables with another PTE at `address`."""
        at = self.index(address)
        return replace(self, page_table=(*self.page_table[:at], pte, *self.page_table[at + 1 :]))

    def with_tables(self, state: str) -> Self:
        """Return these tables with every page table of the mapping in `state`."""
        return replace(self, tables=(state,) * len(self.tables))
