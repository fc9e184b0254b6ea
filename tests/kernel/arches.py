"""The machines that the lab emulates: what differs between them is data, and it is here."""

from __future__ import annotations

from dataclasses import dataclass

# The device's memory fills a 128 MiB section of its own: the memmap of a section that it shares
# with ordinary memory would stay, and nothing would oops.
DEVICE_BYTES = 128 << 20


@dataclass(frozen=True)
class Arch:
    """A machine, and what it takes to build for it.

    name      what ARCH= calls it
    suffix    what the names of its records, and of its folders, end with
    debian    what Debian calls it
    kernels   the kernels that run on it
    default   the one that runs where none is named
    emulator  QEMU's program, and the package that has it
    machine   its options: the machine, and a CPU without a source of random numbers
    ports     its options: ttyS0 and ttyS1, for the character devices `console` and `trace`
    memory    words on the kernel's command line that keep it off the device's memory
    device    where that memory lies, if a device tree has to say so; else the words above do
    driver    the driver that finds it
    compiler  the compiler, and the package that has it
    triplet   the folder of its libraries
    loader    where its programs look for the one that loads them
    """

    name: str
    suffix: str
    debian: str
    kernels: tuple[str, ...]
    default: str
    emulator: tuple[str, str]
    machine: tuple[str, ...]
    ports: tuple[str, ...]
    memory: str
    device: int | None
    driver: str
    compiler: tuple[str, str]
    triplet: str
    loader: str


X86 = Arch(
    name="x86",
    suffix="",
    debian="amd64",
    kernels=("5.10", "6.1", "6.12", "7.3"),
    default="6.1",
    emulator=("qemu-system-x86_64", "qemu-system-x86"),
    machine=("-cpu", "max,-rdrand,-rdseed"),
    ports=("-serial", "chardev:console", "-serial", "chardev:trace"),
    memory="memmap=128M!512M",
    device=None,
    driver="nd_e820",
    compiler=("gcc", "gcc and libc6-dev"),
    triplet="x86_64-linux-gnu",
    loader="lib64/ld-linux-x86-64.so.2",
)
# Debian's 6.1 for arm64 is built without ZONE_DEVICE, and so without FS_DAX.  The machine has one
# serial port of its own, which stays unused: a PCI card brings two.
ARM64 = Arch(
    name="arm64",
    suffix="-arm64",
    debian="arm64",
    kernels=("6.12",),
    default="6.12",
    emulator=("qemu-system-aarch64", "qemu-system-arm"),
    machine=("-machine", "virt,gic-version=3,dtb-randomness=off", "-cpu", "cortex-a57"),
    ports=("-device", "pci-serial-2x,chardev1=console,chardev2=trace"),
    memory="mem=512M",
    device=0x60000000,
    driver="of_pmem",
    compiler=("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross"),
    triplet="aarch64-linux-gnu",
    loader="lib/ld-linux-aarch64.so.1",
)
ARCHES = {arch.name: arch for arch in (X86, ARM64)}
