"""Vote on a patch before anything is shown of it: asked by the page, and kept by its reader.

Unlike the player it is no live widget: in a notebook, and without JavaScript, it is the question
and a folded answer.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .inlaid import inlaid

REVIEWED, HOLD = "Reviewed-by", "hold"
NO_RULE, MISSING = "none: nothing is wrong", "a rule that is missing here"


@dataclass(frozen=True)
class Vote:
    """A question on a patch, and how it went.

    key      what it is called where its answer is kept
    rules    the names of the rules to choose from; NO_RULE and MISSING are added
    right    REVIEWED or HOLD
    at_stake the name of the rule at stake, NO_RULE or MISSING
    says     why, in a sentence or two
    also     the names of rules that are broken as well: who names one of them is right, too
    """

    key: str
    rules: Sequence[str]
    right: str
    at_stake: str
    says: str
    also: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.right not in (REVIEWED, HOLD):
            raise ValueError(f"A vote is {REVIEWED} or {HOLD}, and not {self.right}.")
        for rule in (self.at_stake, *self.also):
            if rule not in self.choices:
                raise ValueError(f"There is no rule {rule!r} to choose.")

    @property
    def choices(self) -> list[str]:
        """The rules that can be chosen, and the two ways in which it is none of them."""
        return [*self.rules, NO_RULE, MISSING]

    def __repr__(self) -> str:
        return f"Vote({self.key!r}: {REVIEWED} or {HOLD}, and which rule is at stake?)"

    def to_html(self) -> str:
        """Return the vote as HTML: data for the page's script, and a folded answer without it."""
        data = {
            "key": self.key,
            "choices": self.choices,
            "right": self.right,
            "at_stake": self.at_stake,
            "also": [rule for rule in self.also if rule != self.at_stake],
            "says": self.says,
        }
        right = f"{self.right}; at stake: {self.at_stake}. {self.says}"
        fallback = (
            f"<p>Your vote: {REVIEWED}, or {HOLD}? And which rule is at stake?</p>"
            f"<details><summary>How it went</summary><p>{html.escape(right)}</p></details>"
        )
        return inlaid("gup-vote", data, fallback)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.to_html()}
