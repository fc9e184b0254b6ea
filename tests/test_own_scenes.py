"""Scenes of one's own: what a newcomer writes works, and each mistake gets one sentence."""

import pickle
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

import gupcore
from gupcore import (
    DESIGNS,
    FREE,
    MEMORY_PFN,
    NORMAL,
    OTHERS,
    RULES,
    SCENARIOS,
    Automaton,
    Blocked,
    Design,
    Effect,
    Gone,
    Machine,
    Player,
    Rule,
    Scenario,
    ScenarioError,
    StructPage,
    ThreadError,
    Use,
    another_process,
    check,
    memory_machine,
    models,
    munmap,
    replay,
    scenario,
    step,
    with_more,
)
from gupcore.checker.picture import GONE, Known, picture, tell
from gupcore.kernel.map import ACTIONS

wrong: Any = gupcore  # to write what the type checker would refuse


@dataclass(frozen=True)
class Pool:
    free: int = 1
    given: tuple[str, ...] = ()


@dataclass
class CanChange:
    free: int = 1


@dataclass(frozen=True)
class WithList:
    free: int = 1
    given: list[str] = field(default_factory=list)


@step
def look(m: Any) -> Effect:
    """See how many pages are free."""
    return Effect(m, f"Sees {m.free}.", m.free)


@step
def take(m: Any, who: str = "somebody") -> Effect:
    """Take a page."""
    return Effect(replace(m, free=m.free - 1, given=(*m.given, who)), "Takes one.")


def user(who: Any) -> Any:
    free = yield look()
    if free:
        yield take(who=who)


def test_a_free_page_lets_two_who_want_one_finish() -> None:
    """The page on scenes says so: without it, who comes second waits for ever."""
    spare = StructPage(MEMORY_PFN + 1, 0, NORMAL, FREE)
    for more, finish in (((), "fails"), ((spare,), "holds")):
        machine = memory_machine()
        machine = replace(machine, memmap=(*machine.memmap, *more))
        threads = (Automaton("another", another_process),)
        scene = Scenario("want", "One wants a page.", "as it is", machine, threads)
        assert check(scene)["everyone can finish"].status == finish


def not_below_zero(before: Any, step: Any, after: Any) -> bool:
    return bool(after.free >= 0)


NOT_BELOW = Rule("not below zero", "No page is given twice.", "step", not_below_zero)
FINISH = RULES["everyone can finish"]


def scene(
    *threads: Any, machine: Any = None, rules: Any = NOT_BELOW, design: Any = "dropped"
) -> Any:
    users: Any = threads or [Automaton(who, user, (who,)) for who in ("A", "B")]
    return Scenario("pool", "Two take one page.", design, machine or Pool(), users, rules)


# --- What works ---------------------------------------------------------------------------------


def test_two_fields_two_steps_and_a_rule_are_a_scene() -> None:
    report = check(scene())
    assert report["not below zero"].in_short() == "fails in 4 steps"
    assert report.scenario.design.name == "dropped"
    assert report.replay(report["not below zero"].schedule)[-1].machine.given in (
        ("A", "B"),
        ("B", "A"),
    )
    assert [str(action.source) for action in (look, take)] == ["look", "take"]
    assert "kernel:" not in Player(report).to_html()


def test_one_rule_and_one_thread_need_no_tuple() -> None:
    alone: Any = Automaton("A", user, ("A",))
    assert check(scene(alone)).status == "holds"


def test_a_machine_that_was_copied_or_sent_is_judged_as_before() -> None:
    copied = pickle.loads(pickle.dumps(copy(Pool()), 2))
    assert hasattr(Pool, "__slotnames__"), "Python remembers on the class how its values are copied"
    assert check(scene(machine=copied))["not below zero"].in_short() == "fails in 4 steps"


def test_a_variable_called_like_a_thing_is_drawn_as_knowing_it() -> None:
    assert tell(Pool(), "free", 1) == Known("free", "1", "free")
    assert tell(Pool(), "who", "A") == Known("who", "'A'")


def test_arguments_may_be_named_and_left_out() -> None:
    assert take(who="A") == take("A")
    assert take() == take("somebody")


