"""Published patches around gup-fast, device pages and page lifetime, each as a scene.

    >>> from gupcore import SCENARIOS, check
    >>> check(SCENARIOS["patch"]("70cbc3cc78a9", "before"))

"before" is the code that the patch found, and a rule that the patch speaks of fails there; "after"
is the code with it, where every rule holds; "half" is the code with a part of it.  What else was
wrong in the kernel of the day is mended in all of them, so that only this patch makes the
difference.  Where a scene is not that of the patch, its function says so.

To add a patch, write a function that returns a `Scene` for each version and register it with
`@patch`, in one of the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..checker.asked import ScenarioError
from ..checker.maker import scenario
from ..checker.scenario import Scenario
from ..kernel.rules import RULES
from . import order, pages, tables  # noqa: F401  # they register their patches
from .scene import AFTER, BEFORE, HALF, PATCHES

__all__ = ["PATCHES", "patched"]

SETTINGS: tuple[Mapping[str, str], ...] = tuple(
    {"patch": patch.id, "version": version}
    for patch in PATCHES.values()
    for version in patch.versions
)


@scenario("patch", settings=SETTINGS, patch=tuple(PATCHES), version=(BEFORE, HALF, AFTER))
def patched(patch: str = "70cbc3cc78a9", version: str = BEFORE) -> Scenario:
    """Return the scene of a published patch: the code before it, after it, or half-way.

    patch    the beginning of its commit's id (see PATCHES)
    version  "before", "after", or, where there was one, "half"
    """
    chosen = PATCHES[patch]
    if version not in chosen.versions:
        raise ScenarioError(f"Of {patch} there is no version {version}.")
    scene = chosen.scene(version)
    design = replace(scene.design, says=f"{chosen.title}: {version}.")
    rules = (*RULES.values(), *scene.rules)
    return Scenario("", f"{chosen.title}.", design, scene.machine, scene.threads, rules)
