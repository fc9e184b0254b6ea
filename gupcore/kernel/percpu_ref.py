"""percpu_ref as its own small model: how a count that lives on every CPU is killed and summed.

The rest of gupcore takes `percpu_ref_tryget_live` and `percpu_ref_kill` for one step each.  Here
they are taken apart, to see that this is allowed: a tryget that has looked at the flag just before
the kill succeeds *after* it, and still no reference is lost, because the sum over the CPUs is taken
only when every reader that may have looked has ended.

    mode     per-CPU: each CPU counts its own gets and puts; atomic: one count for all
    bias     what keeps the atomic count from reaching zero before the sum is taken

Source: lib/percpu-refcount.c and include/linux/percpu-refcount.h, v6.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..checker.machine import CALLER, Thing
from ..checker.picture import BOX, DYING, EMPTY, GONE, SECTION, THERE, Drawn, drawn
from ..checker.rule import EVERYONE_CAN_FINISH, Rule, usual_rules
from ..checker.step import Blocked, Effect, Thread, models
from .machine import cpu_list

BIAS = 100  # 1 << (BITS_PER_LONG - 1) in the kernel: more than there can be references
HEADER, CODE = "include/linux/percpu-refcount.h", "lib/percpu-refcount.c"


@dataclass(frozen=True, slots=True)
class Ref:
    """A percpu_ref.

    local     the count on each CPU
    atomic    the shared count: the bias and the initial reference, until the sum is taken
    dead      the flag in percpu_count_ptr: look here and you will not get a live reference
    summed    has the ref been switched to atomic mode?
    held      the references that are held in truth, which no CPU can see: the initial one first
    released  has the release callback run?
    readers   the CPUs inside rcu_read_lock()
    owed      the readers that the grace period still waits for
    oops      never: nothing is touched that could be gone
    """

    local: tuple[int, ...]
    atomic: int = BIAS + 1
    dead: bool = False
    summed: bool = False
    held: int = 1
    released: bool = False
    readers: frozenset[int] = frozenset()
    owed: frozenset[int] = frozenset()
    oops: str | None = None

    def things(self) -> tuple[Thing, ...]:
        """Describe the ref, for people."""
        mode = "atomic" if self.summed else "per-CPU"
        return (
            *(Thing(f"count on CPU {n}", "object", True, str(c)) for n, c in enumerate(self.local)),
            Thing("atomic count", "object", True, _atomic_words(self.atomic)),
            Thing("flag", "object", True, f"{mode}, {'dead' if self.dead else 'live'}"),
            Thing("ref", "object", not self.released, "released" if self.released else "in use"),
            Thing("RCU readers", "section", bool(self.readers), cpu_list(self.readers) or "nobody"),
        )

    def references(self, other: Ref | None = None) -> dict[tuple[str, str, int], int]:
        """Return how many references there are in truth."""
        return {("ref", CALLER, 0): self.held}


@drawn.register
def _(machine: Ref) -> dict[str, Drawn]:
    counts = {
        f"count on CPU {cpu}": Drawn(BOX, "on each CPU", THERE, str(count))
        for cpu, count in enumerate(machine.local)
    }
    flag = f"{'atomic' if machine.summed else 'per-CPU'}, {'dead' if machine.dead else 'live'}"
    state = GONE if machine.released else DYING if machine.dead else THERE
    readers = tuple(f"CPU {cpu}" for cpu in sorted(machine.readers))
    return {
        **counts,
        "atomic count": Drawn(BOX, "shared", THERE, _atomic_words(machine.atomic)),
        "flag": Drawn(BOX, "shared", DYING if machine.dead else THERE, flag),
        "ref": Drawn(BOX, "in truth", state, "", machine.held),
        "RCU readers": Drawn(SECTION, "", THERE if readers else EMPTY, "RCU", held=readers),
    }


def _atomic_words(count: int) -> str:
    return f"{count - BIAS} + bias" if count > BIAS // 2 else str(count)


# --- Steps ----------------------------------------------------------------------------------------


@models("rcu_read_lock", "include/linux/rcupdate.h", "v6.1")
def rcu_read_lock(ref: Ref, cpu: int) -> Effect:
    """Begin a section that a grace period waits for."""
    return Effect(replace(ref, readers=ref.readers | {cpu}), "Enters an RCU read section.")


@models("rcu_read_unlock", "include/linux/rcupdate.h", "v6.1")
def rcu_read_unlock(ref: Ref, cpu: int) -> Effect:
    """End it."""
    after = replace(ref, readers=ref.readers - {cpu}, owed=ref.owed - {cpu})
    return Effect(after, "Leaves the RCU read section.")


@models("__ref_is_percpu", HEADER, "v6.1")
def read_percpu_count_ptr(ref: Ref) -> Effect:
    """Look at the flags: live and per-CPU, dead but not summed yet, or atomic."""
    flag = "atomic" if ref.dead else "per-CPU"
    said = "dead" if ref.dead else "live"
    return Effect(ref, f"Looks at the flags: {said}.", (flag, ref.dead))


@models("this_cpu_add", "include/linux/percpu-defs.h", "v6.1")
def this_cpu_add(ref: Ref, cpu: int, more: int) -> Effect:
    """Change this CPU's own count, whatever has become of the ref since the flags were read."""
    local = tuple(count + (more if n == cpu else 0) for n, count in enumerate(ref.local))
    after = replace(ref, local=local, held=ref.held + more)
    return Effect(after, f"Counts {more:+d} on CPU {cpu}: {local[cpu]}.")


