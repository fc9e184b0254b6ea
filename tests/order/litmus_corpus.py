"""Litmus tests whose outcomes others have published, and those of herd7."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from gupcore.order import RMW, Fence, If, Litmus, Read, Write, litmus
from gupcore.order.execution import Execution, executions
from gupcore.order.gup import FAMILY

Outcomes = frozenset[tuple[tuple[str, int], ...]]
NEVER, SOMETIMES = "Never", "Sometimes"
HERE = Path(__file__).parent


def operation(given: list[Any]) -> Any:
    """Return an operation of the file's: ["R", register, place, kind], and so on."""
    name, *rest = given
    match name:
        case "R":
            return Read(*rest)
        case "W":
            return Write(*rest)
        case "RMW":
            register, place, _, kind = rest
            return RMW(register, place, ("+", "old", 1), kind)
        case "F":
            return Fence(*rest)
    register, body = rest
    return If(register, tuple(map(operation, body)))


@cache
def herd7() -> list[tuple[Litmus, Outcomes]]:
    """Return the tests of the file, each with all outcomes that herd7 gives."""
    found = []
    for number, test in enumerate(json.loads((HERE / "herd7.json").read_text())["tests"]):
        threads = [tuple(map(operation, thread)) for thread in test["threads"]]
        outcomes = (tuple((name, value) for name, value in one) for one in test["outcomes"])
        found.append((Litmus(f"random {number}", threads), frozenset(map(in_order, outcomes))))
    return found


def in_order(outcome: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(outcome))


def shape(name: str, *threads: str, exists: str) -> Litmus:
    """Return a test of threads that are written short: `Wx1` writes, `Rx` reads; see SHORT.

    A read's register is called after its place, with a number if it is not the first one of it.
    """
    lines = []
    for number, thread in enumerate(threads):
        parameters = ", ".join(f"int *{place}" for place in "xyz")
        body = "".join(line(word) for word in thread.split())
        lines.append(f"P{number}({parameters}) {{ {body} }}")
    return litmus(f"C {name}\n{{}}\n" + "\n".join(lines) + f"\nexists ({exists})")


SHORT = {
    **{"mb": "smp_mb();", "rmb": "smp_rmb();", "wmb": "smp_wmb();", "{": "rcu_read_lock();"},
    **{"}": "rcu_read_unlock();", "sync": "synchronize_rcu();"},
}


def line(word: str) -> str:
    """Return what a word stands for, in C."""
    if word in SHORT:
        return SHORT[word]
    kind, place, *more = list(word)
    rest = "".join(more)
    if kind == "R":
        return f"int r{place}{rest} = READ_ONCE(*{place});"
    if kind == "A":
        return f"int r{place} = smp_load_acquire({place});"
    if kind == "L":
        return f"smp_store_release({place}, {rest});"
    if kind == "D":  # the same, by way of what was read from `rest`: a data dependency
        return f"WRITE_ONCE(*{place}, 1 + r{rest} - r{rest});"
    if kind == "B":  # a read behind a branch
        return f"int r{place}; if (r{rest}) r{place} = READ_ONCE(*{place});"
    if kind == "C":  # likewise a control dependency
        return f"if (r{rest}) WRITE_ONCE(*{place}, 1);"
    assert kind == "W"
    return f"WRITE_ONCE(*{place}, {rest});"


def with_pointer(publish: str) -> Litmus:
    """Return MP by way of a pointer: the kernel's MP+onceassign+derefonce."""
    return litmus(
        f"C MP+{publish[:4]}+deref\n{{ p=x; }}\n"
        f"P0(int *x, int *y, int **p) {{ WRITE_ONCE(*y, 1); {publish}; }}\n"
        "P1(int *x, int *y, int **p) { int *r0 = rcu_dereference(*p); int r1 = READ_ONCE(*r0); }\n"
        r"exists (1:r0=y /\ 1:r1=0)"
    )


def with_atomic(between: str) -> Litmus:
    """Return SB with something on a third place between the two accesses of one side."""
    return litmus(
        f"C SB+{between.replace(chr(32), '')}+mb\n{{}}\n"
        f"P0(int *x, int *y, atomic_t *z) {{ WRITE_ONCE(*x, 1); {between}\n"
        " int ry = READ_ONCE(*y); }\n"
        "P1(int *x, int *y) { WRITE_ONCE(*y, 1); smp_mb(); int rx = READ_ONCE(*x); }\n"
        r"exists (0:ry=0 /\ 1:rx=0)"
    )


