"""Figures, drawn from what the model computed and from nothing else.

Each is a file of its own here, named after its function: `gupcore.figures.timeline` holds
`timeline`.  A chapter imports a figure from its file, so that a new one changes no other.
"""

from .picture import Picture, picture
from .timeline import timeline

__all__ = ["Picture", "picture", "timeline"]