@pytest.mark.parametrize("name", [action.name for action in ACTIONS] + gupcore.__all__)
def test_all_that_an_author_needs_comes_from_the_package(name: str) -> None:
    assert hasattr(gupcore, name)


def test_a_step_of_the_kernel_is_hidden_by_nothing() -> None:
    assert all(getattr(gupcore, action.name) is action for action in ACTIONS)


@dataclass(frozen=True)
class WithDevice(Machine):
    """Ordinary memory, and a device with a page table of its own."""

    device_maps: int | None = MEMORY_PFN


@models("mmu_notifier_invalidate_range_start", "include/linux/mmu_notifier.h", "v6.1")
def invalidate(m: WithDevice) -> Effect:
    """Tell the device."""
    return Effect(replace(m, device_maps=None), "The device forgets the page.")


def unmaps(cpu: int, first: bool, design: Design) -> Any:
    if first:
        yield invalidate()
    yield from munmap(cpu, design)
    if not first:
        yield invalidate()


def reaches_ours(before: WithDevice, step: Any, after: WithDevice) -> bool:
    return after.device_maps is None or after.frame(after.device_maps).owner != OTHERS


@pytest.mark.parametrize("first", [True, False])
def test_the_kernels_machine_takes_one_more_object(first: bool) -> None:
    rule = Rule(
        "the device reaches ours", "The device reaches no page of others.", "step", reaches_ours
    )
    threads = (
        Automaton("munmap", unmaps, (0, first, DESIGNS["v5.11"])),
        Automaton("another process", another_process),
    )
    machine = with_more(WithDevice, memory_machine())
    report = check(Scenario("device", "", "x", machine, threads, (rule, *RULES.values())))
    assert [v.rule.name for v in report.verdicts if v.status == "fails"] == (
        [] if first else ["the device reaches ours"]
    )
    assert "device_maps" in Player(report).to_html()
    shown = picture(machine)["device_maps"]
    assert (shown.words, shown.points) == ("0x1000", (("maps", "pfn 0x1000"),))
    told = picture(replace(machine, device_maps=None))["device_maps"]
    assert (told.state, told.points) == (GONE, ())
    changes = [c for moment in replay(report.scenario, "1" * 9) for c in moment.changes]
    assert f"device_maps: {MEMORY_PFN} -> " in changes


# --- What does not ------------------------------------------------------------------------------


def with_step(answer: Callable[..., Any]) -> Any:
    """Return a scene whose only thread takes one step, of that function."""

    @step
    def mistaken(m: Any) -> Any:
        """Make a mistake."""
        return answer(m)

    def thread() -> Any:
        yield mistaken()

    return scene(Automaton("A", thread))


def with_rule(holds: Any, on: str = "step") -> Any:
    return scene(rules=(Rule("mine", "", on, holds),))


def on_a_cpu(cpu: int) -> Any:
    yield look()


def in_the_kernel(blocked: Blocked | None = None, **does: Any) -> Any:
    """Return a scene in the kernel's machine with a step that looks at a struct page, or waits."""

    @wrong.step(**does)  # type: ignore[untyped-decorator]
    def peeks(m: Machine) -> Effect | Blocked:
        return blocked or Effect(m, f"Counts {m.page(MEMORY_PFN).refcount}.")

    def peeking() -> Any:
        yield peeks()

    return Scenario("peek", "", "x", memory_machine(), (Automaton("A", peeking),), (FINISH,))


def no_yield() -> None:
    look()


def yields(what: Any) -> Any:
    def thread() -> Any:
        yield what() if callable(what) and not isinstance(what, type(look)) else what

    return scene(Automaton("A", thread))


def undecorated(m: Any) -> Any:
    return Effect(m, "Nothing.")


def yields_a_function() -> Any:
    yield undecorated


def calls_a_function() -> Any:
    yield undecorated()  # type: ignore[call-arg]