@models("atomic_long_sub_and_test", "include/linux/atomic/atomic-instrumented.h", "v6.1")
def atomic_put(ref: Ref) -> Effect:
    """Drop a reference in the shared count, and release the ref at zero."""
    return Effect(*_drop(ref))


def _drop(ref: Ref) -> tuple[Ref, str]:
    after = replace(ref, atomic=ref.atomic - 1, held=ref.held - 1)
    after = replace(after, released=after.released or after.atomic == 0)
    said = f"Drops a reference: {_atomic_words(after.atomic)}"
    return after, said + ("; zero: the ref is released." if after.atomic == 0 else ".")


@models("percpu_ref_kill_and_confirm", CODE, "v6.1")
def set_dead(ref: Ref) -> Effect:
    """Set the DEAD flag and ask for a grace period: it waits for those who may have looked."""
    after = replace(ref, dead=True, owed=ref.readers)
    return Effect(after, "Sets the DEAD flag and begins a grace period.")


@models("percpu_ref_put", HEADER, "v6.1")
def drop_initial(ref: Ref) -> Effect:
    """Drop the initial reference: not the last, as the bias is still in the count."""
    return Effect(*_drop(ref))


@models("percpu_ref_switch_to_atomic_rcu", CODE, "v6.1")
def sum_up(ref: Ref, wait: bool) -> Effect | Blocked:
    """After the grace period, add up the CPUs' counts, take the bias away, and release at zero.

    One step: no CPU counts on its own any more.  (Without the wait some may, and are not seen.)
    """
    if wait and ref.owed:
        said = f"Waits for the grace period; still inside: {cpu_list(ref.owed)}."
        return Blocked(said, by=ref.owed)
    atomic = ref.atomic - BIAS + sum(ref.local)
    after = replace(ref, atomic=atomic, summed=True, released=atomic == 0)
    said = f"Adds up the counts: {atomic}"
    return Effect(after, said + ("; zero: the ref is released." if atomic == 0 else "."))


# --- Threads --------------------------------------------------------------------------------------


def tryget_and_put(cpu: int) -> Thread:
    """Take a live reference and give it back.

    Returns "used" or "refused".  Source: percpu_ref_tryget_live(), percpu_ref_put(), v6.1.
    """
    yield rcu_read_lock(cpu)
    _, dead = yield read_percpu_count_ptr()
    if dead:
        yield rcu_read_unlock(cpu)
        return "refused"
    yield this_cpu_add(cpu, 1)
    yield rcu_read_unlock(cpu)
    yield from put(cpu)
    return "used"


def put(cpu: int) -> Thread:
    """Drop a reference: on this CPU while the ref counts per CPU, in the shared count after that.

    Source: percpu_ref_put_many(), v6.1.
    """
    yield rcu_read_lock(cpu)
    mode, _ = yield read_percpu_count_ptr()
    if mode == "per-CPU":
        yield this_cpu_add(cpu, -1)
    else:
        yield atomic_put()
    yield rcu_read_unlock(cpu)


def kill(wait: bool) -> Thread:
    """Kill the ref; `wait` for the grace period before the counts are added up.

    Source: percpu_ref_kill_and_confirm(), __percpu_ref_switch_mode(), v6.1.
    """
    yield set_dead()
    yield drop_initial()
    yield sum_up(wait)


# --- Rules ----------------------------------------------------------------------------------------

REF_RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "no reference is lost",
            "The ref is released only when nobody holds a reference.",
            "step",
            lambda before, step, after: not after.released or after.held == 0,
        ),
        Rule(
            "released at last",
            "When all threads have ended, the ref has been released.",
            "end",
            lambda ref: ref.released,
            "all threads have ended with counts left over.",
        ),
        EVERYONE_CAN_FINISH,
    )
}


@usual_rules.register
def _(machine: Ref) -> tuple[Rule, ...]:
    return tuple(REF_RULES.values())
