"""make kernel-ablation: what the check costs, by switching it off in a kernel of our own.

A probe costs more than the check does, so no stock kernel can say.  This builds Debian's source of
6.1 with a small configuration and with two switches in gup-fast, which are set when it boots.  A
switch is a jump label: an instruction that does nothing, or a jump in its place, so it costs one
instruction either way, and the code around it stays what it is.  (Two kernels, one compiled without
the check, differ in the rest of the loop as well: even ordinary pages then cost other numbers.)

It keeps all processors busy for minutes, so it is no part of the lab or of the tests; its record is
in gupcore/evidence/data.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import emulator
import record
import shape
from arches import X86
from guest import HERE, Build, compile_modules, compile_program
from lab import (
    CANNOT,
    FAILS,
    HOLDS,
    KEPT,
    LIMIT,
    ROOM,
    WRONG_USE,
    Progress,
    as_command,
    in_lines,
    the_lab,
    tools,
)
from packages import KERNELS, Unavailable, sha256, unpack
from scenarios import SCENARIOS

SWITCHES = """
static DEFINE_STATIC_KEY_FALSE(gup_no_lookup);
static DEFINE_STATIC_KEY_FALSE(gup_gives_up);

static int __init set_gup_ablation(char *way)
{
	if (!strcmp(way, "no-lookup"))
		static_branch_enable(&gup_no_lookup);
	else if (!strcmp(way, "gives-up"))
		static_branch_enable(&gup_gives_up);
	return 1;
}
__setup("lab.ablation=", set_gup_ablation);

"""
# What is replaced in mm/gup.c, once each: its beginning, gup_pte_range(), and __gup_device_huge().
CHANGES = (
    ("struct follow_page_context {", f"{SWITCHES}struct follow_page_context {{"),
    (
        """\
			pgmap = get_dev_pagemap(pte_pfn(pte), pgmap);
			if (unlikely(!pgmap)) {
				undo_dev_pagemap(nr, nr_start, flags, pages);
				goto pte_unmap;
			}
""",
        """\
			if (static_branch_unlikely(&gup_gives_up))
				goto pte_unmap;
			if (!static_branch_unlikely(&gup_no_lookup)) {
				pgmap = get_dev_pagemap(pte_pfn(pte), pgmap);
				if (unlikely(!pgmap)) {
					undo_dev_pagemap(nr, nr_start, flags, pages);
					goto pte_unmap;
				}
			}
""",
    ),
    (
        """\
		pgmap = get_dev_pagemap(pfn, pgmap);
		if (unlikely(!pgmap)) {
			undo_dev_pagemap(nr, nr_start, flags, pages);
			break;
		}
""",
        """\
		if (static_branch_unlikely(&gup_gives_up))
			break;
		if (!static_branch_unlikely(&gup_no_lookup)) {
			pgmap = get_dev_pagemap(pfn, pgmap);
			if (unlikely(!pgmap)) {
				undo_dev_pagemap(nr, nr_start, flags, pages);
				break;
			}
		}
""",
    ),
)
WAYS = {"as it is": "", "no lookup": "no-lookup", "always gup-slow": "gives-up"}
BUILD_TOOLS = {
    **tools(X86),
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz": "xz-utils",
}


def main(arguments: list[str]) -> int:
    """Build, boot each way, and write the record; return 0, 1, 2 (cannot run), 64 or 130."""
    if arguments not in ([], ["--keep"]):
        print("make kernel-ablation takes KEEP=1 and nothing else.", file=sys.stderr)
        return WRONG_USE
    try:
        with the_lab(BUILD_TOOLS):
            made = measure(Progress("ablation"))
    except Unavailable as why:
        print(why, file=sys.stderr)
        return CANNOT
    for room in (ROOM, KEPT) if arguments else (ROOM,):
        (room / "ablation-6.1.json").write_text(in_lines(made) + "\n")
    complaints = shape.ablation_complaints(made)
    for complaint in complaints:
        print(f"ablation: {complaint}", file=sys.stderr)
    return FAILS if complaints else HOLDS


def measure(progress: Progress) -> dict[str, Any]:
    """Build the kernel and count on it; return the record."""
    build = Build(KERNELS["6.1"], ROOM)
    source = build.archive.get("linux-source-6.1")
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
    configure(tree)
    progress.done("configured")
    _make(tree, f"-j{os.cpu_count()}", "vmlinux", "modules")
    progress.done("compiled")
    build.directory, build.release = room, "none"  # its drivers are built in
    for package in build.guest_inputs:
        unpack(package, room / "guest")
    compile_program(room / "guplab")
    shutil.copytree(HERE / "modules", room / "modules")
    if missing := compile_modules(tree, room / "modules", ("cost",)):
        raise RuntimeError(missing["cost"])
    initramfs = build.pack()
    progress.done("guest made")
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True)
    ways: dict[str, list[dict[str, Any]]] = {}
    made = {
        "schema": 1,
        "kernel": (tree / "include/config/kernel.release").read_text().strip(),
        "inputs": {path.name.split("_")[0]: sha256(path) for path in (source, *build.guest_inputs)},
        "configuration": sha256(tree / ".config"),
        "compiler": compiler.stdout.splitlines()[0],
        "ways": ways,
    }
    for way, value in WAYS.items():
        tick = progress.ticking(way)
        ways[way] = _counted(tree / "vmlinux", initramfs, value, tick)
        progress.done(f"{way}: {len(ways[way])} calls counted")
    shape.validate(made, shape.ABLATION)
    return made


def changed(text: str) -> str:
    """Return mm/gup.c with the switches in it; raise ValueError where it is not as expected."""
    for old, new in CHANGES:
        if text.count(old) != 1:
            line, times = old.strip().splitlines()[0], text.count(old)
            raise ValueError(f"mm/gup.c has {line!r} {times} times, not once.")
        text = text.replace(old, new)
    return text


def configure(tree: Path) -> None:
    """Configure a kernel; raise RuntimeError if it cannot have all that ablation.config asks."""
    _make(tree, "tinyconfig")
    fragment = (HERE / "ablation.config").read_text()
    with (tree / ".config").open("a") as config:
        config.write(fragment)
    _make(tree, "olddefconfig")
    asked = set(re.findall(r"^CONFIG_\w+=[^n].*$", fragment, re.M))
    if lost := asked - set((tree / ".config").read_text().splitlines()):
        raise RuntimeError(f"This kernel cannot have {min(lost)}.")


def _make(tree: Path, *targets: str) -> None:
    """Run the kernel's make, which leaves no trace of when and where in what it makes."""
    done = subprocess.run(
        ["make", "-s", "-C", str(tree), "CC=gcc", "KBUILD_BUILD_TIMESTAMP=2026-01-01", *targets],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            **{"MAKEFLAGS": "", "MAKELEVEL": "", "KBUILD_BUILD_USER": "lab"},
            **{"KBUILD_BUILD_HOST": "lab", "KBUILD_BUILD_VERSION": "1"},
        },
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def _counted(
    kernel: Path, initramfs: Path, way: str, tick: Callable[[float], None]
) -> list[dict[str, Any]]:
    cost = SCENARIOS["cost"]
    words = {"scenario": cost.program, "load": ",".join(cost.load), "mkfs": cost.mkfs}
    words["ablation"] = way
    run = emulator.run(X86, kernel, initramfs, words, 1, LIMIT, tick)
    counted = record.costs(run.console)
    if not counted:
        raise RuntimeError(f"The guest counted nothing: {run.console[-2000:]}")
    return counted


if __name__ == "__main__":
    as_command(main)
