"""Exercises: what a reader hands in, and what the checker says of it.

There is a function for each kind, and all of them return an `Answer`.  Nothing is called
right that was not shown to be: a search that was cut off is not judged.
"""

from .answer import Answer, answers
from .counting import judge_count
from .lines import judge_lines
from .patch import judge_patch
from .predictions import judge_prediction
from .schedules import judge_schedule, judge_trace
from .steps import judge_steps
from .threads import judge_gup_fast, judge_unbind

__all__ = [
    "Answer",
    "answers",
    "judge_count",
    "judge_gup_fast",
    "judge_lines",
    "judge_patch",
    "judge_prediction",
    "judge_schedule",
    "judge_steps",
    "judge_trace",
    "judge_unbind",
]