def with_cmpxchg(expected: int) -> Litmus:
    """Return MP whose reader is a cmpxchg_acquire() that expects a value."""
    return litmus(
        f"C MP+wmb+cmpxchg-{expected}\n{{}}\n"
        "P0(int *x, int *y) { WRITE_ONCE(*x, 1); smp_wmb(); WRITE_ONCE(*y, 1); }\n"
        f"P1(int *x, int *y) {{ int r0 = cmpxchg_acquire(y, {expected}, 7);\n"
        " int rx = READ_ONCE(*x); }\n"
        r"exists (1:r0=1 /\ 1:rx=0)"
    )


def with_noreturn(fence: str) -> Litmus:
    """Return MP whose reader is an RMW that returns nothing, with a fence after it."""
    return litmus(
        f"C MP+wmb+noreturn-{fence[:8]}\n{{}}\n"
        "P0(int *x, atomic_t *y) { WRITE_ONCE(*x, 1); smp_wmb(); atomic_set(y, 1); }\n"
        f"P1(int *x, atomic_t *y) {{ atomic_inc(y); {fence} int rx = READ_ONCE(*x); }}\n"
        r"exists (y=2 /\ 1:rx=0)"
    )


SB, MP = r"0:ry=0 /\ 1:rx=0", r"1:ry=1 /\ 1:rx=0"
LB, IRIW = r"0:rx=1 /\ 1:ry=1", r"1:rx=1 /\ 1:ry=0 /\ 3:ry=1 /\ 3:rx=0"
WRC, W2 = r"1:rx=1 /\ 2:ry=1 /\ 2:rx=0", r"x=1 /\ y=1"
ISA2, Z6 = r"1:ry=1 /\ 2:rz=1 /\ 2:rx=0", r"1:ry=1 /\ z=2 /\ 2:rx=0"
S, R = r"1:ry=1 /\ x=2", r"y=2 /\ 1:rx=0"
GOT_Z = r" /\ 1:rz=1"
GP1, GP2 = r"0:ry=1 /\ 0:rx=0", r"0:rx=1 /\ 1:ry=1 /\ 2:rz=1"

