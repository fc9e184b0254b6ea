"""Binder: what it reads installs the lock, the whole lock, and the package."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
BINDER = ROOT / ".binder"


def test_it_installs_what_is_locked_and_nothing_else() -> None:
    checked, lock = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert checked == "--require-hashes"
    option, path = lock.split()
    assert (option, (BINDER / path).resolve()) == ("-r", ROOT / "requirements.lock")


def test_its_python_is_the_one_that_the_lock_begins_with() -> None:
    (oldest,) = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text())
    assert (BINDER / "runtime.txt").read_text().strip() == f"python-{oldest}"


def test_then_it_installs_the_package(tmp_path: Path) -> None:
    """Without a network, in an environment that has all packages but this one."""
    venv.create(tmp_path, symlinks=True)
    library = Path(sysconfig.get_path("purelib"))
    own = tmp_path / library.relative_to(sys.prefix)
    for entry in library.iterdir():
        if "gupcore" not in entry.name:
            (own / entry.name).symlink_to(entry)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env |= {"PATH": f"{tmp_path}/bin:{env['PATH']}", "PIP_NO_INDEX": "1"}
    subprocess.run([BINDER / "postBuild"], cwd=ROOT, env=env, check=True)
    says = "import gupcore; print(gupcore.check(gupcore.race('cure')).status)"
    done = subprocess.run(
        [tmp_path / "bin" / "python", "-P", "-c", says],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "holds\n"
