"""Run notebooks and write their outputs back. A run that changes no output changes no byte."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

# The name of a live widget: random, and the widget ends with the kernel.
LIVE = "application/vnd.jupyter.widget-view+json"

KEPT = ("tags", "jupyter", "seconds")  # of what a cell says of itself


def refresh(path: Path) -> str:
    """The text of the notebook after a fresh run, without what differs from machine to machine."""
    book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(
        book,
        resources={"metadata": {"path": path.parent}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    ).execute()
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in book.cells:
        cell.metadata = {key: cell.metadata[key] for key in KEPT if key in cell.metadata}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(LIVE, None)
    text: str = nbformat.writes(nbformat.from_dict(book))  # type: ignore[no-untyped-call]
    return text + "\n"


for name in sys.argv[1:]:
    path = Path(name)
    text = refresh(path)
    if text == path.read_text(encoding="utf-8"):
        print(f"{path}: unchanged")
    else:
        path.write_text(text, encoding="utf-8")
        print(f"{path}: outputs written")