# What SC, TSO and LKMM say of each; the names are those of the papers and of the kernel's own
# tools/memory-model/litmus-tests, whose outcomes under LKMM these are.
ALL, WEAK, ONLY_LKMM = (NEVER,) * 3, (NEVER, SOMETIMES, SOMETIMES), (NEVER, NEVER, SOMETIMES)
SHAPES = [
    (shape("CoRR", "Wx1", "Rx Rx2", exists=r"1:rx=1 /\ 1:rx2=0"), ALL),
    (shape("CoRW", "Rx Wx1", "Wx2", exists=r"0:rx=1"), ALL),
    (shape("CoWR", "Wx1 Rx", "Wx2", exists=r"x=1 /\ 0:rx=2"), ALL),
    (shape("CoWR1", "Wx1 Rx", "Wx2", exists=r"x=1 /\ 0:rx=0"), ALL),
    (shape("CoWW", "Wx1 Wx2", exists=r"x=1"), ALL),
    (shape("SB", "Wx1 Ry", "Wy1 Rx", exists=SB), WEAK),
    (shape("SB+mb+po", "Wx1 mb Ry", "Wy1 Rx", exists=SB), WEAK),
    (shape("SB+mbs", "Wx1 mb Ry", "Wy1 mb Rx", exists=SB), ALL),
    (shape("SB+wmbs", "Wx1 wmb Ry", "Wy1 wmb Rx", exists=SB), WEAK),
    (shape("SB+rel+acq", "Lx1 Ay", "Ly1 Ax", exists=SB), WEAK),
    (shape("SB+rfi", "Wx1 Rx Ry", "Wy1 Ry Rx", exists=SB + r" /\ 0:rx=1 /\ 1:ry=1"), WEAK),
    (shape("MP", "Wx1 Wy1", "Ry Rx", exists=MP), ONLY_LKMM),
    (shape("MP+wmb+po", "Wx1 wmb Wy1", "Ry Rx", exists=MP), ONLY_LKMM),
    (shape("MP+po+rmb", "Wx1 Wy1", "Ry rmb Rx", exists=MP), ONLY_LKMM),
    (shape("MP+wmb+rmb", "Wx1 wmb Wy1", "Ry rmb Rx", exists=MP), ALL),
    (shape("MP+rel+acq", "Wx1 Ly1", "Ay Rx", exists=MP), ALL),
    (shape("MP+rel+po", "Wx1 Ly1", "Ry Rx", exists=MP), ONLY_LKMM),
    (shape("LB", "Rx Wy1", "Ry Wx1", exists=LB), ONLY_LKMM),
    (shape("LB+ctrl+po", "Rx Cyx", "Ry Wx1", exists=LB), ONLY_LKMM),
    (shape("LB+ctrl+mb", "Rx Cyx", "Ry mb Wx1", exists=LB), ALL),
    (shape("LB+ctrls", "Rx Cyx", "Ry Cxy", exists=LB), ALL),
    (shape("LB+acq+rel", "Ax Wy1", "Ry Lx1", exists=LB), ALL),
    (shape("LB+data+po", "Rx Dyx", "Ry Wx1", exists=LB), ONLY_LKMM),
    (shape("LB+data+mb", "Rx Dyx", "Ry mb Wx1", exists=LB), ALL),
    (shape("MP+wmb+ctrl", "Wx1 wmb Wy1", "Ry Bxy", exists=MP), ONLY_LKMM),
    (shape("MP+wmb+data-rfi-acq", "Wx1 wmb Wy1", "Ry Dzy Az Rx", exists=MP + GOT_Z), ALL),
    (with_pointer("rcu_assign_pointer(*p, y)"), ALL),
    (with_pointer("WRITE_ONCE(*p, y)"), ONLY_LKMM),
    (shape("LB+data-wmb+mb", "Rx Dyx wmb Wz1", "Rz mb Wx1", exists=r"0:rx=1 /\ 1:rz=1"), ALL),
    (shape("LB+rel+datas", "Rx Ly1", "Ry Dzy", "Rz Dxz", exists=GP2), ALL),
    (
        shape(
            *("LB+same-place", "Rx Wx2", "Rx Cyx", "Ry mb Wx1"),
            exists=r"0:rx=1 /\ 1:rx=2 /\ 2:ry=1",
        ),
        ALL,
    ),
    (shape("Z6.0+mb+data+mb", "Wx1 mb Wy1", "Ry Dzy", "Wz2 mb Rx", exists=Z6), ALL),
    (with_atomic("smp_mb__before_atomic(); atomic_inc(z);"), ALL),
    (with_atomic("atomic_inc(z); smp_mb__after_atomic();"), ALL),
    (with_atomic("atomic_inc(z);"), ONLY_LKMM),
    (with_atomic("int r0 = atomic_inc_return(z);"), ALL),
    (with_atomic("int r0 = cmpxchg(z, 0, 1);"), ALL),
    (with_atomic("int r0 = cmpxchg(z, 5, 1);"), WEAK),  # it fails
    (with_cmpxchg(1), ALL),
    (with_cmpxchg(5), ONLY_LKMM),  # it fails
    (with_noreturn("smp_rmb();"), ONLY_LKMM),
    (with_noreturn("smp_mb__after_atomic();"), ALL),
    (shape("IRIW", "Wx1", "Rx Ry", "Wy1", "Ry Rx", exists=IRIW), ONLY_LKMM),
    (shape("IRIW+rmbs", "Wx1", "Rx rmb Ry", "Wy1", "Ry rmb Rx", exists=IRIW), ONLY_LKMM),
    (shape("IRIW+acqs", "Wx1", "Ax Ry", "Wy1", "Ay Rx", exists=IRIW), ONLY_LKMM),
    (shape("IRIW+mbs", "Wx1", "Rx mb Ry", "Wy1", "Ry mb Rx", exists=IRIW), ALL),
    (shape("WRC", "Wx1", "Rx Wy1", "Ry Rx", exists=WRC), ONLY_LKMM),
    (shape("WRC+rel+rmb", "Wx1", "Rx Ly1", "Ry rmb Rx", exists=WRC), ALL),
    (shape("WRC+data+rmb", "Wx1", "Rx Dyx", "Ry rmb Rx", exists=WRC), ONLY_LKMM),
    (shape("2+2W", "Wx1 Wy2", "Wy1 Wx2", exists=W2), ONLY_LKMM),
    (shape("2+2W+rels", "Wx1 Ly2", "Wy1 Lx2", exists=W2), ONLY_LKMM),
    (shape("2+2W+mbs", "Wx1 mb Wy2", "Wy1 mb Wx2", exists=W2), ALL),
    (shape("ISA2", "Wx1 Wy1", "Ry Wz1", "Rz Rx", exists=ISA2), ONLY_LKMM),
    (shape("ISA2+rel+acqrel+acq", "Wx1 Ly1", "Ay Lz1", "Az Rx", exists=ISA2), ALL),
    (shape("Z6.0+rel+acqrel+mb", "Wx1 Ly1", "Ay Lz1", "Wz2 mb Rx", exists=Z6), ONLY_LKMM),
    (shape("Z6.0+mbs", "Wx1 mb Wy1", "Ry mb Wz1", "Wz2 mb Rx", exists=Z6), ALL),
    (shape("S", "Wx2 Wy1", "Ry Wx1", exists=S), ONLY_LKMM),
    (shape("S+wmb+acq", "Wx2 wmb Wy1", "Ay Wx1", exists=S), ALL),
    (shape("R", "Wx1 Wy1", "Wy2 Rx", exists=R), WEAK),
    (shape("R+mb+po", "Wx1 mb Wy1", "Wy2 Rx", exists=R), WEAK),
    (shape("R+mbs", "Wx1 mb Wy1", "Wy2 mb Rx", exists=R), ALL),
    # Grace periods: as many of them as sections on a cycle forbid it, fewer do not.
    (shape("RCU", "{ Ry Rx }", "Wx1 sync Wy1", exists=GP1), ALL),
    (shape("RCU+other-way", "{ Rx Ry }", "Wx1 sync Wy1", exists=GP1), ALL),
    (shape("RCU+no-section", "Ry Rx", "Wx1 sync Wy1", exists=GP1), ONLY_LKMM),
    (shape("RCU+one-each", "{ Rx Wy1 }", "Ry sync Wx1", exists=LB), ALL),
    (shape("RCU+sections", "{ Rx Wy1 }", "{ Ry Wx1 }", exists=LB), ONLY_LKMM),
    (shape("RCU+SB", "Wx1 sync Ry", "Wy1 sync Rx", exists=SB), ALL),
    (
        shape("RCU+2-and-1", "{ Rx Wy1 }", "{ Ry Wz1 }", "Rz sync Wx1", exists=GP2),
        ONLY_LKMM,
    ),
    (
        shape("RCU+data-between", "{ Rx Wy1 }", "Ry Dzy", "Rz sync Wx1", exists=GP2),
        ALL,
    ),
    (
        shape(
            *("RCU+mb-between", "{ Rx Wy1 }", "Wy2 mb Rz", "Wz1 sync Wx1"),
            exists=r"0:rx=1 /\ y=2 /\ 1:rz=0",
        ),
        ALL,
    ),
    (shape("RCU+1-and-2", "{ Rx Wy1 }", "Ry sync Wz1", "Rz sync Wx1", exists=GP2), ALL),
    (
        shape(
            *("RCU+2-and-2", "{ Rx Wy1 }", "{ Ry Wz1 }", "Rz sync Wx1 sync Wx2"),
            exists=r"0:rx=2 /\ 1:ry=1 /\ 2:rz=1",
        ),
        ALL,
    ),
]


def built(test: Litmus) -> list[Execution]:
    """Return all executions of a test, which is one of those here."""
    if id(test) not in _built:
        _built[id(test)] = list(executions(test))
    return _built[id(test)]


_built: dict[int, list[Execution]] = {}


@cache
def family() -> list[Litmus]:
    """Return the tests of gup-fast, and every change of them."""
    return [scene.test(change) for scene in FAMILY.values() for change in ("", *scene.changes)]
