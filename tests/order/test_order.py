"""The three models of memory say what others say: the papers, the kernel's tests, and herd7."""

import re
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from litmus_corpus import NEVER, SHAPES, SOMETIMES, Outcomes, built, family, herd7, in_order

from gupcore.figures.picture import BLUE, GREY, ORANGE, RED, THREADS
from gupcore.kernel.map import ACTIONS
from gupcore.order import LKMM, MODELS, SC, TSO, LitmusError, ask, drawing, litmus, models, outcomes
from gupcore.order.answer import holds
from gupcore.order.gup import FAMILY
from gupcore.order.litmus import Litmus
from gupcore.order.models import Model

# --- What is known ------------------------------------------------------------------------------


@pytest.mark.parametrize(("test", "verdicts"), SHAPES, ids=[test.name for test, _ in SHAPES])
def test_a_shape_has_its_published_outcomes(test: Litmus, verdicts: tuple[str, ...]) -> None:
    assert tuple(ask(test, model).verdict for model in MODELS) == verdicts


def allowed_by(test: Litmus, model: Model) -> Outcomes:
    """Return the outcomes that a model allows; what is built once serves every model."""
    found = set()
    for x in built(test):
        outcome = in_order(x.outcome())
        if outcome not in found and model.allows(x):
            found.add(outcome)
    return frozenset(found)


def test_random_tests_have_the_outcomes_that_herd7_gives() -> None:
    assert len(herd7()) == 150
    for test, expected in herd7():
        assert allowed_by(test, LKMM) == expected, test


def test_some_random_tests_are_weaker_than_one_order() -> None:
    weaker = [test for test, expected in herd7() if allowed_by(test, SC) < expected]
    assert len(weaker) > 10


def test_what_a_stronger_model_allows_a_weaker_one_allows() -> None:
    for test in [*family(), *(test for test, _ in SHAPES), *(test for test, _ in herd7())]:
        assert allowed_by(test, SC) <= allowed_by(test, TSO) <= allowed_by(test, LKMM), test.name


# --- gup-fast -----------------------------------------------------------------------------------

FREE, NOT, WEAK, ONLY_LKMM = (
    *((SOMETIMES,) * 3, (NEVER,) * 3),
    *((NEVER, SOMETIMES, SOMETIMES), (NEVER, NEVER, SOMETIMES)),
)
EXPECTED = {
    ("walker", ""): NOT,
    ("walker", "no grace period"): FREE,
    ("walker", "a barrier in its place"): FREE,
    ("second look", ""): NOT,
    ("second look", "relaxed grab"): ONLY_LKMM,
    ("second look", "no barrier after the clear"): WEAK,
    ("second look", "no second look"): FREE,
    ("second look", "arm64"): NOT,
    ("second look", "arm64, counted before the flush"): ONLY_LKMM,
    ("second look", "x86, counted before the flush"): NOT,
    ("failed grab", ""): ONLY_LKMM,
    ("failed grab", "a barrier after it"): NOT,
    ("freeze", ""): NOT,
    ("freeze", "relaxed grab"): NOT,
    ("serialise", ""): NOT,
    ("serialise", "no grace period"): FREE,
    ("serialise", "a barrier in its place"): FREE,
    ("kill", ""): NOT,
    ("kill", "no grace period"): FREE,
    ("kill", "a barrier in its place"): FREE,
    ("pin", ""): NOT,
    ("pin", "before 088b8aa537c2"): ONLY_LKMM,
    ("dirty", ""): NOT,
    ("dirty", "no smp_rmb()"): ONLY_LKMM,
    ("exclusive", ""): NOT,
    ("exclusive", "no smp_rmb()"): ONLY_LKMM,
    ("exclusive", "no smp_mb__after_atomic()"): ONLY_LKMM,
    ("collapse", ""): NOT,
    ("collapse", "before 70cbc3cc78a9"): FREE,
}


def test_the_tests_of_gup_fast() -> None:
    found = {
        (name, change): tuple(ask(scene.test(change), model).verdict for model in MODELS)
        for name, scene in FAMILY.items()
        for change in ("", *scene.changes)
    }
    assert found == EXPECTED


@pytest.mark.parametrize("name", FAMILY)
def test_a_line_stands_for_a_line_of_the_kernel_and_a_step_of_the_model(name: str) -> None:
    scene = FAMILY[name]
    steps = {action.name: action for action in ACTIONS}
    for line in scene.lines:
        assert line.code in scene.text
        assert Path(line.file).suffix in (".c", ".h")
        assert re.fullmatch(r"v\d\.\d+", line.version)
        if line.step:
            source = steps[line.step].source
            assert (line.function, line.file, line.version) == source, line
    assert scene.lines
    with pytest.raises(KeyError):
        scene.test("something else")


