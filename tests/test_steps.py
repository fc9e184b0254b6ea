"""What a step may do and must declare: mistakes get a sentence, and declarations are the truth."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import pytest

from gupcore import (
    DESIGNS,
    RULES,
    SCENARIOS,
    Automaton,
    Blocked,
    Effect,
    Scenario,
    ScenarioError,
    ThreadError,
    check,
    gup_slow,
    models,
    munmap,
    replay,
    unbind,
    user_code,
)
from gupcore.checker.machine import touch
from gupcore.checker.step import Action, StepError, Thread
from gupcore.kernel import map as kernel_map
from gupcore.kernel import percpu_ref
from gupcore.kernel.huge import collapse, split
from gupcore.kernel.machine import DEVICE_PFN, MAPPING, NORMAL, STRUCT_PAGE, Machine, StructPage
from gupcore.kernel.pte import pte_wrprotect
from gupcore.kernel.start import dax_machine, memory_machine
from gupcore.kernel.steps.struct_page import put_page
from gupcore.patches.pages import write_back

V5_11 = DESIGNS["v5.11"]


def once(action: Action, machine: Any, *args: Any, rules: tuple[Any, ...] = ()) -> Scenario:
    """A thread that takes one step, and nothing else."""

    def thread() -> Thread:
        yield action(*args)

    return Scenario("once", "", V5_11, machine, (Automaton("a", thread),), rules)


# --- What an action answers -----------------------------------------------------------------------


@dataclass(frozen=True)
class Own:
    """A machine of a reader's own: two fields, and nothing that the checker asks for."""

    n: int = 0
    name: str = "own"


@dataclass
class CanChange:
    n: int = 0


@dataclass
class HashedByIdentity(CanChange):
    __hash__ = object.__hash__


def answers(answer: Callable[[Any], Any]) -> Action:
    @models("mistake", "x.c")
    def mistaken(m: Any) -> Any:
        """Make a mistake."""
        return answer(m)

    return mistaken


def adds_in_place(m: CanChange) -> Effect:
    m.n += 1
    return Effect(m, "Adds in place.")


@pytest.mark.parametrize(
    ("answer", "machine", "says"),
    [
        (lambda m: None, Own(), "mistaken returns nothing (was a `return` forgotten?); it must"),
        (lambda m: m, Own(), "mistaken returns the machine itself; it must return Effect(machine"),
        (lambda m: (m, "said"), Own(), "mistaken returns a tuple; it must return Effect(machine"),
        (lambda m: True, Own(), "mistaken returns a bool; it must return Effect(machine"),
        (lambda m: Effect(m, "x", [1]), Own(), "gives the thread a list, which can change; use a"),  # type: ignore[arg-type]
        (lambda m: Effect(m, "x", {}), Own(), "gives the thread a dict, which can change; use a"),  # type: ignore[arg-type]
        (lambda m: Effect(m, 3), Own(), "an Effect that says 3 where a sentence belongs; it must"),  # type: ignore[arg-type]
        (lambda m: Effect(None, "x"), Own(), "an Effect with a NoneType for a machine, where the"),
        (lambda m: Blocked(None), Own(), "mistaken returns a Blocked; it must return"),  # type: ignore[arg-type]
        (lambda m: Effect(replace(m, seq=1), "x"), Own(), "unexpected keyword argument 'seq'"),
        (lambda m: Effect(m, "x"), CanChange(), "a CanChange, which can change; write @dataclass("),
        (lambda m: Effect(m, "x"), HashedByIdentity(), "which can change; write @dataclass(frozen"),
        (
            adds_in_place,
            CanChange(),
            "a CanChange, which can change; write @dataclass(frozen=True)",
        ),
        (lambda m: Effect(m, "x"), [0], "a list, which can change; use a tuple."),
        (lambda m: Effect(m, m.page("x").pfn and "x"), memory_machine(), "is no frame of this"),
        (lambda m: Effect(m, "x", m.pte(0x1234)), memory_machine(), "0x1234 is no address of the"),
    ],
)
def test_a_mistaken_step_gets_one_sentence(
    answer: Callable[[Any], Any], machine: Any, says: str
) -> None:
    scene = once(answers(answer), machine)
    for judge in (check, lambda scenario: replay(scenario, "1")):
        with pytest.raises(ThreadError) as refused:
            judge(scene)
        if judge is check or isinstance(refused.value, StepError):
            assert says in str(refused.value)
        assert "\n" not in str(refused.value)
        if judge is check and isinstance(machine, CanChange | list):
            break  # replay looks at what a step answers, and at no machine


