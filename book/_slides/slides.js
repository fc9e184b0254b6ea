/* The arrows turn the slides, unless a player has taken them for itself. */
const slides = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".slide"))];
const place = document.querySelector("#place");

/** The number of the slide that is read: the last that begins above the middle of the window. */
function here() {
  const begun = slides.filter((slide) => slide.getBoundingClientRect().top <= innerHeight / 2);
  return Math.max(begun.length - 1, 0);
}

function show() {
  place.textContent = `${here() + 1} / ${slides.length}`;
}

function turn(by) {
  const slide = slides[Math.min(Math.max(here() + by, 0), slides.length - 1)];
  slide.scrollIntoView({ behavior: "instant" });
  slide.focus({ preventScroll: true }); // so that what is read aloud, and Tab, go on from here
  show();
}

document.querySelector("#back").addEventListener("click", () => turn(-1));
document.querySelector("#on").addEventListener("click", () => turn(1));
document.addEventListener("keydown", (event) => {
  const { key, ctrlKey, altKey, metaKey } = event;
  const target = /** @type {Element} */ (event.target);
  if (event.defaultPrevented || ctrlKey || altKey || metaKey || target.closest(".gup, input, select, textarea")) return;
  const by = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[key];
  if (!by) return;
  event.preventDefault();
  turn(by);
});
addEventListener("scroll", show, { passive: true });
show();
