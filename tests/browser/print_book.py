"""Print the built book as one PDF: every page as paper shows it, in order, with bookmarks.

A link from one page of the book to another leads inside the PDF.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from conftest import FLAGS, find_chromium
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, NameObject, NullObject

HTML = Path(__file__).parents[2] / "_build" / "html"
FIRST = "book/intro.html"
LEFT_OUT = "/book/api.html"  # half as long as all the rest, and the package has its text
TITLE = "Who Holds the Page?"
MARGIN = dict.fromkeys(
    ("top", "right", "bottom", "left"), "10mm"
)  # test_downloads tries this width
# On paper nothing can be unfolded; a player has a printed form of its own.
UNFOLD = """
() => document
  .querySelectorAll(".bd-article details:not(.gup *)")
  .forEach((fold) => (fold.open = true))
"""


def printed(browser: Browser, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Print each page of the book, in its order, and yield its address, its title and its PDF."""
    page = browser.new_page(color_scheme="light", reduced_motion="reduce")
    url, number = (HTML / FIRST).as_uri(), 0
    while url:
        page.goto(url)
        onward = page.locator("a.right-next")
        after = onward.evaluate("link => link.href") if onward.count() else ""
        if url.endswith(LEFT_OUT):
            url = after
            continue
        page.emulate_media(media="print")
        page.wait_for_function("matchMedia('print').matches")
        page.evaluate(UNFOLD)
        file = folder / f"{number}.pdf"
        page.pdf(path=file, format="A4", margin=MARGIN, outline=True, tagged=True)  # type: ignore[arg-type]
        yield url, page.title().removesuffix(f" — {TITLE}"), file
        url, number = after, number + 1


def lead_inside(book: PdfWriter, begins: dict[str, int]) -> None:
    """Let each link to a page of the book lead to where that begins in the PDF.

    book    the PDF
    begins  the number of the page at which each address begins
    """
    for sheet in book.pages:
        kept = ArrayObject()
        for reference in sheet.get("/Annots", ArrayObject()):
            note = reference.get_object()
            uri = str(note.get("/A", {}).get("/URI", ""))
            if uri.startswith("file:"):
                number = begins.get(uri.partition("#")[0])
                if number is None:
                    continue  # what lies beside the pages is not in the PDF
                del note["/A"]
                top = [
                    book.pages[number].indirect_reference,
                    NameObject("/XYZ"),
                    *[NullObject()] * 3,
                ]
                note[NameObject("/Dest")] = ArrayObject(top)
            kept.append(reference)
        sheet[NameObject("/Annots")] = kept


def print_book(to: Path) -> int:
    """Write the PDF, and return how many pages it has.

    to  the file
    """
    begins: dict[str, int] = {}
    book = PdfWriter()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for url, title, file in printed(browser, Path(folder)):
            begins[url] = len(book.pages)
            book.append(file, outline_item=title)
        browser.close()
    lead_inside(book, begins)
    book.add_metadata({"/Title": TITLE, "/Author": f"The {TITLE} authors"})
    to.parent.mkdir(parents=True, exist_ok=True)
    book.write(to)
    return len(book.pages)


if __name__ == "__main__":
    print(f"{print_book(Path(sys.argv[1]))} pages")
