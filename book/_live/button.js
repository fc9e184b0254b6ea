// The button below each live cell. A page holds this script; all else is fetched on the click, by
// classic scripts: a page that is opened from disk may load those, and nothing else.

/** What the other scripts hand over, under a name of its own: classic scripts share nothing else. */
const live = { pieces: {}, script, kept, runBelow };
globalThis.gupLive = live;

const page = JSON.parse(document.getElementById("gup-live").textContent);
const marked = document.querySelectorAll(".cell.tag_live");
const cells = page.cells.filter((cell) => cell.live);
const opens = cells.map((cell, number) => addButton(marked[number], cell));

/** Write a text into the first live cell below an element, and run it. */
async function runBelow(element, text) {
  const isBelow = (cell) => element.compareDocumentPosition(cell) & Node.DOCUMENT_POSITION_FOLLOWING;
  const opened = await opens[[...marked].findIndex(isBelow)]?.();
  opened?.runText(text);
}

/** What a reader has written into a cell, or null. */
function kept(cell) {
  try {
    return localStorage.getItem(`gup-live:${page.name}:${cell.id}`);
  } catch {
    return null; // some browsers keep nothing for a page
  }
}

/** Add a script to the page; resolves when it has run, rejects when it could not be had. */
function script(name) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(name)));
    element.addEventListener("load", () => element.remove());
    element.addEventListener("error", () => element.remove());
    element.src = page.folder + name;
    document.head.append(element);
  });
}

/** Add the button to a cell. Returns the function that opens the cell and resolves to what it has become. */
function addButton(element, cell) {
  let opened;
  const bar = document.createElement("div");
  bar.className = "gup-live-bar";
  bar.innerHTML = '<button type="button" class="gup-live-button">Try it</button><span role="status"></span>';
  const [button, status] = bar.children;
  if (kept(cell) !== null) status.textContent = "What you have written here is kept.";
  const open = async () => {
    if (opened || button.getAttribute("aria-disabled")) return opened;
    button.setAttribute("aria-disabled", "true");
    status.textContent = "Loading the editor …";
    try {
      if (!live.open) await script("editor.js");
    } catch {
      status.textContent = "The editor could not be loaded. Press the button to try again.";
      return undefined;
    } finally {
      button.removeAttribute("aria-disabled");
    }
    status.textContent = "";
    opened = live.open({ page, cell, element, bar });
    return opened;
  };
  button.addEventListener("click", open);
  element.querySelector(".cell_input").after(bar);
  return open;
}