def test_a_machine_of_ones_own_needs_nothing_but_its_fields() -> None:
    @models("add", "x.c")
    def add(m: Own) -> Effect:
        """Add one."""
        return Effect(replace(m, n=m.n + 1), "Adds one.")

    report = check(once(add, Own()))
    assert [v.rule.name for v in report.verdicts] == ["everyone can finish"]
    assert report.status == "holds"
    assert report.replay("1")[0].changes == ("n: 0 -> 1",)


def test_true_and_one_are_two_machines() -> None:
    @models("set", "x.c")
    def tell(m: Own, value: Any) -> Effect:
        """Set the number."""
        return Effect(replace(m, n=value), "Sets it.")

    def thread(value: Any) -> Thread:
        yield tell(value)

    threads = tuple(Automaton(str(v), thread, (v,)) for v in (True, 1, 1.0))
    graph = check(Scenario("numbers", "", V5_11, Own(), threads)).graph
    assert {type(m.n) for m in graph.machines} == {int, bool, float}


def test_ten_threads_are_too_many() -> None:
    threads = [Automaton(str(n), put_page_once, (n,)) for n in range(10)]
    with pytest.raises(ScenarioError, match="at most 9 threads, a digit of a schedule for each"):
        Scenario("ten", "", V5_11, memory_machine(), tuple(threads))


def put_page_once(cpu: int) -> Thread:
    yield put_page(0x1000)


def test_a_thread_with_the_wrong_arguments() -> None:
    scene = Scenario("x", "", V5_11, memory_machine(), (Automaton("a", put_page_once),))
    for judge in (check, lambda scenario: replay(scenario, "1")):
        with pytest.raises(ThreadError, match=r"a cannot begin: .* missing 1 required positional"):
            judge(scene)


def test_threads_may_stand_in_a_list() -> None:
    threads: Any = [Automaton("a", put_page_once, (0,))]
    assert check(Scenario("x", "", V5_11, memory_machine(), threads)).graph.complete
    with pytest.raises(ScenarioError, match="none of the threads; each is an Automaton"):
        Scenario("x", "", V5_11, memory_machine(), [put_page_once])  # type: ignore[arg-type]


# --- What the machine sees ------------------------------------------------------------------------

# Another value for each field that a step can write; the other fields say who is inside what, or
# what a scene is about.
WRITTEN: dict[str, Any] = {
    **{"page_table": (0,), "tables": ("freed",), "detached": ((0, (1,)),), "made": 1},
    **{"leaves": (1,), "vmas": (None,), "tlb": frozenset({(0, 0, 1)}), "device": "refuses faults"},
    **{"bound": False, "clean": True, "write_protect_seq": 1, "mm_has_pinned": True},
    "pgmap": None,
}
NOT_WRITTEN = {"start", "tlbs", "inside", "owed", "frees", "shows", "oops"}


def test_each_field_that_a_step_can_write_is_seen() -> None:
    before = dax_machine()
    assert {field.name for field in fields(Machine)} == {"memmap", *WRITTEN} | NOT_WRITTEN
    for name, value in WRITTEN.items():
        assert replace(before, **{name: value}).wrote(before), name
    (page,) = before.memmap
    for name in (field.name for field in fields(StructPage)):
        if name != "pfn":
            change: dict[str, Any] = {name: not getattr(page, name)}
            assert replace(before, memmap=(replace(page, **change),)).wrote(before), name


# --- What an action declares ----------------------------------------------------------------------


def raises_the_count(m: Machine) -> Effect:
    page = m.page(DEVICE_PFN)
    return Effect(m.with_page(replace(page, refcount=page.refcount + 1)), "Raises it.")


def raises_it_unseen(m: Machine) -> Effect:
    (page,) = m.memmap
    return Effect(m.with_page(replace(page, refcount=page.refcount + 1)), "Raises it.")


GRAB = (STRUCT_PAGE, "a caller")


