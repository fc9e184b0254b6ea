"""Show a function of the model in a notebook as it stands in its file.

The book prints no code that it does not run: a listing is read from the source when the
notebook runs, so prose and code cannot drift apart.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Listing:
    """The source of a function, which a notebook shows as code.

    function   the function to show
    docstring  show its docstring too?
    """

    function: Callable[..., Any]
    docstring: bool = True

    def __str__(self) -> str:
        source = inspect.getsource(self.function).rstrip()
        if not self.docstring and self.function.__doc__:
            head, _, rest = source.partition('    """')
            source = head + rest.partition('"""\n')[2]
        return source

    def _repr_markdown_(self) -> str:
        file = Path(inspect.getsourcefile(self.function) or "")
        return f"```python\n# {file.parent.name}/{file.name}\n{self}\n```"

    __repr__ = __str__