@step
def in_place(m: Any) -> Effect:
    """Write to the machine."""
    m.free = 0
    return Effect(m, "Takes all.")


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    # steps
    "no return": (
        lambda: with_step(lambda m: None),
        "returns nothing (was a `return` forgotten?); it must",
    ),
    "the machine": (
        lambda: with_step(lambda m: m),
        "returns the machine itself; it must return Effect(",
    ),
    "Blocked as it is": (
        lambda: with_step(lambda m: Blocked),
        "Blocked without its sentence; it must return",
    ),
    "Blocked()": (lambda: with_step(lambda m: Blocked()), "'why'; it must return Effect(machine,"),  # type: ignore[call-arg]
    "Effect(m)": (lambda: with_step(lambda m: Effect(m)), "'said'; it must return Effect(machine,"),  # type: ignore[call-arg]
    "a field that is not there": (
        lambda: with_step(lambda m: Effect(m, str(m.fre))),
        "no attribute 'fre'; its fields are free, given.",
    ),
    "a new field": (
        lambda: with_step(lambda m: Effect(replace(m, fre=1), "x")),
        "unexpected keyword argument 'fre'; its fields are free, given.",
    ),
    "a page that is not there": (
        lambda: with_step(lambda m: Effect(m, m.given[0])),
        'out of range; where a thing can be gone, raise Gone("its name").',
    ),
    "in place": (
        lambda: yields(in_place),
        "writes the attribute free; a step returns Effect(replace(machine",
    ),
    "too many arguments": (
        lambda: yields(look(3)),
        "look(3) cannot be taken: write look(), without the machine.",
    ),
    "given the machine": (
        lambda: yields(take(Pool(), "A")),
        "write take(who), without the machine.",
    ),
    "no parameter": (
        lambda: step(lambda: Effect(Pool(), "x")),
        "takes no machine; write def <lambda>(machine)",
    ),
    "@models": (
        lambda: wrong.models(undecorated),
        "a step that stands for none is made with @step.",
    ),
    "a word misspelt": (lambda: models("f", "x.c", write="PTE"), "not write; a step that stands"),
    "frames of no parameter": (
        lambda: models("f", "x.c", uses=Use("device"))(undecorated),
        "that says which frames it uses; write uses=Use('device', frames=…)",
    ),
    "used by nobody": (
        lambda: models("f", "x.c", uses=Use("Device", "m"))(undecorated),
        'write uses=Use("CPU", …) or Use("device", …).',
    ),
    # threads
    "no generator": (
        lambda: scene(wrong.Automaton("A", no_yield)),
        "a thread is a function that yields steps.",
    ),
    "called": (
        lambda: scene(Automaton("A", user("A"))),
        'hand in the function and its arguments: Automaton("A", user',
    ),
    "not called": (lambda: yields(look), "yields look; a thread yields steps. Call it: look()."),
    "no step": (lambda: yields(5), "yields 5; a thread yields steps."),
    "no @step": (
        lambda: scene(Automaton("A", yields_a_function)),
        "Write @step above undecorated, and call it.",
    ),
    "no @step, called": (
        lambda: scene(Automaton("A", calls_a_function)),
        "Is it a step without @step?",
    ),
    "an effect": (
        lambda: yields(Effect(Pool(), "x")),
        "a thread yields steps. Make it with @step.",
    ),
    "an argument and no tuple": (
        lambda: scene(wrong.Automaton("A", user, "A")),
        "write its arguments as a tuple, as (0,).",
    ),
    "too few arguments": (
        lambda: scene(Automaton("A", user)),
        "A cannot begin: user() missing 1 required",
    ),
    "no name": (lambda: scene(wrong.Automaton(user, "A")), "has a name first: Automaton("),
    "one name twice": (
        lambda: scene(*[Automaton("A", user, (who,)) for who in "AB"]),
        "Two threads are called 'A'; give each its own name.",
    ),
    # rules
    "a rule without return": (
        lambda: with_rule(lambda b, s, a: None),
        "(was a `return` forgotten?); it must return True",
    ),
    "a number": (
        lambda: with_rule(lambda b, s, a: a.free),
        "; it must return True where it is kept, or False.",
    ),
    "a rule that raises": (
        lambda: with_rule(lambda b, s, a: a.fre > 0),
        "cannot be judged: <lambda>, line",
    ),
    "a field that a rule misspells": (
        lambda: with_rule(lambda b, s, a: a.fre > 0),
        "its fields are free, given.",
    ),
    "one machine of three": (
        lambda: with_rule(lambda m: True),
        "needs a function of the machine before, the step,",
    ),
    "three of one": (
        lambda: with_rule(lambda b, s, a: True, "end"),
        "it needs a function of the machine at the end.",
    ),
    "no predicate": (
        lambda: scene(rules=Rule("mine", "", "step")),
        "'mine' needs a function of the machine before",
    ),
    "asked of finish": (
        lambda: with_rule(lambda m: False, "finish"),
        "'mine' needs no function: \"finish\" asks",
    ),
    "another moment": (
        lambda: with_rule(lambda m: True, "always"),
        "must be step or return or end or finish, not always.",
    ),
    "a function for a rule": (
        lambda: scene(rules=(not_below_zero,)),
        "is none of the rules; each is a Rule",
    ),
    "two of a name": (
        lambda: scene(rules=(NOT_BELOW, NOT_BELOW)),
        "Two rules are called 'not below zero'; give each",
    ),
    "the kernel's": (
        lambda: scene(rules=RULES.values()),
        "no attribute 'oops'; its fields are free, given.",
    ),
    # machines and scenarios
    "can change": (
        lambda: scene(machine=CanChange()),
        "a CanChange, which can change; write @dataclass(frozen=True).",
    ),
    "a list inside": (
        lambda: scene(machine=WithList()),
        "The machine's field given holds a list, which can change; use a tuple.",
    ),
    "a class": (lambda: scene(machine=Pool), "The machine is the class Pool; write Pool(…)."),
    "a number for a design": (
        lambda: scene(design=3),
        "The design is the int 3; write a word, or Variant(",
    ),
    "no threads": (
        lambda: wrong.Scenario("pool", "", "x", Pool(), (), NOT_BELOW),
        "A scenario needs a thread; pool has none.",
    ),
    "a thread for threads": (
        lambda: wrong.Scenario("pool", "", "x", Pool(), 3, NOT_BELOW),
        "The threads are a tuple, not the int 3.",
    ),
    "rules in a dict": (
        lambda: scene(rules=(RULES,)),
        "… is none of the rules; each is a Rule; of RULES, hand in its values().",
    ),
    "one CPU for two": (
        lambda: scene(*(Automaton(who, on_a_cpu, (0,)) for who in "AB")),
        "Two threads run on CPU 0: one would leave what the other is inside; give each",
    ),
    "a list into a field": (
        lambda: with_step(lambda m: Effect(replace(m, given=[1]), "x")),
        "The machine's field given holds a list, which can change; use a tuple.",
    ),
    "no word for a thing": (
        lambda: in_the_kernel(reads="struct pages"),
        "peeks declares 'struct pages', which is no word of the machine; write 'struct page'.",
    ),
    "no word for who holds it": (
        lambda: in_the_kernel(reads="struct page", takes=("struct page", "a coller")),
        "declares 'a coller', which is no word of the machine; write 'a caller'.",
    ),
    "no word for what it waits for": (
        lambda: in_the_kernel(reads="struct page", waits="nothing"),
        "declares 'nothing', which is no word of the machine; write 'a TLB flush' or 'a free page'",
    ),
    "it does not say what it waits for": (
        lambda: in_the_kernel(Blocked("Waits.")),
        "declare waits='a TLB flush', or in its place 'a free page' or 'a grace period' or",
    ),
    "no word for what it waits for, when it waits": (
        lambda: in_the_kernel(Blocked("Waits.", "lock"), waits="a lock"),
        "waits for 'lock'; write Blocked(\"Why it waits.\", 'a lock'), and declare waits='a lock'.",
    ),
    "it does not say who holds it": (
        lambda: in_the_kernel(takes="struct page"),
        'declares takes=("the thing", "who holds it"), or several such pairs; not \'struct page\'.',
    ),
    "undeclared, and of no function of the kernel": (
        lambda: in_the_kernel(),
        "does what it does not declare; add to its @step(…): reads=('struct page',).",
    ),
    "no such declaration": (
        lambda: in_the_kernel(raeds="struct page"),
        "@step takes any of reads, writes, takes, drops, uses, allocates, frees, waits, not raeds.",
    ),
}


