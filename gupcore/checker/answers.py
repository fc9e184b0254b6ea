"""What steps do, and which rules that breaks, each worked out once.

A step depends on the machine alone, and a rule on the step and the machines around it: who takes
the step does not matter, nor in which search.  So searches can have their answers in common, as
long as nothing that runs in a step changes between them.

Machines that are equal have one number, and a step is taken on the first of them.  But equal sets
can be gone through in different orders, which Python does not promise and a step can see.  So of
the machines with one number those that differ in that are kept, and each step that was taken is
taken on all of them: if it does not do the same, it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from .rule import NotWorse, Returned, Rule
from .source import ThreadError
from .step import Blocked, Effect, Step, StepError
from .thread import Node
from .values import Changeable, exactly, frozen, in_order, key, key_like

Asked = tuple[int, Hashable]  # the number of a machine, and the key of a step
MACHINE_BITS = 24  # as many machines as a state can number
ORDER = "depends on the order in which the machine's frozensets are gone through; use sorted(…)"


class Answers:
    """What is known so far.

    machines  every machine that was met, by its number
    """

    def __init__(self) -> None:
        self.machines: list[Any] = []
        self._others: dict[int, list[Any]] = {}  # in the order of whose sets it differs from them
        self._numbers: dict[Hashable, int] = {}  # by keys that tell that order
        self._equals: dict[Hashable, int] = {}  # by keys that do not
        self._keys: list[tuple[Hashable, Hashable]] = []
        self._given: dict[tuple[int, Hashable], tuple[Effect | Blocked, int]] = {}
        self._taken_by: dict[Hashable, Node] = {}
        self._on_others: dict[tuple[int, Hashable], list[tuple[Any, Effect | Blocked]]] = {}
        # by id(): the effect, which is kept alive, and the step on a machine whose effect it is
        self._effects: dict[int, tuple[Effect, Step, Asked, int]] = {}
        self._breaking: dict[Rule, dict[int, bool]] = {}
        self._trouble: dict[Rule, dict[int, int]] = {}

    def number(self, machine: Hashable, before: int | None = None) -> int:
        """Return the number of a machine that was made from the one numbered `before`."""
        try:
            if before is None:
                found = in_order(key, machine)
            else:
                like, keys = self.machines[before], self._keys[before]
                found = in_order(key_like, machine, like, keys[0])
        except Changeable as error:
            raise ThreadError(f"{_where_it_changes(machine)} {error}.") from None
        except (AttributeError, RecursionError):
            found = in_order(frozen, machine, "The machine is", ThreadError)
        number = self._numbers.get(found)
        if number is None:
            equal = key(machine) if before is None else key_like(machine, like, keys[1])
            number = self._numbers[found] = self._equals.setdefault(equal, len(self.machines))
            if number < len(self.machines):
                self._others.setdefault(number, []).append(machine)
                return number
            if number >> MACHINE_BITS:
                raise OverflowError("more distinct machines than a state can number")
            self.machines.append(machine)
            self._keys.append((found, equal))
        return number

    def taken(self, node: Node, here: int) -> tuple[Effect | Blocked, int]:
        """Take the step of `node` on machine number `here`, once for all nodes with that step.

        Returns its answer, and the number of the machine afterwards.
        """
        asked = here, node.step_key
        if asked not in self._given:
            assert node.step is not None
            self._taken_by.setdefault(node.step_key, node)
            answer, there = self._take(node, self.machines[here], here)
            if isinstance(answer, Effect):
                answer = Effect(*answer)  # an object that is this one's alone: see `breaking`
                self._effects[id(answer)] = answer, node.step, asked, there
            self._given[asked] = answer, there
        return self._given[asked]

    def _take(self, node: Node, machine: Any, here: int) -> tuple[Effect | Blocked, int]:
        """Take the step of `node` on one of the machines number `here`."""
        assert node.step is not None
        try:
            answer = node.step.take(machine)
        except StepError as error:
            raise _at(node, str(error)) from error
        if not isinstance(answer, Effect) or answer.machine is machine:
            return answer, here
        try:
            return answer, self.number(answer.machine, here)
        except ThreadError as error:
            raise _at(node, str(error)) from error

    def verify(self) -> None:
        """Take each known step on all machines that its machine equals.

        Raises StepError where it does not do the same on all of them.
        """
        done = not self._others
        if not done:  # a machine that was judged may have got an equal since
            self._breaking.clear()
            self._trouble.clear()
        while not done:  # what is done there may lead to further machines
            done = True
            for asked, (answer, there) in self._given.items():
                here, step = asked
                others = self._others.get(here, ())
                for machine in others[len(self._on_others.get(asked, ())) :]:
                    node = self._taken_by[step]
                    other, leads_to = self._take(node, machine, here)
                    if leads_to != there or _received(other) != _received(answer):
                        raise _at(node, f"The step {node.step!r} {ORDER}.")
                    self._on_others.setdefault(asked, []).append((machine, other))
                    done = False

    def breaking(self, rule: Rule, effects: Collection[int]) -> set[int]:
        """Return those of some effects, all named by their id(), that break a rule on steps."""
        known = self._breaking.setdefault(rule, {})
        for effect in effects:
            if effect not in known:
                known[effect] = self._breaks(rule, *self._effects[effect])
        return {effect for effect in effects if known[effect]}

    def _breaks(self, rule: Rule, effect: Effect, step: Step, asked: Asked, there: int) -> bool:
        """Ask a rule about one effect; what is wrong with a machine is counted only once."""
        here = asked[0]
        if isinstance(rule.holds, NotWorse):
            trouble = self._trouble.setdefault(rule, {})
            for number in (here, there):
                if number not in trouble:
                    counted = map(rule.holds.trouble, self._equal(number))
                    trouble[number] = _the_same(rule, counted)
            return trouble[there] > trouble[here]
        taken = [(self.machines[here], effect), *self._on_others.get(asked, ())]
        kept = [rule.is_kept(m, step, to.machine) for m, to in taken if isinstance(to, Effect)]
        return not _the_same(rule, kept)

    def well_returned(self, rule: Rule, effect: int, ends: Returned) -> bool:
        """Is a rule kept by what a thread returns with the effect of that id()?"""
        there = self._effects[effect][-1]
        return bool(_the_same(rule, (rule.is_kept(m, *ends) for m in self._equal(there))))

    def well_ended(self, rule: Rule, number: int) -> bool:
        """Does a rule on ends hold on machine number `number`?"""
        return bool(_the_same(rule, map(rule.is_kept, self._equal(number))))

    def _equal(self, number: int) -> list[Any]:
        """Return all machines of that number."""
        return [self.machines[number], *self._others.get(number, ())]


def _received(answer: Effect | Blocked) -> Hashable:
    """Return what tells a thread that receives this answer from one that receives another."""
    return exactly(key, answer.result) if isinstance(answer, Effect) else Blocked


def _the_same(rule: Rule, said: Iterable[Any]) -> Any:
    """Return what a rule says of all of some machines that are equal."""
    first, *further = said
    if any(other != first for other in further):
        raise _depends(rule)
    return first


def _depends(rule: Rule) -> ThreadError:
    return ThreadError(f"The rule {rule.name!r} {ORDER}.")


def _at(node: Node, says: str) -> StepError:
    place = node.places[-1]
    return StepError(f"{place.function}, line {place.line}: {says}")


def _where_it_changes(machine: object) -> str:
    """Return the beginning of a sentence on what in a machine can change: a field, or all of it."""
    for field in fields(machine) if is_dataclass(machine) else ():
        try:
            key(getattr(machine, field.name))
        except Changeable:
            return f"The machine's field {field.name} holds"
        except (AttributeError, RecursionError):
            break
    return "The machine is"