@pytest.mark.parametrize(
    ("apply", "declared", "says"),
    [
        (raises_the_count, {}, "reads=(), writes=('struct page',), takes=(('struct page', 'a call"),
        (raises_it_unseen, {}, "writes=('struct page',), takes=(('struct page', 'a caller'),)."),
        (raises_the_count, {"takes": (GRAB,)}, "add to its @models(…): writes=('struct page',)."),
        (raises_the_count, {"writes": (STRUCT_PAGE,)}, "takes=(('struct page', 'a caller'),)."),
        (
            raises_the_count,
            {"writes": (STRUCT_PAGE,), "drops": (GRAB,)},
            "add to its @models(…): takes=(('struct page', 'a caller'),).",
        ),
        (
            lambda m: Effect(m, str(m.pte(MAPPING))),
            {},
            "does what it does not declare; add to its @models(…): reads=('PTE',).",
        ),
        (
            lambda m: Effect(m, str(m.the_pgmap().refs)),
            {"reads": ("PTE",)},
            "reads=('dev_pagemap',).",
        ),
        (lambda m: Effect(m.with_tables("freed"), "Frees."), {}, "writes=('page table',)."),
        (lambda m: Effect(replace(m, bound=False), "Unbinds."), {}, "writes=('device',)."),
        (lambda m: Blocked("Waits.", "a lock"), {}, "waits=('a lock',)."),
        (
            lambda m: Effect(m.enter("DMA in flight", 0), "Starts."),
            {},
            "uses frames; declare uses=Use(by, frames, write)",
        ),
    ],
)
def test_what_is_not_declared_is_an_error_of_the_step(
    apply: Callable[[Machine], Any], declared: dict[str, Any], says: str
) -> None:
    def undeclared(m: Machine) -> Any:
        """Do it."""
        return apply(m)

    action = models("x", "x.c", **declared)(undeclared)
    with pytest.raises(StepError) as refused:
        check(once(action, dax_machine()))
    assert says.replace("reads=(), ", "") in str(refused.value)


def test_an_action_that_declares_what_it_does_is_judged() -> None:
    action = models("x", "x.c", writes=(STRUCT_PAGE,), takes=(GRAB,))(raises_the_count)
    assert check(once(action, dax_machine()))["counts balance"].status == "fails"


def test_a_readers_own_allocator_and_dma_are_judged_like_the_models() -> None:
    free = StructPage(0x1001, 0, NORMAL, "free")
    machine = replace(memory_machine(), memmap=(*memory_machine().memmap, free))

    @models("alloc", "x.c", writes=(STRUCT_PAGE, "frame"), takes=(GRAB,), allocates=True)
    def my_alloc(m: Machine) -> Effect:
        """Take the free page."""
        return Effect(m.with_page(replace(free, refcount=1, owner="ours")), "Takes it.", 0x1001)

    @models("dma", "x.c", uses=dict_use("frame"))
    def my_dma(m: Machine, frame: int, write: bool) -> Effect:
        """Move data."""
        return Effect(m, "Moves data.")

    def thread(allocates: bool) -> Thread:
        if allocates:
            yield my_alloc()
        yield my_dma(0x1001, True)

    for allocates, status in ((True, "holds"), (False, "fails")):
        scene = Scenario("own", "", V5_11, machine, (Automaton("a", thread, (allocates,)),))
        report = check(scene)
        assert report["only the allocator revives"].status == "holds"
        assert report["DMA lands"].status == status


def dict_use(frames: str) -> Any:
    from gupcore.checker.declared import Use

    return Use("device", frames, "write")


def test_what_nobody_watches_is_not_remembered() -> None:
    touch(STRUCT_PAGE, 1)  # outside a step: by a rule, or a test
    assert check(once(answers(lambda m: Effect(m, "x")), dax_machine())).graph.complete


# --- The model's own declarations -----------------------------------------------------------------


