"""PTE bits, against values that can be checked by hand."""

from gupcore import pte


def test_a_user_entry_word_for_word():
    assert pte.user_pte(0x20000) == 0x8000_0000_2000_0067
    assert pte.pte_bits(pte.user_pte(0x20000)) == [
        "present",
        "writable",
        "user",
        "accessed",
        "dirty",
        "no-execute",
    ]


def test_devmap_is_special_too():
    entry = pte.pte_mkdevmap(pte.user_pte(0x20000))
    assert entry == 0x8400_0000_2000_0267
    assert pte.pte_devmap(entry)
    assert pte.pte_special(entry)
    assert pte.pte_kind(entry) == "devmap"


def test_the_frame_number_survives_every_flag():
    entry = pte.pte_mkdevmap(pte.pfn_pte(0xF_FFFF_FFFF, (1 << 12) - 1 | pte.PAGE_NX))
    assert pte.pte_pfn(entry) == 0xF_FFFF_FFFF


def test_kinds():
    normal = pte.user_pte(1)
    assert pte.pte_kind(pte.PTE_NONE) == "none"
    assert pte.pte_kind(normal) == "normal"
    assert pte.pte_kind(pte.pte_mkspecial(normal)) == "special"
    hinting = pte.pfn_pte(1, pte.PAGE_PROTNONE)
    assert pte.pte_kind(hinting) == "protnone"
    assert pte.pte_present(hinting)
    assert not pte.pte_access_permitted(hinting, write=False)


def test_access():
    readable = pte.pfn_pte(1, pte.PAGE_PRESENT | pte.PAGE_USER)
    assert pte.pte_access_permitted(readable, write=False)
    assert not pte.pte_access_permitted(readable, write=True)
    assert not pte.pte_access_permitted(pte.pfn_pte(1, pte.PAGE_PRESENT), write=False)
