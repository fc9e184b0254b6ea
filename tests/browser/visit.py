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
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on("websocket", lambda socket: self._request(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _request(self, url: str) -> None:
        if is_outside(url):
            self.outside.append(url)

    def assert_quiet(self) -> None:
        assert self.errors == []
        assert self.outside == []
