"""Three models of memory, each as its axioms.

SC    sequential consistency: all that all threads do comes in one order.  (Lamport 1979; here as in
      Alglave, Maranget and Tautschnig, "Herding cats", TOPLAS 2014.)
TSO   a write may wait in its CPU's buffer while later reads go ahead: x86 and x86-64.  (Owens,
      Sarkar and Sewell, "A better x86 memory model: x86-TSO", TPHOLs 2009; the axiom as in
      "Herding cats".)
LKMM  what Linux may rely on, on every machine it runs on.  (Alglave, Maranget, McKenney, Parri and
      Stern, "Frightening small children and disconcerting grown-ups", ASPLOS 2018; names as in
      tools/memory-model/linux-kernel.cat of Linux 6.1.)

LKMM is a core: no locks, no SRCU, and all accesses are marked.  SC and TSO get the grace period of
LKMM as well, with their own idea of before.  On TSO a read-modify-write is a locked instruction and
orders as one, whatever the kernel calls it; but one that fails only reads.

Coherence and the atomicity of read-modify-writes hold in all three; `execution` does not even build
what breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .execution import Execution
from .litmus import NORETURN, SYNC
from .relation import Path, Relation


@dataclass(frozen=True)
class Axiom:
    """What a model asks of an execution: that a relation leads nowhere back to where it began.

    name    what the axiom is called
    broken  the shortest way back, or None if there is none
    """

    name: str
    broken: Path | None


@dataclass(frozen=True)
class Model:
    """A model of memory.

    name    what it is called
    says    one sentence
    axioms  of an execution, its axioms, one after the other
    """

    name: str
    says: str
    axioms: Callable[[Execution], Iterator[Axiom]]

    def broken(self, x: Execution) -> Axiom | None:
        """Return the first axiom that an execution breaks, or None: the model allows it."""
        return next((axiom for axiom in self.axioms(x) if axiom.broken is not None), None)

    def allows(self, x: Execution) -> bool:
        """Does the model allow an execution?"""
        return self.broken(x) is None


def acyclic(name: str, relation: Relation) -> Axiom:
    """Ask that no steps of a relation, however many, lead back."""
    return Axiom(name, relation.cycle())


def irreflexive(name: str, relation: Relation) -> Axiom:
    """Ask that no single step of a relation leads back."""
    return Axiom(name, relation.loops())


# --- What every model asks ------------------------------------------------------------------------


def coherence(x: Execution) -> Iterator[Axiom]:
    """Yield the axioms of one place: its accesses come in one order, and an RMW is one of them."""
    yield acyclic("coherence", (x.po & x.loc) | x.rf | x.co | x.fr)
    yield irreflexive("atomic", (x.fr - x.int_) @ (x.co - x.int_) @ ~x.rmw)


def rcu(x: Execution, link: Relation, before: Relation, after: Relation) -> Axiom:
    """Ask that a cycle has fewer grace periods than sections: one that has as many is none of time.

    link           from one of them to the next
    before, after  from a grace period or a section back to itself, together with what is between
    """
    gp = x.on(x.tagged("F", SYNC)) @ x.on(x.F)
    gp = x.relation("grace period", gp.pairs())
    section = ~x.sections
    both = gp | gp @ link @ section | section @ link @ gp
    order, rows = both, None
    while order.rows != rows:
        rows = order.rows
        around = link @ order @ link
        order |= gp @ around @ section | section @ around @ gp | order @ link @ order
    return irreflexive("rcu", before @ x.po @ order @ x.po.opt() @ after)


# --- Sequential consistency -----------------------------------------------------------------------


def sc(x: Execution) -> Iterator[Axiom]:
    """Yield the axioms of sequential consistency."""
    order = x.po | x.rf | x.co | x.fr
    yield acyclic("one order", order)
    if x.tagged("F", SYNC):
        yield rcu(x, x.po.opt() @ order.star() @ x.po, order.star(), order.star())


# --- Total store order ----------------------------------------------------------------------------


def tso(x: Execution) -> Iterator[Axiom]:
    """Yield the axioms of total store order."""
    M, R, W = x.on(x.M), x.on(x.R), x.on(x.W)
    locked = x.on(x.RMW)
    ppo = (M @ x.po @ M) - (W @ x.po @ R)
    gp = x.po @ x.on(x.tagged("F", SYNC)) @ x.po
    fence = x.fence("mb") | gp.called("synchronize_rcu") | x.added
    fence |= (x.po @ locked | locked @ x.po).called("locked")
    order = ppo | M @ fence @ M | (x.rf - x.int_) | x.co | x.fr
    yield acyclic("one order of stores", order)
    if x.tagged("F", SYNC):
        yield rcu(x, x.po.opt() @ order.star() @ x.po, order.star(), order.star())


# --- The Linux kernel memory model ----------------------------------------------------------------


def lkmm(x: Execution) -> Iterator[Axiom]:
    """Yield the axioms of the Linux kernel memory model; the names are linux-kernel.cat's."""
    M, W = x.on(x.M), x.on(x.W)
    rmw = x.on(x.RMW)

    # Release and acquire; fences
    acq_po = (x.on(x.tagged("R", "acquire")) @ x.po @ M).called("acquire")
    po_rel = (M @ x.po @ x.on(x.tagged("W", "release"))).called("release")
    R4rmb = x.on(x.R & ~x.tagged("R", NORETURN))
    rmb = R4rmb @ x.fence("rmb") @ R4rmb
    wmb = W @ x.fence("wmb") @ W
    before_atomic = (x.fence("before-atomic") @ rmw @ x.po.opt()).called("before_atomic")
    after_atomic = (x.po.opt() @ rmw @ x.fence("after-atomic")).called("after_atomic")
    mb = M @ (x.fence("mb") | before_atomic | after_atomic | x.added) @ M
    gp = (x.po @ x.on(x.tagged("F", SYNC)) @ x.po.opt()).called("synchronize_rcu")
    strong_fence = mb | gp
    fence = strong_fence | po_rel | acq_po | wmb | rmb

    # Happens before
    rfe, rfi = x.rf - x.int_, x.rf & x.int_
    overwrite = x.co | x.fr
    dep = x.addr | x.data
    rwdep = (dep | x.ctrl) @ W
    to_w = rwdep | (overwrite & x.int_)
    to_r = x.addr | dep @ rfi
    ppo = to_r | to_w | fence
    cumul_fence = rfe.opt() @ (strong_fence | po_rel) | wmb
    prop = (overwrite - x.int_).opt() @ cumul_fence.star() @ rfe.opt()
    nothing = x.on(x.M | x.F)
    hb = ppo | rfe | ((prop - nothing) & x.int_)
    yield acyclic("happens-before", hb)

    # Propagation
    pb = prop @ strong_fence @ hb.star()
    yield acyclic("propagation", pb)

    # Grace periods
    if x.tagged("F", SYNC):
        after = hb.star() @ pb.star()
        yield rcu(x, x.po.opt() @ after @ prop @ x.po, prop, after)


SC = Model("SC", "all that all threads do comes in one order", sc)
TSO = Model("TSO", "a write may wait while its CPU's later reads go ahead (x86)", tso)
LKMM = Model("LKMM", "what Linux may rely on, on every machine", lkmm)
MODELS = (SC, TSO, LKMM)