def seen() -> dict[str, dict[str, set[Any]]]:
    """What each action of the model was seen to do, over the scenes of the catalogue."""
    found: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    designs = ("v5.11", "v6.1", "v6.15", "cure", "xfs-v6.8", "march-2021", "v5.11-clean")
    for name, make in SCENARIOS.items():
        if name == "percpu-ref":
            continue
        designed: list[dict[str, Any]] = [{"design": d, "callers": 1} for d in designs]
        for chosen, setting in product(designed if make.has_designs else [{}], make.settings):
            try:
                note(check(make(**chosen, **setting)).graph, found)
            except ScenarioError:
                continue
    for scene in (
        SCENARIOS["munmap"]("cure", callers=2),
        SCENARIOS["special"]("v5.11", callers=2, access="write"),
        SCENARIOS["munmap"](V5_11.lacking("unless_zero")),
        SCENARIOS["seed-race"](replace(DESIGNS["march-2021"], counted=True)),
        SCENARIOS["seed-race"]("v5.11-looks-last"),
        *further(),
    ):
        note(check(scene).graph, found)
    return found


def further() -> Iterator[Scenario]:
    """Scenes of two threads that no catalogue has, each for one thing that a step may do."""
    march = DESIGNS["march-2021"]
    huge = SCENARIOS["patch"]("6401c4eb57f9", "after").machine
    small = SCENARIOS["patch"]("70cbc3cc78a9", "after").machine
    whole = SCENARIOS["patch"]("c24d37322548", "after").machine
    read_only = small.with_pte(MAPPING, pte_wrprotect(small.pte(MAPPING)))
    slow = Automaton("slow", gup_slow, (0, MAPPING, 1, 0, V5_11))
    collapses = Automaton("khugepaged", collapse, (1, MAPPING, V5_11))
    splits = Automaton("split", split, (0x1000,))
    locks = [Automaton(f"w {cpu}", write_back, (cpu, DEVICE_PFN)) for cpu in (0, 1)]
    stores = [
        Automaton(f"s {cpu}", user_code, (cpu, MAPPING, bool(cpu), 1, V5_11)) for cpu in (0, 1)
    ]
    unmaps = Automaton("munmap", munmap, (2, V5_11))
    scenes: tuple[tuple[Any, ...], ...] = (
        (huge, Automaton("unbind", unbind, (1, 1, march))),
        (small, slow, collapses),
        (small, collapses, unmaps),
        (whole, slow, splits),
        (whole, stores[0], splits),
        (dax_machine(), *locks),
        (read_only, *stores),
    )
    for machine, *threads in scenes:
        yield Scenario("further", "", V5_11, machine, tuple(threads))


def note(graph: Any, found: dict[str, dict[str, set[Any]]]) -> None:
    for thread, number, node, _ in graph.worked_out():
        step, machine = graph.threads[thread].nodes[node].step, graph.machines[number]
        if step is None or graph.stopped(machine):
            continue
        answer, touched = step.watched(machine)
        of = found[step.action.name]
        of["touched"] |= {touch.kind for touch in touched}
        if isinstance(answer, Blocked):
            of["waits"].add(answer.on)
            continue
        if graph.stopped(answer.machine):
            continue
        of["writes"] |= answer.machine.wrote(machine)
        before, after = machine.references(), answer.machine.references()
        for held in before.keys() & after.keys():
            if after[held] != before[held]:
                of["takes" if after[held] > before[held] else "drops"].add(held[:2])


def test_what_a_step_of_the_model_declares_it_is_seen_to_do() -> None:
    """The other way round is checked whenever a step is taken."""
    found = seen()
    for action in kernel_map.ACTIONS:
        if action.apply.__module__ == percpu_ref.__name__:
            continue
        of, declared = found[action.name], action.declares
        assert of, f"{action.name} is taken in no scene"
        assert set(declared.writes) <= of["writes"], action.name
        assert set(declared.reads) <= of["touched"] | of["writes"], action.name
        assert set(declared.takes) <= of["takes"], action.name
        assert set(declared.drops) <= of["drops"], action.name
        # munmap has waited for mmap_lock before: whoever has the page-table lock holds that, too.
        waits = set(declared.waits) if action.name != "zap_ptes" else set()
        assert waits == of["waits"], action.name
        assert "" not in of["waits"], action.name


def test_rules_ask_for_no_names() -> None:
    """A rule that asks what a step is called would not see a reader's own."""
    import inspect

    from gupcore.kernel import rules

    assert "steps" not in inspect.getsource(rules).replace("steps.", "").split()
    assert all(action.name not in inspect.getsource(rules) for action in kernel_map.ACTIONS)
    assert RULES
