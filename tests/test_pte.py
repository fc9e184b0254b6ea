"""PTE bits, against values that can be checked by hand."""

import pytest

from gupcore.kernel import pte
from gupcore.kernel.pte import ARM64, X86_64, Encoding

BOTH = pytest.mark.parametrize("arch", [X86_64, ARM64], ids=lambda arch: arch.name)


def test_a_user_entry_word_for_word() -> None:
    assert pte.user_pte(0x20000) == 0x8000_0000_2000_0067
    assert pte.pte_bits(pte.user_pte(0x20000)) == [
        *("present", "writable", "user", "accessed", "dirty", "no-execute")
    ]


def test_the_same_entry_on_arm64() -> None:
    entry = pte.user_pte(0x20000, arch=ARM64)
    assert entry == 0x00C8_0000_2000_0441
    assert pte.pte_bits(entry, ARM64) == [
        *("present", "user", "accessed", "writable", "no-execute", "dirty")
    ]


@pytest.mark.parametrize(
    ("arch", "word"), [(X86_64, 0x8400_0000_2000_0267), (ARM64, 0x03C8_0000_2000_0441)]
)
def test_devmap_is_special_too(arch: Encoding, word: int) -> None:
    entry = pte.pte_mkdevmap(pte.user_pte(0x20000, arch=arch), arch)
    assert entry == word
    assert pte.pte_devmap(entry, arch)
    assert pte.pte_special(entry, arch)
    assert pte.pte_kind(entry, arch) == "devmap"


@BOTH
def test_the_bits_are_single_and_apart(arch: Encoding) -> None:
    masks = list(arch.bit_names())
    assert all(mask & (mask - 1) == 0 for mask in masks)
    assert sum(masks) & arch.pfn_mask == 0
    assert len(masks) == (9 if arch is X86_64 else 10)


@BOTH
def test_the_frame_number_survives_every_flag(arch: Encoding) -> None:
    every = sum(arch.bit_names())
    largest = arch.pfn_mask >> pte.PAGE_SHIFT
    assert pte.pte_pfn(pte.pfn_pte(largest, every, arch), arch) == largest
    assert pte.pte_pfn(pte.pfn_pte(largest + 1, every, arch), arch) == 0


@BOTH
def test_kinds(arch: Encoding) -> None:
    normal = pte.user_pte(1, arch=arch)
    assert pte.pte_kind(pte.PTE_NONE, arch) == "none"
    assert pte.pte_kind(normal, arch) == "normal"
    assert pte.pte_kind(pte.pte_mkspecial(normal, arch), arch) == "special"
    hinting = pte.pte_mkprotnone(normal, arch)
    assert pte.pte_kind(hinting, arch) == "protnone"
    assert pte.pte_present(hinting, arch)
    assert not pte.pte_access_permitted(hinting, False, arch)
    swapped_out = pte.user_pte(1, arch=arch) & ~arch.present
    assert pte.pte_kind(swapped_out, arch) == "not present"
    assert pte.pte_words(swapped_out, arch) == "not present"


@BOTH
def test_access(arch: Encoding) -> None:
    readable = pte.user_pte(1, write=False, arch=arch)
    assert pte.pte_access_permitted(readable, False, arch)
    assert not pte.pte_access_permitted(readable, True, arch)
    assert pte.pte_access_permitted(pte.user_pte(1, arch=arch), True, arch)
    assert not pte.pte_access_permitted(pte.pfn_pte(1, arch.present, arch), False, arch)


@BOTH
def test_write_protected_and_clean_is_a_read_only_entry(arch: Encoding) -> None:
    entry = pte.pte_mkclean(pte.pte_wrprotect(pte.user_pte(1, arch=arch), arch), arch)
    assert entry == pte.user_pte(1, write=False, arch=arch)
    assert pte.pte_words(entry, arch) == "pfn 0x1, normal, read-only"


def test_words() -> None:
    assert pte.pte_words(pte.PTE_NONE) == "none"
    assert pte.pte_words(pte.pte_mkdevmap(pte.user_pte(0x20000))) == "pfn 0x20000, special + devmap"
