// Share: a link to this very step, a cell that replays it, and the schedule as text.

import { button, h } from "./elements.js";
import { stepTaken, walk } from "./graph.js";

const LINK_VERSION = 1; // of links
const MARK = "#gup=";
const LONGEST = 2000; // steps of a link

/** The end of an address that leads to where the reader is. */
export function linkTo(key, design, schedule) {
  return `${MARK}${[LINK_VERSION, key, design, schedule].map(encodeURIComponent).join(":")}`;
}

/** Read the end of an address: null if it is none of ours, {wrong} with a sentence, or where it leads. */
export function readLink(hash) {
  if (!hash.startsWith(MARK)) return null;
  let parts;
  try {
    parts = hash.slice(MARK.length).split(":").map(decodeURIComponent);
  } catch {
    return { wrong: "This link is damaged: it cannot be read." };
  }
  const [version, key, design, schedule] = parts;
  if (parts.length !== 4) return { wrong: "This link is damaged: it has not as many parts as it should." };
  if (version !== String(LINK_VERSION))
    return { wrong: `This link is of version ${version}, and this page reads version ${LINK_VERSION}.` };
  if (schedule.length > LONGEST)
    return { wrong: `This link has ${schedule.length} steps; the longest this page takes has ${LONGEST}.` };
  return { key, design, schedule };
}

export function sharePanel(board, { copied }, hasAddress) {
  return [
    h(
      "div",
      { class: "gup-buttons" },
      hasAddress && button("copy link", "Copy link"),
      button("copy python", "Copy as Python"),
      button("copy text", "Copy as text"),
    ),
    copied &&
      h(
        "label",
        { class: "gup-copied" },
        h("span", null, copied.says),
        h(
          "textarea",
          { readonly: true, rows: Math.min(copied.text.split("\n").length + 1, 12), spellcheck: "false" },
          copied.text,
        ),
      ),
  ];
}

/** A cell that plays the same steps in Python. */
export function asPython({ text }, design, schedule) {
  return [
    text[design.imports],
    "",
    `for moment in replay(${design.python}, "${schedule}"):`,
    '    print(moment.label, moment.said, sep=": ")',
  ].join("\n");
}

/** The schedule as a list, to be read. */
export function asText(board, design, schedule) {
  const { path } = walk(board, design, schedule);
  const steps = [...schedule].map((_, n) => stepTaken(board, design, path, schedule, n));
  return [
    `${board.says}`,
    `Scenario ${board.key}, design ${design.name}, schedule ${schedule || "(no step)"}`,
    ...steps.map(({ number, digit, label, said, breaks }) => {
      const broken = breaks.map((rule) => ` Breaks: ${rule}.`).join("");
      return `${String(number).padStart(3)}  ${digit} ${label}: ${said}${broken}`;
    }),
  ].join("\n");
}
