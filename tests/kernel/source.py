"""make kernel-source: the reader's own copy of the C that the reading map is about.

The files are Debian's, of the kernel that the lab runs: taken out of the package of its source,
which is downloaded as the lab's packages are, and never installed.  A second run finds them there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

from arches import X86
from lab import CANNOT, HOLDS, ROOM, ROOT, WRONG_USE, as_command, the_lab
from packages import KERNELS, Unavailable, archive

from gupcore.kernel.copy import COPY, MAKEFILE
from gupcore.kernel.lines import FILES

TOOLS = {"apt-get": "apt, on Debian or Ubuntu", "dpkg-deb": "dpkg"}
WANTED = (MAKEFILE, *FILES)


def main(arguments: list[str]) -> int:
    """Get the files unless they are there; return 0, 2 (they cannot be had), 64 or 130."""
    if arguments:
        print("make kernel-source takes nothing.", file=sys.stderr)
        return WRONG_USE
    if not all((COPY / name).is_file() for name in WANTED):
        try:
            with the_lab(TOOLS):
                version = X86.default
                package = archive(ROOM, KERNELS[version].suite).get(f"linux-source-{version}")
                take(package, WANTED, COPY)
        except Unavailable as why:
            print(f"No source of the kernel: {why}", file=sys.stderr)
            return CANNOT
    print(f"The kernel's C that the reading map is about: {COPY.relative_to(ROOT)}/")
    return HOLDS


def take(package: Path, wanted: Iterable[str], into: Path) -> None:
    """Take files out of a package of the kernel's source; `into` is there when all of them are.

    Raises Unavailable for a package that lacks one.
    """
    left = set(wanted)
    part = into.with_name(f"{into.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    unpacking = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(unpacking, stdout=subprocess.PIPE) as unpacked:
        try:
            with tarfile.open(fileobj=unpacked.stdout, mode="r|") as outer:
                inner = next((one for one in outer if one.name.endswith(".tar.xz")), None)
                packed = inner and outer.extractfile(inner)
                if packed:
                    with tarfile.open(fileobj=packed, mode="r|xz") as tree:
                        _take(tree, left, part)
        finally:
            unpacked.kill()  # what comes after the last file is not worth the wait
    if left:
        raise Unavailable(f"{package.name} has no {min(left)}.")
    shutil.rmtree(into, ignore_errors=True)
    part.replace(into)


def _take(tree: tarfile.TarFile, left: set[str], part: Path) -> None:
    """Write the files that are `left` to take, and stop after the last."""
    for entry in tree:
        _, _, name = entry.name.partition("/")
        file = tree.extractfile(entry) if name in left else None
        if file:
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read())
            left.remove(name)
        if not left:
            return


if __name__ == "__main__":
    as_command(main)
