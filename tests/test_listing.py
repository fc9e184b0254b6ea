"""What a notebook shows of the package: functions as they stand, and what steps stand for."""

from gupcore import check, race
from gupcore.kernel.gup import gup_pte_range
from gupcore.kernel.steps.cpu import local_irq_save
from gupcore.listing import Listing, kernel_lines, story


def test_a_listing_is_the_function_as_it_stands_in_its_file() -> None:
    assert str(Listing(gup_pte_range)).startswith("def gup_pte_range(")
    assert '"""' not in str(Listing(gup_pte_range, docstring=False))
    assert Listing(gup_pte_range)._repr_markdown_().startswith("```python\n# kernel/gup.py\n")


def test_kernel_lines_are_those_of_the_steps_that_are_there() -> None:
    fast, cure = check(race("no-check")), check(race("cure"))
    both = [line.split() for line in kernel_lines(fast, cure).splitlines()]
    assert both == sorted(both)
    assert {len(line) for line in both} == {3}
    alone = {tuple(line.split()) for line in kernel_lines(fast).splitlines()}
    assert alone < set(map(tuple, both))
    assert kernel_lines(fast, cure, steps={local_irq_save}).split() == [
        "include/linux/irqflags.h",
        "local_irq_save",
        "v5.11",
    ]


def test_a_story_is_told_as_far_as_it_goes() -> None:
    lines = story(race("no-check"), "21" + "2222").splitlines()
    assert lines[0] == "unbind      Tells the DAX device to refuse new faults."
    assert lines[1] == "direct I/O  Turns interrupts off."
    assert len(lines) == 6
    assert lines[-1].startswith("Step 6: thread 2 (unbind) cannot step. Waits for")
    assert story(race("no-check"), "7").startswith("Step 1: '7' is no thread")
    assert story(race("no-check"), "") == ""
