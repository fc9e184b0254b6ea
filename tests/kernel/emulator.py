"""QEMU, without an accelerator: it needs no rights, and on one CPU it is an exact machine.

With `-icount` the guest's clock advances by one nanosecond an instruction, whatever the host is
doing: the same inputs give the same run, byte for byte.  Two CPUs cannot run so; they run as the
host lets them.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import devicetree
from arches import DEVICE_BYTES, Arch

# Why each is there: no randomness of the host's in the guest; nothing but two serial ports.
ONE_CPU = (
    *("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"),
    *("-rtc", "base=2026-01-01,clock=vm", "-seed", "42"),
)
TWO_CPUS = ("-accel", "tcg,thread=multi", "-smp", "2")
MACHINE = (
    *("-m", "1024", "-nodefaults", "-display", "none"),
    *("-no-reboot", "-no-user-config"),
)
QUIET = ("console=ttyS0", "quiet", "loglevel=4", "panic=-1", "nokaslr", "mitigations=off")


@dataclass(frozen=True)
class Run:
    """What a run of the guest left behind.

    command_line  the kernel's
    console       the first serial port: facts, and what the kernel said
    trace         the second: the kernel's trace
    timed_out     it had to be stopped
    seconds       of wall-clock time
    """

    command_line: str
    console: str
    trace: str
    timed_out: bool
    seconds: float


def run(
    arch: Arch,
    kernel: Path,
    initramfs: Path,
    words: dict[str, str],
    cpus: int,
    limit: float,
    tick: Callable[[float], None],
) -> Run:
    """Boot a kernel and return what came out.

    arch       the machine
    kernel     the kernel's image
    initramfs  the guest
    words      for the guest's init: {word: value}, on the command line as lab.word=value
    cpus       1 (exact) or 2
    limit      seconds of wall-clock time after which the machine is stopped
    tick       called about once a second with the seconds gone by
    """
    told = (f"lab.{word}={value}" for word, value in words.items())
    line = " ".join((*QUIET, arch.memory, "nmi_watchdog=0", *told))
    with tempfile.TemporaryDirectory(prefix="run-", dir=initramfs.parent) as room:
        console, trace = Path(room, "console"), Path(room, "trace")
        command = [
            arch.emulator[0],
            *(ONE_CPU if cpus == 1 else TWO_CPUS),
            *(*MACHINE, *arch.machine),
            *("-chardev", f"file,id=console,path={_escaped(console)}"),
            *("-chardev", f"file,id=trace,path={_escaped(trace)}"),
        ]
        if arch.device is not None:
            command += ["-dtb", str(_tree(command, arch.device, Path(room, "tree")))]
        command += [
            *arch.ports,
            *("-kernel", str(kernel), "-initrd", str(initramfs), "-append", line),
        ]
        begin = time.monotonic()
        timed_out, said = False, ""
        with _started(command) as machine:
            while machine.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    machine.wait(1)
                tick(time.monotonic() - begin)
                if time.monotonic() - begin > limit:
                    timed_out = True
                    break
            if machine.stderr and not timed_out:
                said = machine.stderr.read().strip()
        if machine.returncode and not timed_out:
            raise RuntimeError(f"QEMU ended with {machine.returncode}: {said}")
        return Run(
            line,
            console.read_text(errors="replace").replace("\r", ""),
            trace.read_text(errors="replace").replace("\r", ""),
            timed_out,
            time.monotonic() - begin,
        )


def _tree(machine: list[str], device: int, target: Path) -> Path:
    """Write the machine's own device tree, with the memory of the device in it."""
    dump = ["-machine", f"dumpdtb={_escaped(target)}"]
    subprocess.run([*machine, *dump], check=True, capture_output=True)
    node = devicetree.pmem(device, DEVICE_BYTES)
    target.write_bytes(devicetree.with_node(target.read_bytes(), *node))
    return target


def _escaped(path: Path) -> str:
    return str(path).replace(",", ",,")


@contextlib.contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a program, and see that it is gone at the end, however that comes."""
    # setpriv takes it down with us even when we are killed outright.  Ctrl-C is for us alone: QEMU
    # would take it for the guest's end, and half a run would pass for a whole one.
    guarded = ["setpriv", "--pdeathsig", "KILL", *command]
    with subprocess.Popen(
        guarded,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.kill()
