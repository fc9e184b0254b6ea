"""Debian's packages for the lab: found, downloaded and unpacked, never installed.

apt does the finding, with a configuration of its own below the lab's directory: it needs no root,
leaves the machine's lists alone, and can ask for releases that the machine does not follow.
Where the packages come from is taken from the machine's own apt configuration.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class Unavailable(Exception):
    """What is asked for cannot be had here, and why."""


@dataclass(frozen=True)
class Kernel:
    """A stock kernel.

    version  its series
    suite    Debian's release that has it
    part     the part of the archive: "" is the release itself, "-security", "-backports"
    image    what its package is called, but for the machine, as a regular expression
    devmap   does a PTE of this kernel have a devmap bit?
    """

    version: str
    suite: str
    part: str
    image: str
    devmap: bool = True


KERNELS = {
    kernel.version: kernel
    for kernel in (
        Kernel("5.10", "bullseye", "-security", r"linux-image-5\.10\.0-\d+"),
        Kernel("6.1", "bookworm", "-security", r"linux-image-6\.1\.0-\d+"),
        Kernel("6.12", "bookworm", "-security", r"linux-image-6\.12\.\d+\+deb12"),
        Kernel("7.3", "trixie", "-backports", r"linux-image-7\.3\.\d+\+deb13", devmap=False),
    )
}
HOST = "amd64"  # for which the tools are that build modules
# A shell and mkfs for the guest, with the libraries of the latter; the same for all kernels.
GUEST_SUITE = "bookworm"
GUEST_PACKAGES = (
    *("busybox-static", "e2fsprogs", "libext2fs2", "libcom-err2"),
    *("libblkid1", "libuuid1", "libc6"),
)


@cache
def mirror() -> dict[str, str]:
    """Return {part of the archive: its address}, as this machine's apt knows them."""
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(ORIGIN)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, str] = {}
    for line in targets.splitlines():
        site, release, *origin = line.split()
        if origin == ["Debian"] or "debian" in site:
            found["-security" if release.endswith("-security") else ""] = site
    if "" not in found:
        raise Unavailable("this machine's apt knows no Debian archive")
    found.setdefault("-security", found[""].removesuffix("/") + "-security")
    found["-backports"] = found[""]
    return found


class Archive:
    """One release of Debian, as a private apt sees it.

    room     a directory for apt's own state; packages are kept in its neighbour `packages`
    suite    the release
    machine  whose packages, in Debian's word
    """

    def __init__(self, room: Path, suite: str, machine: str = HOST) -> None:
        self.suite, self.machine = suite, machine
        self.room = room / (f"apt-{suite}" if machine == HOST else f"apt-{suite}-{machine}")
        self.kept = room / "packages"
        for directory in (
            self.room / "lists/partial",
            self.room / "cache/archives/partial",
            self.kept,
        ):
            directory.mkdir(parents=True, exist_ok=True)
        (self.room / "status").touch()
        self._update()

    def _update(self) -> None:
        sources = self.room / "sources.list"
        keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
        signed = f"[arch={self.machine} signed-by={keys}]"
        sources.write_text(
            "".join(
                f"deb {signed} {mirror()[part]} {self.suite}{part} main\n"
                for part in ("", "-security", "-backports")
                if part != "-backports" or self.suite == "trixie"
            )
        )
        done = self._apt("apt-get", "update", "-qq", "--error-on=any")
        # What was fetched once goes on serving where there is no network.
        if done.returncode and not any(self.room.glob("lists/*Packages*")):
            reason = (done.stderr.strip().splitlines() or ["apt-get update failed"])[0]
            raise Unavailable(f"{self.suite} cannot be fetched: {_without_hosts(reason)}")

    def _apt(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        options = {
            "Dir::Etc::sourcelist": self.room / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State": self.room,
            "Dir::State::lists": self.room / "lists",
            "Dir::State::status": self.room / "status",
            "Dir::Cache": self.room / "cache",
            "APT::Architecture": self.machine,
            "APT::Architectures": self.machine,
            "APT::Sandbox::User": "",
        }
        given = [f"-o{name}={value}" for name, value in options.items()]
        tool, *arguments = command
        return subprocess.run(
            [tool, *given, *arguments], capture_output=True, text=True, cwd=cwd, check=False
        )

    def newest(self, pattern: str) -> str:
        """Return the package whose whole name matches and whose numbers are highest."""
        names = self._apt("apt-cache", "pkgnames", "linux-image-").stdout.split()
        fitting = [name for name in names if re.fullmatch(pattern, name)]
        if not fitting:
            raise Unavailable(f"{self.suite} has no package like {pattern.replace(chr(92), '')}")
        return max(fitting, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])

    def needs(self, package: str) -> list[str]:
        """Return the packages that a package depends on directly."""
        said = self._apt("apt-cache", "depends", package).stdout
        return re.findall(r"^ *Depends: ([^<\s]+)", said, re.M)

    def version(self, package: str) -> str:
        """Return the version of a package that would be downloaded."""
        said = self._apt("apt-cache", "show", "--no-all-versions", package).stdout
        versions: list[str] = re.findall(r"^Version: (.*)$", said, re.M)
        if not versions:
            raise Unavailable(f"{self.suite} has no package {package}")
        return versions[0]

    def get(self, package: str) -> Path:
        """Return the file of a package, downloaded unless it is there; apt checks its signature."""
        version = self.version(package)
        begins = f"{package}_{version.replace(':', '%3a')}"
        places = [self.kept / f"{begins}_{machine}.deb" for machine in (self.machine, "all")]
        if not any(place.exists() for place in places):
            # Aside, and only then to its place: half a package must not be taken for a whole one.
            with tempfile.TemporaryDirectory(prefix="run-", dir=self.room) as aside:
                done = self._apt("apt-get", "download", "-qq", package, cwd=Path(aside))
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["apt-get download failed"])[-1]
                    raise Unavailable(f"{package} cannot be downloaded: {_without_hosts(reason)}")
                for place in places:
                    if (file := Path(aside, place.name)).exists():
                        file.replace(place)
        return next(place for place in places if place.exists())


@cache
def archive(room: Path, suite: str, machine: str = HOST) -> Archive:
    """Return a release's archive for a machine; it is brought up to date once."""
    return Archive(room, suite, machine)


def unpack(package: Path, into: Path) -> None:
    """Unpack a package's files below a directory."""
    into.mkdir(parents=True, exist_ok=True)
    subprocess.run(["dpkg-deb", "--extract", package, into], check=True)


def sha256(path: Path) -> str:
    """Return the digest of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _without_hosts(text: str) -> str:
    return re.sub(r"https?://[^/\s]+", "the mirror", text)