def test_a_step_that_stands_for_none_can_declare_what_it_does() -> None:
    assert check(in_the_kernel(reads="struct page")).status == "holds"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gets_one_sentence_that_says_what_to_write(name: str) -> None:
    make, says = MISTAKES[name]
    with pytest.raises((ThreadError, ScenarioError)) as refused:
        check(make())
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_rule_that_never_ends_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gupcore.checker.patience.SECONDS", 1)

    def endless(before: Any, step: Any, after: Any) -> bool:
        while True:
            pass

    with pytest.raises(ThreadError, match=r"endless, line .*: no step was taken in"):
        check(with_rule(endless))


def test_where_nobody_can_finish_and_no_rule_asks_it_is_said() -> None:
    @step
    def never(m: Any) -> Blocked:
        """Wait for what does not come."""
        return Blocked("Waits.")

    def waits() -> Any:
        yield never()

    report = check(scene(Automaton("A", waits)))
    assert str(report).endswith('add RULES["everyone can finish"] to the rules.')
    assert "Not everyone can finish" in report._repr_html_()
    assert "Not everyone" not in str(check(scene(Automaton("A", waits), rules=FINISH)))
    assert "Not everyone" not in str(check(scene()))


def test_where_something_gone_is_touched_and_no_rule_asks_it_is_said() -> None:
    @dataclass(frozen=True)
    class Entry:
        there: bool = True
        oops: str | None = None

    @step
    def reach(m: Entry) -> Effect:
        """Reach for the entry, and take it away."""
        if not m.there:
            raise Gone("the entry")
        return Effect(replace(m, there=False), "Takes it away.")

    def reaches() -> Any:
        yield reach()

    def nothing_gone(before: Any, step: Any, after: Any) -> bool:
        return after.oops is None

    def judged(*rules: Rule) -> str:
        threads = Automaton("A", reaches), Automaton("B", reaches)
        return str(check(scene(*threads, machine=Entry(), rules=rules)))

    assert "The entry is touched when it is gone, and no rule asks for that" in judged(FINISH)
    asked = judged(FINISH, Rule("nothing gone", "Nothing gone is touched.", "step", nothing_gone))
    assert "fails in 2 steps: B: touches the entry, which is gone: oops." in asked
    assert "no rule asks" not in asked


