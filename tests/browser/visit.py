"""A page in the browser, and a record of every complaint."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, WebSocket


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
        self.page.on("pageerror", self._error)
        self.page.on("request", self._request)
        self.page.on("websocket", self._request)

    def leave(self) -> None:
        """Listen no more: the page may be another visitor's next."""
        self.page.remove_listener("console", self._console)
        self.page.remove_listener("pageerror", self._error)
        self.page.remove_listener("request", self._request)
        self.page.remove_listener("websocket", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url')})")

    def _error(self, error: Error) -> None:
        self.errors.append(str(error))

    def _request(self, request: Request | WebSocket) -> None:
        if is_outside(request.url):
            self.outside.append(request.url)

    def assert_quiet(self) -> None:
        assert self.errors == [], self.errors
        assert self.outside == [], self.outside
