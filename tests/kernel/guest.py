"""The guest: modules and program compiled, and packed into a reproducible initramfs.

The same inputs give the same bytes: files are packed in order of their names, without times,
owners or the builder's paths.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import shutil
import stat
import struct
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

from arches import X86, Arch
from packages import GUEST_PACKAGES, GUEST_SUITE, HOST, Kernel, archive, unpack

HERE = Path(__file__).parent
# In the order in which they must be loaded.  Some kernels have some of them built in.  DRIVER is
# the one that finds the memory of the device on this machine.
DRIVERS = (
    *("crc16", "mbcache", "crc32c_generic", "libcrc32c", "jbd2", "ext4"),
    *("libnvdimm", "nd_btt", "DRIVER", "nd_pmem", "configfs"),
)
OURS = ("blind", "cost", "cure")


class Build:
    """A kernel, unpacked, with what is built for it.

    kernel   which
    room     the lab's directory
    arch     the machine
    release  the kernel's own name for itself
    inputs   the packages that went in, as files
    """

    def __init__(self, kernel: Kernel, room: Path, arch: Arch = X86) -> None:
        self.kernel, self.room, self.arch = kernel, room, arch
        self.directory = room / f"{kernel.version}{arch.suffix}"
        self.archive = archive(room, kernel.suite, arch.debian)
        package = self.archive.newest(f"{kernel.image}-{arch.debian}")
        self.release = package.removeprefix("linux-image-")
        self.package_version = self.archive.version(package)
        guest = archive(room, GUEST_SUITE, arch.debian)
        # Later kernels come in parts: the image's own package has only the names of two others.
        self.kernel_inputs = [
            *self._with_needs(package, "linux-binary", "linux-modules"),
            *self._with_needs(f"linux-headers-{self.release}", "linux-headers", "linux-kbuild"),
        ]
        self.guest_inputs = [guest.get(name) for name in GUEST_PACKAGES]
        self.inputs = [*self.kernel_inputs, *self.guest_inputs]

    def _with_needs(self, package: str, *beginnings: str) -> list[Path]:
        needs = self.archive.needs(package)
        names = [package, *(name for name in needs if name.startswith(beginnings))]
        # What compiles modules runs here, whatever it compiles for.
        tools = archive(self.room, self.kernel.suite, HOST)
        return [
            (tools if name.startswith("linux-kbuild") else self.archive).get(name) for name in names
        ]

    def unpack(self) -> None:
        """Unpack everything anew."""
        shutil.rmtree(self.directory, ignore_errors=True)
        for package in self.kernel_inputs:
            unpack(package, self.directory / "kernel")
        for package in self.guest_inputs:
            unpack(package, self.directory / "guest")

    @property
    def image(self) -> Path:
        """Return the kernel that boots: taken out of its compressed image, where that can be done.

        To decompress itself takes an emulated kernel longer than all the rest of its boot.
        """
        (compressed,) = (
            found
            for name in (f"boot/vmlinuz-{self.release}", f"usr/lib/modules/{self.release}/vmlinuz")
            if (found := self.directory / "kernel" / name).exists()
        )
        plain = self.directory / "vmlinux"
        if not plain.exists():
            code = _decompressed(compressed.read_bytes())
            if code is None:
                return compressed
            plain.write_bytes(code)
        return plain

    def compile(self) -> dict[str, str]:
        """Compile program and modules; return {module that this kernel cannot take: why}."""
        compile_program(self.directory / "guplab", self.arch)
        sources = self.directory / "modules"
        shutil.rmtree(sources, ignore_errors=True)
        shutil.copytree(HERE / "modules", sources)
        headers = self.directory / f"kernel/usr/src/linux-headers-{self.release}"
        return compile_modules(headers, sources, arch=self.arch)

    def pack(self) -> Path:
        """Pack the guest's initramfs and return its file."""
        files = {f"bin/{name}": self._guest_file(f"bin/{name}") for name in ("busybox",)}
        files["sbin/mkfs.ext4"] = self._guest_file("sbin/mke2fs")
        libraries = f"guest/**/{self.arch.triplet}"
        for library in ("ext2fs", "com_err", "blkid", "uuid", "e2p", "c"):
            (found,) = self.directory.glob(f"{libraries}/lib{library}.so.[0-9]")
            files[f"lib/{self.arch.triplet}/{found.name}"] = found.read_bytes()
        (loader,) = self.directory.glob(f"{libraries}/{Path(self.arch.loader).name}")
        files[self.arch.loader] = loader.read_bytes()
        files["bin/guplab"] = (self.directory / "guplab").read_bytes()
        files["init"] = (HERE / "guest/init").read_bytes()
        files["functions"] = (HERE / "guest/functions").read_bytes()
        order = [self.arch.driver if name == "DRIVER" else name for name in DRIVERS]
        drivers = {name: self._driver(name) for name in (*order, "null_blk")}
        there = [name for name in order if drivers[name]]
        files["modules/order"] = "\n".join(there).encode()
        files |= {f"modules/{name}.ko": code for name, code in drivers.items() if code}
        for module in OURS:
            built = self.directory / f"modules/{module}.ko"
            if built.exists():
                files[f"modules/{module}.ko"] = built.read_bytes()
        target = self.directory / "initramfs.gz"
        target.write_bytes(gzip.compress(cpio(files), compresslevel=1, mtime=0))
        return target

    def _guest_file(self, name: str) -> bytes:
        found = self.directory / "guest" / name
        return (found if found.exists() else self.directory / "guest/usr" / name).read_bytes()

    def _driver(self, name: str) -> bytes:
        spelled = name.replace("_", "[-_]")
        for found in self.directory.glob(f"kernel/**/modules/{self.release}/**/{spelled}.ko*"):
            code = found.read_bytes()
            return lzma.decompress(code) if found.suffix == ".xz" else code
        return b""


