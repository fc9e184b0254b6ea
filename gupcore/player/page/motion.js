// Motion: what the last step did, shown once; nothing where a reader wants it calm.
//
// One thing moves at a time, and not for long: the hand of the thread reaches out, what it changed shows
// itself, and what was not there any more shakes. What is left when it ends is what the picture says anyway.

const BRIEF = 280; // milliseconds

/** Show what has changed in the picture of `root`, which is drawn already. */
export function showChange(root) {
  const scene = [...root.querySelectorAll(".gup-scene svg")].find((svg) => svg.checkVisibility());
  if (!scene) return;
  for (const path of scene.querySelectorAll(".gup-touch path:first-child")) {
    const length = path.getTotalLength();
    path.animate([{ strokeDasharray: `0 ${length}` }, { strokeDasharray: `${length} 0` }], { duration: BRIEF });
  }
  for (const glyph of scene.querySelectorAll(".gup-fresh")) {
    const from = glyph.matches(".gup-is-gone") ? { opacity: 1, transform: "translateY(-6px)" } : { opacity: 0.3 };
    glyph.animate([from, { opacity: 1, transform: "none" }], { duration: BRIEF, easing: "ease-out" });
  }
  for (const hole of scene.querySelectorAll(".gup-hole")) {
    const sway = [0, -4, 4, -2, 0].map((x) => ({ transform: `translateX(${x}px)` }));
    hole.animate(sway, { duration: BRIEF, delay: BRIEF });
  }
}
