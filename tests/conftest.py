"""What holds for every test: none sees what another one has registered."""

from collections.abc import Iterator

import pytest

from gupcore import SCENARIOS


@pytest.fixture(autouse=True)
def _scenarios_as_they_were() -> Iterator[None]:
    """Forget the scenarios that a test registers, as the cell of a chapter does that it runs."""
    before = dict(SCENARIOS)
    yield
    SCENARIOS.clear()
    SCENARIOS.update(before)
