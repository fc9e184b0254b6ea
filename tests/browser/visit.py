"""A page in the browser, and a record of every complaint."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page


def is_outside(url: str) -> bool:
    """Everything that a reader without a network would miss."""
    parts = urlsplit(url)
    return parts.scheme not in ("file", "data", "blob", "about") and parts.hostname != "127.0.0.1"


@dataclass
class Visit:
    """`errors` are the page's own and the console's; `outside` are requests to anywhere else."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listeners = {
            "console": self._console,
            "pageerror": lambda error: self.errors.append(str(error)),
            "request": lambda request: self._request(request.url),
            "websocket": lambda socket: self._request(socket.url),
        }
        for event, listener in self._listeners.items():
            self.page.on(event, listener)

    def leave(self) -> None:
        """Listen no more: the page may be another visitor's next."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _request(self, url: str) -> None:
        if is_outside(url):
            self.outside.append(url)

    def assert_quiet(self) -> None:
        assert self.errors == []
        assert self.outside == []
