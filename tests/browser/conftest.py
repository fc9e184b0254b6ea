"""A browser that sees the book as a reader without a network does."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from server import HOSTS, Server, running_server
from visit import Visit

ROOT = Path(__file__).parents[2]
NO_BROWSER = "Chromium was not found"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no request leaves this machine
]


def find_chromium() -> str | None:
    """CHROMIUM, where it is set, is the only place to look: so its absence can be tried out."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, names)), None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(NO_BROWSER in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.write_line(
            f"{count} browser tests did not run: install Chromium (Debian: apt install chromium)."
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Without Chromium a reader's run goes on; a run in CI fails."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER, pytrace=False)
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Desk:
    """A page that the tests use one after another.

    A page in a context of its own costs Chromium a new process and the theme's scripts compiled
    anew: three times the work of a page of the book loaded into one that has shown it before.
    """

    def __init__(self, browser: Browser) -> None:
        self.page = browser.new_page()
        self.session = self.page.context.new_cdp_session(self.page)
        self.used = False

    def clear(self) -> None:
        """Leave, and forget what was kept and granted, so that the next test finds it as if new."""
        origin = "file://" if self.page.url.startswith("file:") else urljoin(self.page.url, "/")
        self.page.goto("about:blank")
        self.page.emulate_media(reduced_motion="null", forced_colors="null", media="null")
        self.page.context.clear_permissions()
        self.session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self.used = False


@pytest.fixture(scope="session")
def desk(browser: Browser) -> Desk:
    return Desk(browser)


@pytest.fixture
def page_at(browser: Browser, desk: Desk) -> Iterator[Callable[..., Visit]]:
    """`page_at(390, "dark")` is an empty page of that width, with nothing in its storage.

    `own`: in a context of its own, for what cannot be undone, like another clock.
    """
    contexts = []
    visits = []

    def open_page(
        width: int = 1280,
        color_scheme: Literal["light", "dark"] = "light",
        javascript: bool = True,
        own: bool = False,
    ) -> Visit:
        viewport = ViewportSize(width=width, height=800)
        if own or desk.used or not javascript:
            context = browser.new_context(
                viewport=viewport, color_scheme=color_scheme, java_script_enabled=javascript
            )
            contexts.append(context)
            page = context.new_page()
        else:
            desk.used = True
            page = desk.page
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=color_scheme)
        visits.append(Visit(page))
        return visits[-1]

    yield open_page
    for visit in visits:
        visit.leave()
    for context in contexts:
        context.close()
    if desk.used:
        desk.clear()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """A test's output is for what failed."""


@pytest.fixture(scope="session")
def book() -> Path:
    """The folder of built pages."""
    pages = ROOT / "_build" / "html"
    if not (pages / "index.html").exists():
        pytest.fail("There are no built pages to test: run `make book` first.", pytrace=False)
    return pages


@pytest.fixture(scope="session")
def book_over_http(book: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=book))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["http", "file"])
def book_url(request: pytest.FixtureRequest, book: Path) -> str:
    """The book's address, from a server and from disk: `book_url + "chapters/…html"`."""
    if request.param == "file":
        return f"{book.as_uri()}/"
    return str(request.getfixturevalue("book_over_http"))


@pytest.fixture(scope="session", params=HOSTS)
def jupyter(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """JupyterLab, then Notebook: `page.goto(jupyter.notebook("07_the_race.ipynb"))`."""
    home = tmp_path_factory.mktemp(request.param)
    with running_server(request.param, ROOT / "chapters", home) as server:
        yield server
