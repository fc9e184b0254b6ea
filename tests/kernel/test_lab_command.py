"""The kernel lab from outside: bad requests, a missing tool, and a run that is stopped."""

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import ablation
import emulator
import packages
import pytest
from outside import ran

LAB = Path(__file__).with_name("lab.py")
lab = partial(ran, LAB)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kernel", "2.4"), "There is no kernel 2.4: choose 5.10, 6.1"),
        (("--kernel", "6.1,2.4"), "There is no kernel 2.4: choose"),
        (("hold", "holds"), "There is no scenario holds: choose direct-io, hold"),
        (("--fast",), "unrecognized arguments: --fast"),
        (("--keep", "hold"), "with KEEP, name none"),
    ],
)
def test_bad_requests_get_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = lab(*arguments)
    assert done.returncode == 64
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_tool_is_named_with_its_package(tmp_path: Path) -> None:
    done = lab("hold", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "The lab needs apt-get: install apt, on Debian or Ubuntu.\n"


def test_a_bad_request_of_the_ablation_gets_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, LAB.with_name("ablation.py"), "--kernel", "6.1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 64
    assert done.stderr == "make kernel-ablation takes KEEP=1 and nothing else.\n"


def test_a_source_that_is_not_as_expected_is_left_alone() -> None:
    whole = "".join(old for old, _ in ablation.CHANGES)
    assert ablation.changed(whole).count("static_branch_unlikely") == 4
    with pytest.raises(ValueError, match=r"mm/gup\.c has .struct follow_page_context .. 2 times"):
        ablation.changed(whole + ablation.CHANGES[0][0])


def test_half_a_package_is_not_kept(tmp_path: Path) -> None:
    class Broken(packages.Archive):
        def _update(self) -> None:
            pass

        def _apt(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
            if "download" in command:
                assert cwd is not None
                (cwd / "a_1_all.deb").write_text("half")
            said = "Version: 1" if "show" in command else ""
            return subprocess.CompletedProcess(command, int("download" in command), said, "broken")

    archive = Broken(tmp_path, "bookworm")
    with pytest.raises(packages.Unavailable, match="a cannot be downloaded: broken"):
        archive.get("a")
    assert not list(tmp_path.rglob("*.deb"))


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_program_is_gone_when_its_run_is_over() -> None:
    with pytest.raises(KeyboardInterrupt), emulator._started(["sleep", "60"]) as program:
        raise KeyboardInterrupt
    assert program.returncode == -signal.SIGKILL


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_ctrl_c_on_a_terminal_does_not_reach_a_program() -> None:
    with emulator._started(["sleep", "60"]) as program:
        assert os.getpgid(program.pid) != os.getpgrp()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_a_program_is_gone_when_the_lab_is_killed_outright() -> None:
    code = (
        "import emulator, pathlib\n"
        "with emulator._started(['sleep', '60']) as program:\n"
        "    name = pathlib.Path(f'/proc/{program.pid}/comm')\n"
        "    while name.read_text() != 'sleep\\n':  # until then setpriv has work to do\n"
        "        pass\n"
        "    print(program.pid, flush=True)\n"
        "    program.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=LAB.parent
    ) as outer:
        assert outer.stdout is not None
        inner = int(outer.stdout.readline())
        outer.kill()
    deadline = time.monotonic() + 30
    while running(inner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(inner)


def running(number: int) -> bool:
    """Is there such a process, and is it more than an entry that nobody has collected?"""
    try:
        return Path(f"/proc/{number}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False
