"""Litmus tests: what a few threads can see of one another, where memory has no single order.

The rest of gupcore takes the steps of all CPUs one after another.  Real machines promise less.
Here small tests are asked what *can* be seen: all executions of a few reads and writes, under
sequential consistency, under x86's order of stores, and under a core of Linux's own model.

    >>> from gupcore.order import LKMM, ask, litmus
    >>> ask(litmus('''
    ... C store-buffering
    ... {}
    ... P0(int *x, int *y) { WRITE_ONCE(*x, 1); int r0 = READ_ONCE(*y); }
    ... P1(int *x, int *y) { WRITE_ONCE(*y, 1); int r0 = READ_ONCE(*x); }
    ... exists (0:r0=0 /\\\\ 1:r0=0)
    ... '''), LKMM).verdict
    'Sometimes'
"""

from .answer import Answer, ask, outcomes
from .litmus import RMW, Fence, If, Let, Litmus, Read, Write
from .models import LKMM, MODELS, SC, TSO, Model
from .reader import LitmusError, litmus

__all__ = [
    "LKMM",
    "MODELS",
    "RMW",
    "SC",
    "TSO",
    "Answer",
    "Fence",
    "If",
    "Let",
    "Litmus",
    "LitmusError",
    "Model",
    "Read",
    "Write",
    "ask",
    "litmus",
    "outcomes",
]
