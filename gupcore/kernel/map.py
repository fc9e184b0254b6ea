"""Every step of the model, for the map from steps to kernel functions.

It is read off the modules that define steps, so that a reader's own steps are not on it.
"""

from __future__ import annotations

from ..checker.step import Action
from . import percpu_ref
from .steps import cpu, dax, fork, huge, page_table, pagemap, struct_page

ACTIONS: tuple[Action, ...] = tuple(
    value
    for module in (cpu, page_table, struct_page, pagemap, dax, huge, fork, percpu_ref)
    for value in vars(module).values()
    if isinstance(value, Action) and value.apply.__module__ == module.__name__
)
