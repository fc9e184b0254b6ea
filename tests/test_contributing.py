"""What CONTRIBUTING.md tells a contributor to type does what it says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_a_diff_of_a_notebook_reads_as_text(tmp_path: Path) -> None:
    (driver,) = re.findall(r'^git config diff\.notebook\.textconv "(.+)"$', GUIDE, re.MULTILINE)
    driver = driver.replace(".venv/bin/python", sys.executable)

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(words: str) -> None:
        board = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "[0]" * 999}}
        code = {"cell_type": "code", "execution_count": None, "outputs": [board]}
        cells = [
            {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"{words} words."},
            {**code, "id": "b", "metadata": {}, "source": "print(1)"},
        ]
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (tmp_path / "a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")

    git("init", "--quiet")
    git("config", "diff.notebook.textconv", driver)
    shutil.copy(ROOT / ".gitattributes", tmp_path)
    write("Old")
    git("add", ".")
    write("New")
    changed = git("diff")
    assert [line for line in changed.splitlines() if re.match(r"[+-]\w", line)] == [
        "-Old words.",
        "+New words.",
    ]
    assert "[0]" not in changed
