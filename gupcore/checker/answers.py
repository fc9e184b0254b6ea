"""What steps do, and which rules that breaks, each worked out once.

A step depends on the machine alone, and a rule on the step and the machines around it: who takes
the step does not matter, nor in which search.  So searches can have their answers in common, as
long as nothing that runs in a step changes between them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from .rule import NotWorse, Rule
from .source import ThreadError
from .step import Blocked, Effect, StepError
from .thread import Node
from .values import Changeable, frozen, key_like

MACHINE_BITS = 24  # as many machines as a state can number


class Answers:
    """What is known so far.

    machines  every machine that was met, by its number
    """

    def __init__(self) -> None:
        self.machines: list[Any] = []
        self._numbers: dict[Hashable, int] = {}
        self._keys: list[Hashable] = []
        self._given: dict[tuple[int, Hashable], tuple[Effect | Blocked, int]] = {}
        self._breaks: dict[tuple[int, Hashable], dict[Rule, bool]] = {}
        self._trouble: dict[Rule, dict[int, int]] = {}

    def number(self, machine: Hashable, before: int | None = None) -> int:
        """Return the number of a machine that was made from the one numbered `before`."""
        if before is None:
            found = frozen(machine, "The machine is", ThreadError)
        else:
            try:
                found = key_like(machine, self.machines[before], self._keys[before])
            except Changeable as error:
                raise ThreadError(f"The machine is {error}.") from None
        number = self._numbers.setdefault(found, len(self.machines))
        if number == len(self.machines):
            if number >> MACHINE_BITS:
                raise OverflowError("more distinct machines than a state can number")
            self.machines.append(machine)
            self._keys.append(found)
        return number

    def taken(self, node: Node, here: int) -> tuple[Effect | Blocked, int]:
        """Take the step of `node` on machine number `here`, once for all nodes with that step.

        Returns its answer, and the number of the machine afterwards.
        """
        assert node.step is not None
        asked = here, node.step_key
        if asked not in self._given:
            try:
                answer = node.step.take(self.machines[here])
            except StepError as error:
                place = node.places[-1]
                raise StepError(f"{place.function}, line {place.line}: {error}") from error
            there = here
            if isinstance(answer, Effect) and answer.machine is not self.machines[here]:
                there = self.number(answer.machine, here)
            self._given[asked] = answer, there
        return self._given[asked]

    def breaks(self, rule: Rule, node: Node, here: int) -> bool:
        """Does the step of `node` on machine number `here` break a rule on steps?"""
        known = self._breaks.setdefault((here, node.step_key), {})
        if rule not in known:
            effect, _ = self.taken(node, here)
            assert node.step is not None
            assert isinstance(effect, Effect)
            known[rule] = not rule.holds(self.machines[here], node.step, effect.machine)
        return known[rule]

    def worse(self, rule: Rule, before: int, after: int) -> bool:
        """Does a rule that counts find more on machine number `after` than on number `before`?"""
        assert isinstance(rule.holds, NotWorse)
        known = self._trouble.setdefault(rule, {})
        for number in (before, after):
            if number not in known:
                known[number] = rule.holds.trouble(self.machines[number])
        return known[after] > known[before]
