// Which exercises are solved, in the table of contents: kept by this browser, and told nobody.

const KEY = "gup-solved";
const pages = JSON.parse(document.getElementById("gup-exercises").textContent); // {page: [cell, ...]}
const contents = document.querySelector(".bd-links");

/** What is kept, {page: [cell, ...]}; nothing where a browser keeps nothing, or not this. */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function change(write) {
  try {
    write(localStorage);
  } catch {
    // some browsers keep nothing for a page
  }
  show();
}

/** Note that a cell has been solved, if it is an exercise of that page. */
function note(page, cell) {
  if (!pages[page]?.includes(cell)) return;
  const all = kept();
  all[page] = [...new Set([...(all[page] ?? []), cell])];
  change((store) => store.setItem(KEY, JSON.stringify(all)));
}

function make(tag, name, ...inside) {
  const element = document.createElement(tag);
  element.className = name;
  element.append(...inside);
  return element;
}

/** Say behind each chapter how many of its exercises are solved, and below all how to forget it. */
function show() {
  const all = kept();
  contents.querySelectorAll(".gup-solved").forEach((mark) => mark.remove());
  for (const link of contents.querySelectorAll("a")) {
    const page = Object.keys(pages).find((name) => link.pathname.endsWith(`/${name}.html`));
    const solved = pages[page]?.filter((cell) => all[page]?.includes(cell)).length;
    if (!solved) continue;
    const heard = make("span", "gup-live-heard", " exercises solved");
    link.append(make("span", "gup-solved", ` ✓ ${solved} of ${pages[page].length}`, heard));
  }
  forget.hidden = !contents.querySelector(".gup-solved");
}

const told = make("span", "gup-live-heard");
told.setAttribute("role", "status");
const forget = make("button", "gup-forget", "Forget what is solved");
forget.type = "button";
forget.addEventListener("click", () => {
  change((store) => store.removeItem(KEY));
  told.textContent = "What was solved is forgotten.";
  contents.querySelector("a").focus(); // the button is gone
});

if (contents) {
  contents.append(forget, told);
  globalThis.gupSolved = note;
  addEventListener("storage", show); // another tab
  addEventListener("pageshow", show); // and a page that one comes back to
}
