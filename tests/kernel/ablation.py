"""make kernel-ablation: what the check costs, by taking it out of a kernel of our own.

A probe costs more than the check does, so no stock kernel can say.  This builds Debian's source of
6.1 with a small configuration and with one switch in gup-fast: 0, the check as it is; 1, no check;
2, every device page goes to gup-slow.  The switch costs the same in all three.  It takes minutes
of both cores, so it is no part of the lab or of the tests; its record is in chapters/data.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import emulator
import record
from guest import HERE, Build, compile_modules, compile_program
from lab import KEPT, ROOM, Progress, in_lines
from packages import KERNELS, archive, sha256, unpack

SWITCH = """
/* 0: as it is.  1: no dev_pagemap lookup.  2: device pages go to gup-slow. */
static int gup_ablation __read_mostly;
core_param(gup_ablation, gup_ablation, int, 0644);

"""
# What is replaced in mm/gup.c, once each.
CHANGES = (
    ("struct follow_page_context {", SWITCH + "struct follow_page_context {"),
    (
        "\t\t\tpgmap = get_dev_pagemap(pte_pfn(pte), pgmap);\n\t\t\tif (unlikely(!pgmap)) {",
        "\t\t\tif (gup_ablation == 2)\n\t\t\t\tgoto pte_unmap;\n"
        "\t\t\tif (!gup_ablation)\n\t\t\t\tpgmap = get_dev_pagemap(pte_pfn(pte), pgmap);\n"
        "\t\t\tif (unlikely(!gup_ablation && !pgmap)) {",
    ),
    (
        "\t\tpgmap = get_dev_pagemap(pfn, pgmap);\n\t\tif (unlikely(!pgmap)) {",
        "\t\tif (gup_ablation == 2) {\n\t\t\tret = 0;\n\t\t\tbreak;\n\t\t}\n"
        "\t\tif (!gup_ablation)\n\t\t\tpgmap = get_dev_pagemap(pfn, pgmap);\n"
        "\t\tif (unlikely(!gup_ablation && !pgmap)) {",
    ),
)
TOOLS = ("flex", "bison", "bc", "gcc", "make", "qemu-system-x86_64")


def main() -> int:
    """Build, boot three times, and write the record; return 0, or 2 where it cannot run."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            print(f"The ablation needs {tool}: install it.", file=sys.stderr)
            return 2
    progress = Progress("ablation")
    build = Build(KERNELS["6.1"], ROOM)
    source = archive(ROOM, "bookworm").get("linux-source-6.1")
    progress.done("packages are here")
    room = ROOM / "ablation"
    tree = room / "linux-source-6.1"
    shutil.rmtree(room, ignore_errors=True)
    unpack(source, room / "package")
    tarball = room / "package/usr/src/linux-source-6.1.tar.xz"
    subprocess.run(["tar", "-C", room, "-xf", tarball], check=True)
    progress.done("source unpacked")
    gup = tree / "mm/gup.c"
    gup.write_text(changed(gup.read_text()))
    release = compile_kernel(tree)
    progress.done(f"{release} built")
    made = {
        "schema": 1,
        "source": {"package": source.name.split("_")[0], "sha256": sha256(source)},
        "release": release,
        "says": "instructions of one gup call, least of eight, FOLL_WRITE as said, by ablation",
        "ablation": {"0": "as it is", "1": "no lookup", "2": "always gup-slow"},
        "costs": {},
    }
    initramfs = guest(build, tree, room)
    for value in ("0", "1", "2"):
        made["costs"][value] = _costs(tree, initramfs, value, progress)
    target = ROOM / "ablation-6.1.json"
    target.write_text(in_lines(made) + "\n")
    if "--keep" in sys.argv:
        KEPT.mkdir(exist_ok=True)
        shutil.copy(target, KEPT)
    progress.done(f"written: {target.name}")
    return 0


def changed(text: str) -> str:
    """Return mm/gup.c with the switch in it; raise ValueError where it is not as expected."""
    for old, new in CHANGES:
        if text.count(old) != 1:
            raise ValueError(f"mm/gup.c has {text.count(old)} of {old.strip()[:50]!r}, not one.")
        text = text.replace(old, new)
    return text


def compile_kernel(tree: Path) -> str:
    """Configure and compile a kernel; return its release."""
    fragment = (HERE / "ablation.config").read_text()
    make = ["make", "-s", "-C", str(tree), "CC=gcc", "KBUILD_BUILD_TIMESTAMP=2026-01-01"]
    subprocess.run([*make, "tinyconfig"], check=True, capture_output=True)
    with (tree / ".config").open("a") as config:
        config.write(fragment)
    subprocess.run([*make, "olddefconfig"], check=True, capture_output=True)
    done = subprocess.run([*make, "-j2", "vmlinux", "modules"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return (tree / "include/config/kernel.release").read_text().strip()


def guest(build: Build, tree: Path, room: Path) -> Path:
    """Make the lab's guest for the built kernel, whose drivers are all inside it."""
    build.release, build.directory = "none", room
    for package in build.guest_inputs:
        unpack(package, room / "guest")
    compile_program(room / "guplab")
    sources = room / "modules"
    shutil.copytree(HERE / "modules", sources)
    compile_modules(tree, sources, ("cost",))
    return build.pack()


def _costs(tree: Path, initramfs: Path, value: str, progress: Progress) -> list[dict[str, Any]]:
    words = {"scenario": "cost", "disk": "", "mkfs": "-O:bigalloc:-C:2097152", "load": "cost"}
    words["ablation"] = value
    run = emulator.run(tree / "vmlinux", initramfs, words, 1, 300, progress.ticking(value))
    costs = record.costs(run.console)
    progress.done(f"{value}: {len(costs)} calls counted")
    if not costs:
        raise RuntimeError(json.dumps(run.console[-2000:]))
    return costs


if __name__ == "__main__":
    sys.exit(main())
