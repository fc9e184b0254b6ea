"""What the checker says of what a reader handed in.

A mistake that keeps it from being judged is answered with a sentence, not with a traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any, ParamSpec

from ..checker.asked import ScenarioError
from ..checker.patience import patience
from ..checker.replay import ScheduleError
from ..checker.source import ThreadError
from ..checker.verdict import Report, Verdict
from ..kernel.machine import NotThere

if TYPE_CHECKING:
    from ..player import Player

Phrase = ParamSpec("Phrase")


@dataclass(frozen=True, repr=False)
class Answer:
    """What the checker says of what a reader handed in.

    right     is it right?
    said      one sentence: why, or what to change
    report    where there is something to see, the report that has it
    schedule  and the steps that lead there
    """

    right: bool
    said: str
    report: Report | None = None
    schedule: str = ""

    def __repr__(self) -> str:
        return self.said

    def player(self) -> Player | None:
        """Return a player that stands where the answer points; None if it points nowhere."""
        if self.report is None:
            return None
        from ..player import Player  # here, because judging needs the standard library only

        return Player(self.report, schedule=self.schedule)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        sentence = f'<p class="gup-answer">{escape(self.said)}</p>'
        player = self.player()
        if player is None:
            return {"text/plain": self.said, "text/html": sentence}
        from ..player import WIDGETS, with_html

        bundle: Any = {}
        if WIDGETS:
            from ipywidgets import HTML, VBox

            bundle = VBox([HTML(sentence), player])._repr_mimebundle_(**kwargs)
        return with_html(bundle, self.said, sentence + player.to_html())


def answers(wanted: str) -> Callable[[Callable[Phrase, Answer]], Callable[Phrase, Answer]]:
    """Make a judge answer with a sentence where there is nothing, or nothing it can judge."""

    def declare(judges: Callable[Phrase, Answer]) -> Callable[Phrase, Answer]:
        @wraps(judges)
        def answer(*args: Phrase.args, **named: Phrase.kwargs) -> Answer:
            if args[0] is None or args[0] is Ellipsis:
                return Answer(False, f"Nothing is handed in yet: this exercise asks for {wanted}.")
            try:
                with patience():
                    return judges(*args, **named)
            except (ScenarioError, ScheduleError, ThreadError, NotThere) as error:
                return Answer(False, str(error))
            except Exception as error:  # by something that was handed in, and does not behave
                said = f"This cannot be judged: it raised {type(error).__name__}"
                return Answer(False, f"{said}; this exercise asks for {wanted}.")

        return answer

    return declare


def not_judged(report: Report) -> Answer:
    """Answer that a search was cut off before it could tell."""
    found = len(report.graph.states)
    return Answer(False, f"Not judged: too many states; the search stopped after {found:,}.")


def in_words(verdict: Verdict) -> str:
    """Return a verdict as the end of a sentence about its rule."""
    return f"fails: {verdict}" if verdict.loop else str(verdict)
