"""Where `make links` looks for what the book cites from git.kernel.org: in the mirrors on GitHub.

git.kernel.org may have a browser solve a puzzle first.  A program then gets the puzzle, and no 404
for a commit or a file that does not exist.
"""

import re

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

COMMIT = re.compile(r"https://git\.kernel\.org/torvalds/c/(\w+)")
FILE = re.compile(
    r"https://git\.kernel\.org/pub/scm/linux/kernel/git/(torvalds|stable)/linux\.git/tree/(.+)\?h=([^#]+)(?:#n\d+)?"
)
OWNER = {"torvalds": "torvalds", "stable": "gregkh"}


def at_mirror(uri: str) -> str:
    """Return the address of the same commit or file on GitHub; any other address as it is."""
    if commit := COMMIT.fullmatch(uri):
        return f"https://github.com/torvalds/linux/commit/{commit[1]}"
    if file := FILE.fullmatch(uri):
        return f"https://github.com/{OWNER[file[1]]}/linux/blob/{file[3]}/{file[2]}"
    return uri


def setup(app: Sphinx) -> ExtensionMetadata:
    """Only the builder that follows links asks."""
    app.connect("linkcheck-process-uri", lambda app, uri: at_mirror(uri))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