def _decompressed(image: bytes) -> bytes | None:
    """Return the ELF file inside a bzImage; None if it is none, or compressed in another way."""
    if image[0x202:0x206] != b"HdrS":
        return None
    setup_sectors = image[0x1F1]  # these three: Documentation/arch/x86/boot.rst
    offset, length = struct.unpack_from("<II", image, 0x248)
    payload = image[(setup_sectors + 1) * 512 + offset :][:length]
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31).decompress(payload)
    return None


def compile_program(target: Path, arch: Arch = X86) -> None:
    """Compile the guest's program, without a trace of where it was compiled."""
    subprocess.run(
        [
            *(
                arch.compiler[0],
                "-O2",
                "-static",
                "-Wall",
                "-Werror",
                f"-ffile-prefix-map={HERE}=.",
            ),
            *("-Wl,--build-id=none", f"-I{HERE / 'modules'}", "-o", target),
            HERE / "guest/guplab.c",
        ],
        check=True,
    )


def compile_modules(
    headers: Path, sources: Path, names: Sequence[str] = OURS, arch: Arch = X86
) -> dict[str, str]:
    """Compile modules of ours for a kernel; return {module that it cannot take: why}."""
    makefile = headers / "Makefile"
    source = headers.parent.resolve()
    # The headers expect to be installed; they serve as well where they were unpacked.
    text = re.sub(r"^(.*[ =])/usr/src/", rf"\1{source}/", makefile.read_text(), flags=re.M)
    makefile.write_text(text)
    reasons = {}
    for name in names:
        (sources / "Kbuild").write_text(f"obj-m := {name}.o\n")
        done = subprocess.run(
            [
                *("make", "-s", "-C", headers, f"M={sources.resolve()}", "modules"),
                f"CC={arch.compiler[0]}",
                "CONFIG_DEBUG_INFO_BTF_MODULES=",  # nobody reads it, and it needs one more tool
                # Without what debuggers want, and without the names of our directories.
                f"KCFLAGS=-g0 -ffile-prefix-map={sources.resolve()}=. -ffile-prefix-map={source}=.",
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "MAKEFLAGS": "", "MAKELEVEL": ""},
        )
        if done.returncode:
            lines = done.stderr.splitlines() or ["make failed"]
            errors = [line for line in lines if "rror" in line or "not found" in line]
            reasons[name] = (
                (errors or lines)[0].replace(f"{sources.resolve()}/", "").replace(f"{source}/", "")
            )
            (sources / f"{name}.ko").unlink(missing_ok=True)
    return reasons


def cpio(files: dict[str, bytes]) -> bytes:
    """Return an initramfs archive (cpio, newc) of files, with the directories they need."""
    directories = {"dev", "mnt", "proc", "sys", "tmp"}
    for name in files:
        directories |= {str(parent) for parent in Path(name).parents} - {"."}
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in directories]
    entries += [(name, stat.S_IFREG | 0o755, code) for name, code in files.items()]
    entries += [("bin/sh", stat.S_IFLNK | 0o777, b"busybox")]
    packed = b"".join(
        _cpio_entry(number, *entry) for number, entry in enumerate(sorted(entries), start=1)
    )
    return packed + _cpio_entry(0, "TRAILER!!!", 0, b"")


def _cpio_entry(inode: int, name: str, mode: int, data: bytes) -> bytes:
    title = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(title), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + title
    return _to_four(header) + _to_four(data)


def _to_four(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
