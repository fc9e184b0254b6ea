"""Threads that the checker must refuse, as readers write them."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gupcore.kernel.gup import get_dev_pagemap, gup_pte_range
from gupcore.kernel.pte import pte_pfn
from gupcore.kernel.steps.cpu import local_irq_restore, local_irq_save
from gupcore.kernel.steps.page_table import ptep_get_lockless
from gupcore.kernel.steps.struct_page import try_grab_compound_head

ThreadFunction = Callable[..., Any]
HOPELESS: dict[str, tuple[ThreadFunction, str]] = {}  # by name: a thread, and what is said of it
PFN = None


def hopeless(says: str) -> Callable[[ThreadFunction], ThreadFunction]:
    """A decorator that collects threads the checker must refuse, each with what it must say."""

    def collect(thread: ThreadFunction) -> ThreadFunction:
        HOPELESS[thread.__name__] = thread, says
        return thread

    return collect


class Box:
    """A place to keep something where the checker does not look."""


@hopeless("yields 'a string'; a thread yields steps")
def no_step(cpu, address, pages, flags, design):
    yield "a string"


@hopeless("two yields in one statement; write two statements")
def two_yields(cpu, address, pages, flags, design):
    return max((yield ptep_get_lockless(address)), (yield ptep_get_lockless(address)))


@hopeless("a `for` around a yield hides how far it has got; use `while` and a counter")
def for_loop(cpu, address, pages, flags, design):
    for _ in (1, 1):
        yield local_irq_save(cpu)
        yield local_irq_restore(cpu)


@hopeless("the local variable pages holds a list, which can change; use a tuple")
def mutable_local(cpu, address, pages, flags, design):
    pages = []
    yield ptep_get_lockless(address)
    pages.append(address)


@hopeless("the local variable once holds an iterator, whose position the checker cannot see")
def iterator_local(cpu, address, pages, flags, design):
    once = iter((1, 2))
    yield ptep_get_lockless(next(once) * address)


@hopeless("random.random is random of Random, whose answer does not follow from what the thread")
def hidden_state(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    yield local_irq_save(random.random())
    yield local_irq_restore(cpu)
    yield local_irq_save(cpu)


@hopeless("stands in more than 1,000 different ways: it counts without bound, never ends")
def counts_for_ever(cpu, address, pages, flags, design):
    count = 0
    while True:
        yield ptep_get_lockless(address)
        count += 1


@hopeless("raised KeyError: 'pfn'.")
def raises(cpu, address, pages, flags, design):
    pte = yield ptep_get_lockless(address)
    return {"pte": pte}["pfn"]


@hopeless("a thread yields steps. Did you mean `yield from`?")
def forgets_from(cpu, address, pages, flags, design):
    live = yield get_dev_pagemap(0x20000)
    return live


@hopeless("the step ptep_get_lockless is not taken; write `yield ")
def forgets_yield(cpu, address, pages, flags, design):
    pte = ptep_get_lockless(address)
    yield try_grab_compound_head(pte_pfn(pte))


@hopeless("the step local_irq_save is not taken; write `yield local_irq_save(…)`.")
def forgets_yield_of_a_step_without_a_result(cpu, address, pages, flags, design):
    local_irq_save(cpu)
    yield ptep_get_lockless(address)


TYPED_IN: dict[str, Any] = {}  # where there is no source
exec("def halve(number):\n    return number / 0\n", TYPED_IN)
halve = TYPED_IN["halve"]


@hopeless("raised ZeroDivisionError: division by zero.")
def raises_where_there_is_no_source(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    return halve(1)


@hopeless("Was a `yield` forgotten?")
def forgets_yield_in_an_expression(cpu, address, pages, flags, design):
    yield try_grab_compound_head(pte_pfn(ptep_get_lockless(address)))


@hopeless("gup_fast returns a tuple of pfns, () for none, and not True.")
def returns_a_truth(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    return True


@hopeless("True is no frame of this machine: was the PTE present?")
def returns_a_tuple_of_truths(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    return (True,)


@hopeless("gup_fast returns a tuple of pfns, () for none, and not [")
def returns_a_list(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    return [address]


@hopeless("yields from a tuple_iterator; yield from a call of another thread function instead")
def yields_from_a_tuple(cpu, address, pages, flags, design):
    yield from (ptep_get_lockless(address), ptep_get_lockless(address))


@hopeless("a `try` around a yield hides what it will do at its end; write the steps out")
def tidies_up(cpu, address, pages, flags, design):
    yield local_irq_save(cpu)
    try:
        return (yield from gup_pte_range(address, pages, flags, design))
    finally:
        yield local_irq_restore(cpu)


@hopeless("a `with` around a yield hides what it will do at its end; write the steps out")
def with_context(cpu, address, pages, flags, design):
    with suppress(KeyError):
        yield ptep_get_lockless(address)


@hopeless("state outside the function; keep it in local variables")
def global_state(cpu, address, pages, flags, design):
    global PFN
    yield local_irq_save(cpu)
    PFN = yield from gup_pte_range(address, pages, flags, design)
    yield local_irq_restore(cpu)
    return PFN


@hopeless("the default of an argument is a dict, which can change; use a tuple of pairs or a Mapp")
def state_in_a_default(cpu, address, pages, flags, design, kept={}):  # noqa: B006
    yield local_irq_save(cpu)
    kept["pfn"] = yield from gup_pte_range(address, pages, flags, design)
    yield local_irq_restore(cpu)
    return kept["pfn"]


@hopeless("writes the attribute pfn; keep state in local variables.")
def state_in_an_object(cpu, address, pages, flags, design, box=Box()):  # noqa: B008
    yield local_irq_save(cpu)
    box.pfn = yield from gup_pte_range(address, pages, flags, design)
    yield local_irq_restore(cpu)
    return box.pfn


@hopeless("`:=` in a statement that yields; write two statements")
def walrus(cpu, address, pages, flags, design):
    seen = address
    return [seen, (seen := None), (yield ptep_get_lockless(address))]


@hopeless("a lambda that yields hides where it stands; define it with `def`")
def with_lambda(cpu, address, pages, flags, design):
    two = lambda: ((yield local_irq_save(cpu)), (yield local_irq_restore(cpu)))  # noqa: E731
    yield from two()


@hopeless("calls itself more than 50 deep")
def recursion(cpu, address, pages, flags, design):
    yield ptep_get_lockless(address)
    yield from recursion(cpu, address, pages, flags, design)


@hopeless("cannot be taken: ")
def forgets_the_address(cpu, address, pages, flags, design):
    yield ptep_get_lockless()
