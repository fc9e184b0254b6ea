"""What differs between the machines of the lab, without starting one."""

import gzip
import shutil
import struct
import subprocess
from functools import partial
from pathlib import Path

import devicetree
import emulator
import guest
import packages
import pytest
from arches import ARCHES, ARM64, DEVICE_BYTES, X86, Arch
from outside import ran

LAB = Path(__file__).with_name("lab.py")
lab = partial(ran, LAB)
BEGIN, END_OF_NODE, PROPERTY, END = (struct.pack(">I", word) for word in (1, 2, 3, 9))


def tree(nodes: bytes, names: bytes, reserved: bytes = bytes(16), magic: int = 0xD00DFEED) -> bytes:
    """Lay a tree out with its names first, as nobody forbids."""
    at = (40, 40 + len(reserved), 40 + len(reserved) + len(names))
    whole = at[2] + len(nodes)
    sizes = (17, 16, 0, len(names), len(nodes))
    return struct.pack(">10I", magic, whole, at[2], at[1], at[0], *sizes) + reserved + names + nodes


EMPTY = BEGIN + bytes(4) + END_OF_NODE + END


def test_a_node_is_put_last_below_the_root() -> None:
    cells = PROPERTY + struct.pack(">3I", 4, 0, 2)
    before = BEGIN + bytes(4) + cells + END_OF_NODE + END
    made = devicetree.with_node(tree(before, b"#size-cells\0"), "a@1", {"b": b"xyz", "c": b""})
    magic, whole, nodes_at, names_at, reserved_at, *_, names_size, nodes_size = struct.unpack_from(
        ">10I", made
    )
    assert (magic, whole, reserved_at) == (0xD00DFEED, len(made), 40)
    names = made[names_at : names_at + names_size]
    assert names == b"#size-cells\0b\0c\0"
    node = BEGIN + b"a@1\0" + PROPERTY + struct.pack(">2I", 3, 12) + b"xyz\0"
    node += PROPERTY + struct.pack(">2I", 0, 14) + END_OF_NODE
    expected = BEGIN + bytes(4) + cells + node + END_OF_NODE + END
    assert made[nodes_at : nodes_at + nodes_size] == expected


@pytest.mark.parametrize(
    "other",
    [
        tree(EMPTY, b"", magic=1),
        tree(EMPTY, b"", reserved=bytes(15) + b"\1" + bytes(16)),
        tree(EMPTY.removesuffix(END), b""),
    ],
    ids=["another form", "it reserves memory", "no end"],
)
def test_a_tree_that_is_not_as_expected_is_refused(other: bytes) -> None:
    with pytest.raises(ValueError, match="no device tree, or one that reserves memory"):
        devicetree.with_node(other, "a", {})


def test_the_devices_memory_is_a_section_of_its_own() -> None:
    assert ARM64.device is not None
    name, properties = devicetree.pmem(ARM64.device, DEVICE_BYTES)
    assert name == "pmem@60000000"
    assert struct.unpack(">4I", properties["reg"]) == (0, ARM64.device, 0, DEVICE_BYTES)
    assert ARM64.device % DEVICE_BYTES == 0
    # Memory of `virt` begins at 1 GiB: the kernel gets what lies below the device.
    assert f"mem={(ARM64.device - (1 << 30)) >> 20}M" == ARM64.memory


@pytest.mark.skipif(shutil.which(ARM64.emulator[0]) is None, reason="no emulator for arm64")
def test_the_machine_takes_a_tree_with_the_device_in_it(tmp_path: Path) -> None:
    assert ARM64.device is not None
    target = tmp_path / "a,b"
    command = [ARM64.emulator[0], *ARM64.machine, "-nodefaults", "-display", "none"]
    made = emulator._tree(command, ARM64.device, target).read_bytes()
    assert b"pmem-region\0" in made
    assert emulator._tree(command, ARM64.device, target).read_bytes() == made  # no seed in it


def test_every_machine_runs_kernels_that_there_are() -> None:
    for arch in ARCHES.values():
        assert arch.default in arch.kernels
        assert set(arch.kernels) <= set(packages.KERNELS)
    assert len({arch.suffix for arch in ARCHES.values()}) == len(ARCHES)


@pytest.mark.parametrize("arch", ARCHES.values(), ids=ARCHES)
def test_packages_of_another_machine_are_not_taken(
    arch: Arch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(packages.Archive):
        def _update(self) -> None:
            pass

        def _apt(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
            if "download" in command:
                assert cwd is not None
                (cwd / f"a_1%3a2_{self.machine}.deb").touch()
            return subprocess.CompletedProcess(command, 0, "Version: 1:2", "")

    archives = {each: Full(tmp_path, "bookworm", each.debian) for each in ARCHES.values()}
    assert len({archive.room for archive in archives.values()}) == len(ARCHES)
    others = [archive.get("a") for each, archive in archives.items() if each is not arch]
    mine = archives[arch].get("a")
    assert mine.name == f"a_1%3a2_{arch.debian}.deb"
    assert mine not in others


def test_an_image_that_is_no_bzimage_is_booted_as_it_is() -> None:
    code = gzip.compress(b"the kernel")
    image = bytearray(512) + bytes(512) + code
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<2I", image, 0x248, 512, len(code))  # counted from the second sector on
    assert guest._decompressed(bytes(image)) == b"the kernel"
    image[0x202:0x206] = bytes(4)
    assert guest._decompressed(bytes(image)) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--arch", "vax"), "There is no machine vax: choose x86, arm64.\n"),
        (("--arch", "arm64", "--kernel", "6.1"), "There is no kernel 6.1: choose 6.12.\n"),
    ],
)
def test_bad_requests_get_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = lab(*arguments)
    assert (done.returncode, done.stderr) == (64, said)


def test_what_a_machine_needs_is_named_with_its_package(tmp_path: Path) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        (tmp_path / tool).touch(mode=0o755)
    done = lab("--arch", ARM64.name, "hold", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "The lab needs aarch64-linux-gnu-gcc: "
        "install gcc-aarch64-linux-gnu and libc6-dev-arm64-cross.\n"
    )
    assert X86.compiler[0] != ARM64.compiler[0]