# --- Why, and why not ---------------------------------------------------------------------------


def answer(name: str, change: str = "", model: Model = LKMM) -> Any:
    return ask(FAMILY[name].test(change), model)


def test_what_is_forbidden_comes_with_its_cycle() -> None:
    said = repr(answer("second look"))
    assert "Forbidden by propagation: a mb→ b fr→ c mb→ d fr→ a" in said


def test_what_is_allowed_comes_with_the_barrier_that_is_missing() -> None:
    missing = answer("second look", "no barrier after the clear").missing
    assert [(a.place, b.place) for a, b in missing] == [("pte", "count")]
    missing = answer("second look", "relaxed grab").missing
    assert [(a.place, b.place) for a, b in missing] == [("count", "pte")]
    sb = litmus(
        "C SB\n{}\nP0(int *x, int *y) { WRITE_ONCE(*x, 1); int r0 = READ_ONCE(*y); }\n"
        "P1(int *x, int *y) { WRITE_ONCE(*y, 1); int r0 = READ_ONCE(*x); }\n"
        r"exists (0:r0=0 /\ 1:r0=0)"
    )
    assert len(ask(sb, TSO).missing) == 2
    assert "Missing: a full barrier between a and b and between c and d" in repr(ask(sb, LKMM))
    assert answer("walker", "no grace period").missing == ()
    assert "SC allows it, too" in repr(answer("walker", "no grace period"))


@cache
def answers() -> list[Any]:
    return [ask(test, model) for test in family() for model in MODELS]


def test_an_answer_shows_an_execution_that_is_as_it_says() -> None:
    for given in answers():
        x = given.execution
        assert holds(given.test.asked, x.outcome())
        built_at_all = given.axiom is None or given.axiom.name not in ("coherence", "atomic")
        assert (given.model.allows(x) and built_at_all) == given.allowed
        assert all(
            edge.end == after.start
            for edge, after in zip(given.cycle, given.cycle[1:], strict=False)
        )
        assert not given.cycle or given.cycle[-1].end == given.cycle[0].start
        if given.missing:
            places = tuple((x.shape.number[a], x.shape.number[b]) for a, b in given.missing)
            assert not given.model.allows(x.with_barriers(places))
            for left in range(len(places)):
                assert given.model.allows(x.with_barriers(places[:left] + places[left + 1 :]))


def test_an_answer_is_drawn_in_the_page_s_colours() -> None:
    for given in answers():
        page = given._repr_html_()
        assert page.startswith('<div class="gup-figure"><svg role="img" aria-label="')
        assert "#000" not in page
        boxes = sum(bool(node.letter) for node in drawing.nodes(given.execution))
        assert page.count("<rect") == boxes
        assert (drawing.RED in page) == bool(given.cycle)
        assert ("dasharray" in page) == bool(given.missing)
    assert (drawing.RED, drawing.GREY) == (RED, GREY)
    assert set(drawing.ARROWS.values()) <= {BLUE, ORANGE, THREADS[2]}


def test_what_coherence_forbids_has_a_cycle_too() -> None:
    corr = next(test for test, _ in SHAPES if test.name == "CoRR")
    said = repr(ask(corr, LKMM))
    assert "Forbidden by coherence" in said


def test_a_test_must_ask() -> None:
    with pytest.raises(ValueError, match="asks about no outcome"):
        ask(Litmus("nothing", [()]), SC)


# --- Mutants: no axiom, and no part of one, is there in vain ------------------------------------

