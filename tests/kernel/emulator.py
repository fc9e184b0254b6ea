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

# Why each is there: no randomness of the host's in the guest; nothing but two serial ports.
ONE_CPU = (
    *("-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"),
    *("-rtc", "base=2026-01-01,clock=vm", "-seed", "42"),
)
TWO_CPUS = ("-accel", "tcg,thread=multi", "-smp", "2")
MACHINE = (
    *("-cpu", "max,-rdrand,-rdseed", "-m", "1024", "-nodefaults", "-display", "none"),
    *("-no-reboot", "-no-user-config"),
)
# The device's memory fills a 128 MiB section of its own: the memmap of a section that it shares
# with ordinary memory would stay, and nothing would oops.
COMMAND_LINE = " ".join(
    (
        *("console=ttyS0", "quiet", "loglevel=4", "panic=-1", "nokaslr", "mitigations=off"),
        *("memmap=128M!512M", "nmi_watchdog=0"),
    )
)


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
    kernel: Path,
    initramfs: Path,
    words: dict[str, str],
    cpus: int,
    limit: float,
    tick: Callable[[float], None],
) -> Run:
    """Boot a kernel and return what came out.

    kernel     the kernel's image
    initramfs  the guest
    words      for the guest's init: {word: value}, on the command line as lab.word=value
    cpus       1 (exact) or 2
    limit      seconds of wall-clock time after which the machine is stopped
    tick       called about once a second with the seconds gone by
    """
    line = " ".join((COMMAND_LINE, *(f"lab.{word}={value}" for word, value in words.items())))
    with tempfile.TemporaryDirectory(prefix="run-", dir=initramfs.parent) as room:
        console, trace = Path(room, "console"), Path(room, "trace")
        command = [
            "qemu-system-x86_64",
            *(ONE_CPU if cpus == 1 else TWO_CPUS),
            *MACHINE,
            *("-serial", f"file:{console}", "-serial", f"file:{trace}"),
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
