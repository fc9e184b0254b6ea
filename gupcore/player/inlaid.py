"""What Python hands to the page: data that its script finds, and what stands where none runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def inlaid(kind: str, data: Mapping[str, Any], fallback: str) -> str:
    """Return HTML that the page's script mounts.

    kind      the class of the element, which says what is mounted
    data      what it is made of
    fallback  the HTML that is seen where no script runs
    """
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="{kind}"><script type="application/json">{text}</script>'
        f'<div class="gup-fallback">{fallback}</div></div>'
    )
