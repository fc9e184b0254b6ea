"""A script of the lab, asked as from a shell."""

import os
import subprocess
import sys
from pathlib import Path


def ran(script: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script to its end, with some variables of the environment set otherwise."""
    return subprocess.run(
        [sys.executable, script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
