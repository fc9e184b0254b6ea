"""Chapter 2: the solutions are right, and what readers try first is called wrong."""

import pytest
from chapter import assert_wrong, defined_in

from gupcore import replay
from gupcore.catalogue import unmapping
from gupcore.exercises import Answer
from gupcore.figures.entry_bits import entry_bits, set_bits
from gupcore.kernel.machine import DEVICE_PFN, MEMORY_PFN, dax_pte
from gupcore.kernel.pte import (
    ARM64,
    X86_64,
    pte_access_permitted,
    pte_kind,
    pte_mkprotnone,
    pte_mkspecial,
    pte_pfn,
    user_pte,
)

SHARED = {
    "Answer": Answer,
    "DEVICE_PFN": DEVICE_PFN,
    "pte": dax_pte(DEVICE_PFN),
    "pte_access_permitted": pte_access_permitted,
    "pte_kind": pte_kind,
    "pte_pfn": pte_pfn,
    "replay": replay,
    "no_callers": unmapping("v5.11", callers=0),
}


judge_kinds, judge_word, judge_late_load = (
    defined_in(2, name, **SHARED)[name] for name in ("judge_kinds", "judge_word", "judge_late_load")
)


# --- 1. Read five words ---------------------------------------------------------------------------


def test_read_five_words() -> None:
    assert judge_kinds(["normal", "special", "devmap", "none", "protnone"]).right


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        (
            ["normal", "normal", "devmap", "none", "protnone"],
            "0x8000000000010225 is not normal; right so far: 4 of 5.",
        ),
        (["normal", "special", "special", "none", "protnone"], "0x8400000020001225 is not special"),
        (["normal", "special", "devmap", "none", "normal"], "0x8000000001000166 is not normal"),
        (["normal", "special", "devmap", "protnone", "none"], "0x0000000000000000 is not protnone"),
        (["normal"], "write a list of 5 kinds, one for each word"),
        (None, "write a list of 5 kinds, one for each word"),
        (["normal", "Special", "devmap", "none", "protnone"], "'Special' is none of none, not pre"),
        (["normal"] * 5, "is not normal; right so far: 1 of 5."),
        ([1, 2, 3, 4, []], "1 is none of none, not pre"),
    ],
)
def test_what_is_misread(kinds: list[str] | None, says: str) -> None:
    assert_wrong(judge_kinds(kinds), says)


# --- 2. Part the walkers --------------------------------------------------------------------------


@pytest.mark.parametrize("write", [True, False])
def test_part_the_walkers(write: bool) -> None:
    assert judge_word(pte_mkspecial(user_pte(DEVICE_PFN, write))).right
    assert judge_word(0x20000 << 12 | 1 << 0 | 1 << 2 | 1 << 9).right


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (dax_pte(DEVICE_PFN), "gup-fast takes it for devmap"),
        (user_pte(DEVICE_PFN), "gup-fast takes it for normal"),
        (pte_mkprotnone(user_pte(DEVICE_PFN)), "the hardware does not permit"),
        (0x20000 << 12 | 1 << 0 | 1 << 9, "the hardware does not permit"),
        (pte_mkspecial(user_pte(MEMORY_PFN)), "it maps frame 0x1000"),
        (0x20000 | 1 << 0 | 1 << 2 | 1 << 9, "it maps frame 0x20"),
        (pte_mkspecial(user_pte(DEVICE_PFN)) | 1 << 64, "a PTE is a whole number of 64 bits"),
        (None, "a PTE is a whole number of 64 bits"),
    ],
)
def test_what_parts_nobody(word: int | None, says: str) -> None:
    assert_wrong(judge_word(word), says)


# --- 3. Where the copy ends -----------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["1" + "222" + "1", "2" + "1" + "22" + "1"])
def test_the_last_load_through_the_copy(schedule: str) -> None:
    assert judge_late_load(schedule).right


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("1" + "22" + "1", "1 more step of the munmap will fit in."),
        ("1" + "2222" + "1", "Faults: the PTE is none"),
        ("11", "the PTE is still there"),
        ("1" + "2" + "1", "the PTE is still there as well"),
        ("2" + "1" + "2" + "1", "1 more step of the munmap will fit in."),
        ("22" + "1", "Faults: the PTE is none"),
        ("1" + "222" + "3" + "1", "Waits for a free page"),
        ("", "no step is taken"),
        ("14", "'4' is no thread"),
    ],
)
def test_what_is_no_such_load(schedule: str, says: str) -> None:
    assert_wrong(judge_late_load(schedule), says)


# --- The figure -----------------------------------------------------------------------------------


def test_an_entry_is_drawn_bit_by_bit() -> None:
    devmap = dax_pte(DEVICE_PFN)
    assert list(set_bits(devmap, X86_64)) == [63, 58, 9, 6, 5, 2, 1, 0]
    shown = entry_bits((devmap, X86_64), (0, ARM64))
    assert "58 devmap, 9 special" in repr(shown)
    assert "pfn 0x20000. Kind: devmap." in repr(shown)
    assert "on arm64. Bits set: none with a name." in repr(shown)
    assert shown == entry_bits((devmap, X86_64), (0, ARM64))
