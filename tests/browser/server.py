"""JupyterLab or Notebook on a copy of the chapters; the reader's own settings are left alone."""

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

HOMES = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)
# One server could serve both, but Notebook would inherit the path that JupyterLab last opened.
HOSTS = {"jupyterlab": "lab/tree", "notebook": "notebooks"}


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    token: str
    chapters: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}token={self.token}"

    def notebook(self, name: str) -> str:
        """The address that opens one notebook, and nothing left over from another test."""
        return self.url(f"{HOSTS[self.host]}/{quote(name)}?reset&")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(server: Server, home: Path) -> list[str]:
    settings = home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    no_news = {"checkForUpdates": False, "fetchNews": "false"}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(no_news))
    options = {
        "ServerApp.port": server.port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": server.chapters,
        "IdentityProvider.token": server.token,
    }
    flags = ["--no-browser", "--allow-root"]  # a container's only user is often root
    flags += [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", server.host, *flags]


def wait_until_up(process: subprocess.Popen[bytes], server: Server) -> bool:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        try:
            urlopen(server.url("api?"), timeout=5).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)  # asked politely, the server also ends its kernels
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def running_server(host: str, chapters: Path, home: Path) -> Iterator[Server]:
    server = Server(host, free_port(), secrets.token_hex(16), home / "chapters")
    shutil.copytree(chapters, server.chapters)
    log = home / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(server, home),
            env=os.environ | {name: str(home / name) for name in HOMES},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        assert wait_until_up(process, server), f"{host} did not start:\n{log.read_text()}"
        yield server
    finally:
        stop(process)
