"""A JupyterLab on a copy of the chapters, which leaves the reader's own Jupyter settings alone."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

HOMES = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")


@dataclass(frozen=True)
class Lab:
    port: int
    token: str
    chapters: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}token={self.token}"

    def notebook(self, name: str) -> str:
        """The address that opens one notebook, and nothing left over from another test."""
        return self.url(f"lab/tree/{quote(name)}?reset&")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(lab: Lab, home: Path) -> list[str]:
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    no_news = {"checkForUpdates": False, "fetchNews": "false"}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(no_news))
    options = {
        "ServerApp.port": lab.port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": lab.chapters,
        "IdentityProvider.token": lab.token,
        "LabApp.user_settings_dir": home / "settings",
        "LabApp.workspaces_dir": home / "workspaces",
    }
    flags = ["--no-browser", "--allow-root"]  # a container's only user is often root
    flags += [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", *flags]


def wait_until_up(server: subprocess.Popen[bytes], lab: Lab) -> bool:
    end = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < end:
        try:
            urlopen(lab.url("api?"), timeout=5).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)  # asked politely, the server also ends its kernels
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def running_lab(chapters: Path, home: Path) -> Iterator[Lab]:
    lab = Lab(free_port(), secrets.token_hex(16), home / "chapters")
    shutil.copytree(chapters, lab.chapters)
    log = home / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command(lab, home),
            env=os.environ | {name: str(home / name) for name in HOMES},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert wait_until_up(server, lab), f"JupyterLab did not start:\n{log.read_text()}"
        yield lab
    finally:
        stop(server)