# Not here is what linux-kernel.cat says twice: a grace period is a fence as well, a release and wmb
# order execution besides propagation, full barriers are cumulative, and chains of grace periods and
# sections are joined.  What that forbids, another part forbids as well.
MUTANTS = {
    "SC: no order": ('acyclic("one order", order)', 'acyclic("one order", order - order)'),
    "SC: no po": ("order = x.po | x.rf | x.co | x.fr", "order = x.rf | x.co | x.fr"),
    "SC: no rf": ("order = x.po | x.rf | x.co | x.fr", "order = x.po | x.co | x.fr"),
    "SC: no co": ("order = x.po | x.rf | x.co | x.fr", "order = x.po | x.rf | x.fr"),
    "SC: no fr": ("order = x.po | x.rf | x.co | x.fr", "order = x.po | x.rf | x.co"),
    "TSO: SC": (" - (W @ x.po @ R)", ""),
    "TSO: no fence": ('x.fence("mb") | gp', "gp"),
    "TSO: RMWs not locked": ("fence |= (x.po @ locked | locked @ x.po)", "fence |= (x.po - x.po)"),
    "TSO: rfi counts": ("| (x.rf - x.int_) | x.co | x.fr", "| x.rf | x.co | x.fr"),
    "TSO: no rf": ("| (x.rf - x.int_) | x.co | x.fr", "| x.co | x.fr"),
    "TSO: no fr": ("| (x.rf - x.int_) | x.co | x.fr", "| (x.rf - x.int_) | x.co"),
    "TSO: no co": ("| (x.rf - x.int_) | x.co | x.fr", "| (x.rf - x.int_) | x.fr"),
    "no happens-before": ('acyclic("happens-before", hb)', 'acyclic("happens-before", hb - hb)'),
    "no propagation": ('acyclic("propagation", pb)', 'acyclic("propagation", pb - pb)'),
    "no rcu": ("x.po.opt() @ after @ prop @ x.po, prop, after", "(x.po - x.po), prop, after"),
    "no acquire": ("| po_rel | acq_po | wmb", "| po_rel | wmb"),
    "no rmb": ("acq_po | wmb | rmb", "acq_po | wmb"),
    "no mb": ("strong_fence = mb | gp", "strong_fence = gp"),
    "no after_atomic": ("| before_atomic | after_atomic |", "| before_atomic |"),
    "no before_atomic": ("| before_atomic | after_atomic |", "| after_atomic |"),
    "rmb for noreturn": ('x.R & ~x.tagged("R", NORETURN)', "x.R"),
    "no addr": ("to_r = x.addr | dep @ rfi", "to_r = dep @ rfi"),
    "no dep; rfi": ("to_r = x.addr | dep @ rfi", "to_r = x.addr"),
    "no data": ("dep = x.addr | x.data", "dep = x.addr"),
    "no ctrl": ("rwdep = (dep | x.ctrl) @ W", "rwdep = dep @ W"),
    "ctrl orders reads": ("rwdep = (dep | x.ctrl) @ W", "rwdep = dep @ W | x.ctrl"),
    "no rwdep": ("to_w = rwdep | (overwrite", "to_w = (overwrite"),
    "no overwrite": ("to_w = rwdep | (overwrite & x.int_)", "to_w = rwdep"),
    "release not cumulative": (
        "rfe.opt() @ (strong_fence | po_rel)",
        "(rfe.opt() @ strong_fence | po_rel)",
    ),
    "wmb does not propagate": ("(strong_fence | po_rel) | wmb", "(strong_fence | po_rel)"),
    "release does not propagate": (
        "rfe.opt() @ (strong_fence | po_rel) |",
        "rfe.opt() @ strong_fence |",
    ),
    "prop: no overwrite": ("prop = (overwrite - x.int_).opt() @ ", "prop = "),
    "prop: one fence": ("cumul_fence.star()", "cumul_fence.opt()"),
    "prop: no rfe": ("cumul_fence.star() @ rfe.opt()", "cumul_fence.star()"),
    "hb: no rfe": ("hb = ppo | rfe |", "hb = ppo |"),
    "hb: no prop": ("| rfe | ((prop - nothing) & x.int_)", "| rfe"),
    "hb: prop across threads": ("((prop - nothing) & x.int_)", "(prop - nothing)"),
    "pb: no hb": ("pb = prop @ strong_fence @ hb.star()", "pb = prop @ strong_fence"),
    "pb: no prop": ("pb = prop @ strong_fence @ hb.star()", "pb = strong_fence @ hb.star()"),
    "rcu: one section only": ("both = gp | gp @ link @ section | section @ link @ gp", "both = gp"),
    "rcu: sections alone": ("both = gp |", "both = gp | section |"),
    "rcu: no pb": ("after = hb.star() @ pb.star()", "after = hb.star()"),
    "rcu: no hb": ("after = hb.star() @ pb.star()", "after = pb.star()"),
    "rcu: no more than one section": ("order |= gp @ around", "order |= order; gp @ around"),
}
SOURCE = Path(models.__file__).read_text()


def mutated(old: str, new: str) -> ModuleType:
    """Return the models with a part of an axiom replaced."""
    assert SOURCE.count(old) >= 1, old
    module = ModuleType("gupcore.order.mutant")
    module.__package__ = "gupcore.order"
    sys.modules[module.__name__] = module
    exec(compile(SOURCE.replace(old, new), "mutant", "exec"), module.__dict__)
    return module


