"""Questions that a player asks before a marked step.

What is right is not written down by hand: it is read off the graph that the player is handed, so a
question cannot be wrong about its own answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..checker.machine import stopped

if TYPE_CHECKING:
    from ..checker.verdict import Report

GOES_ON, WAITS, BREAKS, OOPS = "goes on", "waits", "breaks a rule", "oops"
WORDS = {
    GOES_ON: "It takes its step, and no rule is broken",
    WAITS: "It has to wait",
    BREAKS: "It takes its step and breaks a rule, but touches nothing that is gone",
    OOPS: "It touches something that is gone",
}


@dataclass(frozen=True)
class Prompt:
    """A question about the next step of one thread, asked where the reader stands.

    design    the name of the design it is asked under
    schedule  the steps that lead to it
    thread    the number of the thread it asks about, from 1
    question  one sentence
    choices   {outcome: words}, of the outcomes GOES_ON, WAITS, BREAKS and OOPS; all four in the
              usual words if none are given
    """

    design: str
    schedule: str
    thread: int
    question: str
    choices: Mapping[str, str] = field(default_factory=lambda: dict(WORDS))

    def data(self, reports: Sequence[Report]) -> dict[str, Any]:
        """Return the prompt as the page needs it, with the answer that is right.

        Raises ValueError if the design is not among `reports`, the thread has ended, or what
        happens is no choice, and ScheduleError if the schedule cannot be taken.
        """
        report = next((r for r in reports if r.scenario.design.name == self.design), None)
        if report is None:
            raise ValueError(f"A prompt asks about the design {self.design!r}, which is not shown.")
        right = _what_happens(report, self.schedule, self.thread)
        if right not in self.choices:
            raise ValueError(f"Of the choices of {self.question!r} none is right: {right}.")
        return {
            "key": f"{report.scenario.key()}/{self.design}/{self.schedule}/{self.thread}",
            "design": self.design,
            "schedule": self.schedule,
            "thread": self.thread,
            "question": self.question,
            "choices": [list(choice) for choice in self.choices.items()],
            "right": right,
        }


def _what_happens(report: Report, schedule: str, thread: int) -> str:
    report.replay(schedule)  # says where a schedule cannot be taken
    state = report.walk(schedule)
    if report.graph.ended(state, thread - 1):
        raise ValueError(
            f"After {schedule} thread {thread} has ended, so nothing can be asked about it."
        )
    move = report.graph.move(state, thread - 1)
    if move is None:
        return WAITS
    if stopped(move.effect.machine):
        return OOPS
    return BREAKS if report.broken_by(move) else GOES_ON
