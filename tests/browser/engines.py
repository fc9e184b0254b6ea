"""Firefox, and WebKitGTK as the engine of Safari: each driven by what it speaks itself.

Playwright drives builds of its own of these two, which no distribution has.  Debian's Firefox
speaks WebDriver BiDi, and Debian's WebKit has a driver that speaks WebDriver; all that is needed of
either is to open a page, to ask it something, and to press keys and buttons.
"""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.request import Request, urlopen

import websocket
from server import free_port

NOWHERE = 9  # the port of a proxy that is not there: what is outside of this machine is refused
PREFERENCES = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": NOWHERE,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": NOWHERE,
    "ui.systemUsesDarkTheme": 1,
}
MINI_BROWSER = Path("/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser")
WEBKIT_IN_A_CONTAINER = {
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
    "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
    "LIBGL_ALWAYS_SOFTWARE": "1",
}

Actions = list[dict[str, Any]]


class Engine(Protocol):
    """A window with one page."""

    def go(self, url: str) -> None:
        """Open a page."""

    def ask(self, script: str) -> Any:
        """Return the value of an expression in the page."""

    def act(self, actions: Actions) -> None:
        """Do what a hand does, see the WebDriver standard."""


def press(engine: Engine, selector: str) -> None:
    """Press the first element of the page that a selector finds, with the mouse."""
    x, y = engine.ask(
        f"""(() => {{
          const element = document.querySelector({json.dumps(selector)});
          element.scrollIntoView({{ block: "center", behavior: "instant" }});
          const {{ x, y, width, height }} = element.getBoundingClientRect();
          return JSON.stringify([Math.round(x + width / 2), Math.round(y + height / 2)]);
        }})()"""
    )
    moves = [
        {"type": "pointerMove", "x": x, "y": y},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    engine.act([{"type": "pointer", "id": "mouse", "actions": moves}])


CONTROL, ENTER = "\ue009", "\ue007"


def keys(engine: Engine, text: str, with_control: bool = False) -> None:
    """Type a text, or one key while Control is held."""
    strokes = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
    if with_control:
        strokes = [
            {"type": "keyDown", "value": CONTROL},
            *strokes,
            {"type": "keyUp", "value": CONTROL},
        ]
    engine.act([{"type": "key", "id": "keyboard", "actions": strokes}])


def wait_for(engine: Engine, script: str, seconds: float = 120) -> None:
    """Wait until an expression in the page is true."""
    end = time.monotonic() + seconds
    while not engine.ask(f"JSON.stringify(Boolean({script}))"):
        assert time.monotonic() < end, f"never so: {script}"
        time.sleep(0.1)


@contextmanager
def firefox(path: str, profile: Path) -> Iterator[Engine]:
    """A Firefox without a window."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
    command = [path, "--headless", "--no-remote", "--profile", str(profile)]
    log = profile / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"], stderr=output, start_new_session=True
        )
    try:
        end, address = time.monotonic() + 60, None
        while address is None:
            assert time.monotonic() < end, f"Firefox did not start:\n{log.read_text()}"
            time.sleep(0.1)
            address = re.search(r"BiDi listening on (ws://\S+)", log.read_text())
        started = Firefox(f"{address[1]}/session")
        yield started
        started.socket.close()
    finally:
        stop(process)


class Firefox:
    """Firefox, by WebDriver BiDi."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=120, suppress_origin=True)
        self.asked = 0
        self._command("session.new", capabilities={})
        (context,) = self._command("browsingContext.getTree")["contexts"]
        self.context = context["context"]

    def _command(self, method: str, **given: Any) -> Any:
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": given}))
        while (answer := json.loads(self.socket.recv())).get("id") != self.asked:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def go(self, url: str) -> None:
        self._command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def ask(self, script: str) -> Any:
        found = self._command(
            "script.evaluate",
            expression=script,
            target={"context": self.context},
            awaitPromise=True,
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def act(self, actions: Actions) -> None:
        self._command("input.performActions", context=self.context, actions=actions)


@contextmanager
def webkit(home: Path) -> Iterator[Engine]:
    """The small browser that comes with WebKitGTK, on a display that nobody sees."""
    port = free_port()
    command = ["WebKitWebDriver", f"--port={port}", "--host=127.0.0.1"]
    screen = ["dbus-run-session", "--", "xvfb-run", "-a", "-s", "-screen 0 1400x1100x24"]
    folders = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    with (home / "log").open("wb") as output:
        process = subprocess.Popen(
            [*screen, *command],
            env=os.environ | WEBKIT_IN_A_CONTAINER | folders,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield WebKit(f"http://127.0.0.1:{port}")
    finally:
        stop(process)


class WebKit:
    """WebKit, by WebDriver."""

    def __init__(self, address: str) -> None:
        self.address = address
        end = time.monotonic() + 60
        while not self._is_up():
            assert time.monotonic() < end, "WebKitWebDriver did not start."
            time.sleep(0.1)
        proxy = [f"--proxy=http://127.0.0.1:{NOWHERE}", "--ignore-host=127.0.0.1"]
        options = {"binary": str(MINI_BROWSER), "args": ["--automation", *proxy]}
        wanted = {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}
        made = self._command("session", capabilities={"alwaysMatch": wanted})
        self.address += f"/session/{made['sessionId']}"

    def _is_up(self) -> bool:
        try:
            urlopen(f"{self.address}/status", timeout=5).close()
        except OSError:
            return False
        return True

    def _command(self, what: str, **given: Any) -> Any:
        body = json.dumps(given).encode()
        with urlopen(Request(f"{self.address}/{what}", data=body), timeout=120) as answer:
            return json.load(answer)["value"]

    def go(self, url: str) -> None:
        self._command("url", url=url)

    def ask(self, script: str) -> Any:
        return json.loads(self._command("execute/sync", script=f"return {script}", args=[]))

    def act(self, actions: Actions) -> None:
        self._command("actions", actions=actions)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a browser and all that it has started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
