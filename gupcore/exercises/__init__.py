"""Exercises: what a reader hands in, and what the checker says of it.

There are six kinds, and a function for each; all of them return an `Answer`.  Nothing is called
right that was not shown to be: a search that was cut off is not judged.
"""

from .answer import Answer
from .patch import judge_patch
from .predictions import judge_prediction
from .schedules import judge_schedule, judge_trace
from .threads import judge_gup_fast, judge_unbind

__all__ = [
    "Answer",
    "judge_gup_fast",
    "judge_patch",
    "judge_prediction",
    "judge_schedule",
    "judge_trace",
    "judge_unbind",
]