@cache
def corpus() -> list[tuple[Litmus, tuple[Outcomes, ...]]]:
    tests = [test for test, _ in SHAPES] + family() + [test for test, _ in herd7()]
    return [(test, tuple(allowed_by(test, model) for model in MODELS)) for test in tests]


@pytest.mark.parametrize("name", MUTANTS)
def test_no_part_of_an_axiom_is_there_in_vain(name: str) -> None:
    changed = mutated(*MUTANTS[name]).MODELS
    for test, expected in corpus():
        for model, known in zip(changed, expected, strict=True):
            if allowed_by(test, model) != known:
                return
    pytest.fail("nobody notices")


# --- The reader ---------------------------------------------------------------------------------


def test_pointers_are_followed() -> None:
    test = litmus(
        "C MP+assign+deref (* a remark *)\n{ p=x; }\n"
        "P0(int *x, int *y, int **p) { WRITE_ONCE(*y, 1); rcu_assign_pointer(*p, y); }\n"
        "P1(int *x, int *y, int **p) { int *r0; int r1; r0 = rcu_dereference(*p);\n"
        "  r1 = READ_ONCE(*r0); /* by address */ }\n"
        r"exists (1:r0=y /\ 1:r1=0)"
    )
    assert [ask(test, model).verdict for model in MODELS] == [NEVER] * 3
    weaker = litmus(test.text.replace("rcu_assign_pointer(*p, y)", "WRITE_ONCE(*p, y)"))
    assert ask(weaker, LKMM).verdict == SOMETIMES
    assert dict(max(outcomes(test, LKMM)))["1:r0"] == "&y"


@pytest.mark.parametrize(
    ("does", "reads", "holds_then", "gives"),
    [
        ("atomic_add_unless(x, 2, 0)", 1, 3, 1),
        ("atomic_add_unless(x, 2, 1)", 1, 1, 0),
        ("atomic_inc_not_zero(x)", 0, 0, 0),
        ("atomic_fetch_add(2, x)", 1, 3, 1),
        ("atomic_add_return_relaxed(2, x)", 1, 3, 3),
        ("atomic_dec_and_test(x)", 1, 0, 1),
        ("atomic_sub_and_test(1, x)", 2, 1, 0),
        ("atomic_xchg_release(x, 7)", 1, 7, 1),
        ("xchg(x, 7)", 1, 7, 1),
        ("cmpxchg(x, 1, 7)", 1, 7, 1),
        ("cmpxchg_acquire(x, 2, 7)", 1, 1, 1),
        ("(atomic_read(x) + 1) * 2 == 4 && !0", 1, 1, 1),
    ],
)
def test_what_a_function_does(does: str, reads: int, holds_then: int, gives: int) -> None:
    test = litmus(f"C one\n{{ x={reads}; }}\nP0(atomic_t *x) {{ int r0 = {does}; }}\nexists (x=0)")
    assert outcomes(test, LKMM) == {(("0:r0", gives), ("x", holds_then))}


def test_if_and_else_and_how_it_is_asked() -> None:
    text = (
        "C choice\n{ x = 1; atomic_t y = ATOMIC_INIT(2); }\n"
        "P0(int *x, int *y) { int r0 = READ_ONCE(*x);\n"
        "  if (r0 == 1) { WRITE_ONCE(*y, 5); } else WRITE_ONCE(*y, 6);\n"
        "  atomic_inc(y); smp_mb__after_atomic(); smp_store_mb(*x, r0 + 8); }\n"
        "locations [x; y]\n~exists (y=7 \\/ ~(x=9))"
    )
    test = litmus(text)
    assert (test.name, test.way) == ("choice", "~exists")
    assert ask(test, SC).verdict == NEVER
    assert ask(litmus(text.replace("y=7 \\/ ~(x=9)", "y=6 /\\ x=9")), SC).verdict == "Always"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("spin_lock(x);", r"spin_lock\(\) is not understood"),
        ("*x = 1;", "A plain access is not understood"),
        ("int r0 = *x;", "A plain access is not understood"),
        ("while (1) { }", "while is not understood"),
        ("WRITE_ONCE(*x, 1)", "Expected ;"),
    ],
)
def test_what_is_not_understood_is_refused(body: str, says: str) -> None:
    with pytest.raises(LitmusError, match=says):
        litmus(f"C no\n{{}}\nP0(int *x) {{ {body} }}\nexists (x=1)")


def test_the_module_for_a_reader_has_all_it_names() -> None:
    module = import_module("gupcore.order")
    assert all(hasattr(module, name) for name in module.__all__)