def test_a_scenario_of_ones_own_takes_no_name_of_the_books() -> None:
    was = SCENARIOS["seed-race"]
    with pytest.raises(ScenarioError, match="There is a scenario 'seed-race' already; give yours"):
        scenario("seed-race")(scene)
    assert SCENARIOS["seed-race"] is was
    with pytest.raises(ScenarioError, match=r'A scenario has a name; write @scenario\("name"\)'):
        wrong.scenario(scene)


@pytest.mark.parametrize(
    ("make", "domains", "says"),
    [
        (lambda: None, {}, "The scenario mine is made to return the NoneType None; `return` one."),
        (lambda: scene(), {"callers": range(3)}, "The scenario mine has no parameter callers."),
    ],
)
def test_a_maker_that_makes_no_scenario(
    make: Any, domains: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gupcore.checker.maker.SCENARIOS", {})
    maker = scenario("mine", **domains)(make)
    with pytest.raises(ScenarioError) as refused:
        maker()
    assert str(refused.value) == says


def test_a_machine_that_nobody_describes_is_told_field_by_field() -> None:
    from gupcore.checker.machine import things

    @dataclass(frozen=True)
    class Plain:
        is_there: bool = True
        who: str | None = None
        some: frozenset[int] = frozenset((2, 1))

    told = [(thing.name, thing.exists, thing.value) for thing in things(Plain())]
    assert told == [("is_there", True, "yes"), ("who", False, ""), ("some", True, "1, 2")]
