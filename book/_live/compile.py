"""Compile what the page's Python imports, at build time: at every start it would do so otherwise.

That is most of what a start takes: the archives that Pyodide and pip make have the sources only.
They stay, because the checker reads them.
"""

import io
import sys
from importlib.util import cache_from_source, source_hash
from zipfile import ZIP_STORED, ZipFile, ZipInfo


def compiled(archive: bytes, folder: str, is_library: bool) -> bytes:
    """Return an archive in which the modules that are loaded now are compiled.

    folder      where it will lie in the page's Python
    is_library  is it read where it lies, or unpacked?  That decides what a compiled file is called.
    """
    loaded = {getattr(module, "__file__", None) for module in sys.modules.values()}
    made = io.BytesIO()
    with ZipFile(io.BytesIO(archive)) as old, ZipFile(made, "w", ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            new.writestr(ZipInfo(name), content)
            if name.endswith(".py") and f"{folder}/{name}" in loaded:
                beside = f"{name}c" if is_library else cache_from_source(name)
                code = compile(content, f"{folder}/{name}", "exec", dont_inherit=True)
                new.writestr(ZipInfo(beside), as_file(code, content))
    return made.getvalue()


def as_file(code: object, source: bytes) -> bytes:
    """Return compiled code as a file of a kind that is not held against its source's date."""
    from importlib._bootstrap_external import _code_to_hash_pyc  # type: ignore[attr-defined]

    return bytes(_code_to_hash_pyc(code, source_hash(source), False))
