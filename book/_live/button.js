// The button below each live cell. A page holds this script; all else is fetched on the click, by
// classic scripts: a page that is opened from disk may load those, and nothing else.

/** What the other scripts hand over, under a name of its own: classic scripts share nothing else. */
const live = { pieces: {}, script };
globalThis.gupLive = live;

const page = JSON.parse(document.getElementById("gup-live").textContent);
const marked = document.querySelectorAll(".cell.tag_live");
const cells = page.cells.filter((cell) => cell.live);
cells.forEach((cell, number) => addButton(marked[number], cell));

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

function addButton(element, cell) {
  const bar = document.createElement("div");
  bar.className = "gup-live-bar";
  bar.innerHTML = '<button type="button" class="gup-live-button">Try it</button><span role="status"></span>';
  const [button, status] = bar.children;
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    status.textContent = "Loading the editor …";
    try {
      if (!live.open) await script("editor.js");
    } catch {
      status.textContent = "The editor could not be loaded. Press the button to try again.";
      return;
    } finally {
      button.removeAttribute("aria-disabled");
    }
    status.textContent = "";
    live.open({ page, cell, element, bar });
  });
  element.querySelector(".cell_input").after(bar);
}
