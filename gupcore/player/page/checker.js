// What the checker knows of a design: its verdicts, what lies ahead, and how every schedule ends.

import { outcomesOf, touchedGone, verdictsOn } from "./board.js";
import { button, choice, h, hidden, plural } from "./elements.js";
import { withSwitch } from "./game.js";
import { foresight, keyOf } from "./graph.js";

export const MARKS = { holds: "✓", fails: "✗", undetermined: "?" };

/** Choose a design by its name, or, in the design lab, by switches. */
export function designsView(board, game, id) {
  const design = board.designs[game.design];
  const isTold = game.open.includes("verdict");
  return h(
    "div",
    { class: "gup-choose" },
    isLab(board)
      ? switchesView(board, design, isTold, id)
      : board.designs.length > 1 &&
          h(
            "fieldset",
            { class: "gup-designs" },
            h("legend", null, "Design"),
            board.designs.map(({ name }, n) => radio(`${id}-design`, `design ${n}`, n === game.design, name)),
          ),
    h("p", { class: "gup-paper" }, `Design ${design.name}`),
    h("p", { class: "gup-says" }, board.designs.length > 1 ? "" : h("b", null, `${design.name}: `), design.says),
  );
}

/** The lab's verdict, beside the stage; hidden as long as the reader wants to predict it. */
export function benchView(board, game, id) {
  const design = board.designs[game.design];
  const isTold = game.open.includes("verdict");
  return h(
    "section",
    { class: "gup-bench-verdict", role: "group", "aria-label": "Verdict" },
    h("p", { class: "gup-sum" }, isTold ? sumView(board, design) : "Predict, then open the verdict."),
    button("open verdict", isTold ? "Hide the verdict" : "Show the verdict", true, {
      "aria-expanded": String(isTold),
      "aria-controls": `${id}-verdict`,
    }),
    isTold && verdictsView(board, design),
  );
}

/** What the checker says of a design, in a line. */
function sumView(board, design) {
  const failing = failingOn(board, design).map(({ rule }) => rule);
  return [inMarks(board, design), failing.length > 0 && `: ${failing.join(", ")}`];
}

/** Are the designs chosen by switches? */
export const isLab = ({ switches }) => switches.length > 0;

const radio = (name, does, checked, label, more) =>
  h(
    "label",
    null,
    h("input", { type: "radio", name, "data-set": does, value: does, checked }),
    h("b", null, label),
    more,
  );

/** The switches of the lab; each setting may show what the checker says of the design it would make. */
function switchesView(board, design, isTold, id) {
  return h(
    "div",
    { class: "gup-switches" },
    board.switches.map(([name, settings], number) =>
      h(
        "fieldset",
        { class: `gup-designs${settings.length > 3 ? " gup-wide" : ""}` },
        h("legend", null, name),
        settings.map((label, setting) => {
          const other = board.designs[withSwitch(board, design, number, setting)];
          return radio(
            `${id}-${number}`,
            `switch ${number} ${setting}`,
            design.switches[number] === setting,
            label,
            isTold && other && h("span", { class: "gup-would" }, " ", inMarks(board, other, hidden)),
          );
        }),
      ),
    ),
  );
}

/** `say` makes an element of the words that the mark goes without where there is little room. */
function inMarks(board, design, say = (words) => words) {
  const failing = failingOn(board, design).length;
  return failing
    ? h("span", { class: "gup-fails" }, `✗ ${failing}`, say(" broken"))
    : h("span", { class: "gup-holds" }, "✓", say(" all hold"));
}

/** What the checker has found to fail. */
export const failingOn = (board, design) => verdictsOn(board, design).filter(({ status }) => status === "fails");

/** The verdict: what every schedule comes to, what can still come from here, and how the schedules end. */
export function verdictPanel(board, design, game, path, isAsked) {
  return [
    !isLab(board) && verdictsView(board, design), // there it stands beside the stage
    aheadView(board, design, game, path, isAsked),
    outcomesView(board, design, game),
  ];
}

/** A row for each rule that does not hold; those that hold are named in a line, and said when it is opened. */
function verdictsView(board, design) {
  const all = verdictsOn(board, design).map((verdict, n) => ({ ...verdict, n }));
  const holding = all.filter(({ status }) => status === "holds");
  const states = plural(design.states, "state");
  const tried = design.complete ? `Every schedule was tried: ${states}` : `The search was cut off after ${states}`;
  return [
    h("p", { class: "gup-tried" }, tried),
    holding.length < all.length &&
      h(
        "table",
        { class: "gup-verdicts" },
        h("caption", { class: "gup-hidden" }, "The rules that do not hold"),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "rule"), h("th", { scope: "col" }, "verdict"))),
        h("tbody", null, all.filter(({ status }) => status !== "holds").map(verdictRow)),
      ),
    holding.length > 0 &&
      h(
        "details",
        { class: "gup-holding" },
        h(
          "summary",
          null,
          h("b", { class: "gup-holds" }, h("span", { "aria-hidden": "true" }, `${MARKS.holds} `), "holds"),
          `: ${holding.map(({ rule }) => rule).join(", ")}`,
        ),
        h(
          "ul",
          null,
          holding.map(({ rule, says }) => h("li", null, h("b", null, rule), `: ${says}`)),
        ),
      ),
  ];
}

function verdictRow({ rule, says, status, short, schedule, loop, n }) {
  return h(
    "tr",
    { class: `gup-${status}` },
    h("th", { scope: "row" }, rule, " ", h("small", null, says)),
    h(
      "td",
      null,
      h(
        "div",
        { class: "gup-result" },
        h("span", { class: "gup-verdict" }, h("span", { "aria-hidden": "true" }, `${MARKS[status] ?? "?"} `), short),
        schedule && button(`show ${n}`, "Show me", true, { "aria-label": `Show me: ${rule}` }),
      ),
      schedule && h("code", { class: "gup-shortest" }, loop ? `${schedule} (${loop} …)` : schedule),
    ),
  );
}

const TOO_MANY = "This design has too many states for that in the page. Ask Python: check(…).";

function aheadView(board, design, game, path, isAsked) {
  const failing = board.rules.filter((_, n) =>
    board.designs.some((each) => verdictsOn(board, each)[n].status === "fails"),
  );
  const ahead = foresight(board, design, game.watched);
  const here = ahead?.toBreak[ahead.graph.number.get(keyOf(path.at(-1)))];
  const says = !ahead
    ? design.complete
      ? TOO_MANY
      : "The search was cut off, so nobody knows what lies ahead."
    : isAsked
      ? "Predict first: there is a question above."
      : touchedGone(board, path.at(-1))
        ? "The run has ended here."
        : here < 0
          ? "From here it cannot be broken."
          : here === 0
            ? "Here it is broken for good."
            : `From here it can be broken, in ${plural(here, "step")} at the soonest.`;
  return [
    h("p", { class: "gup-title" }, "From here"),
    choice("watch", "Rule", [["", "any rule"], ...failing.map(([name]) => [name, name])], game.watched),
    h(
      "p",
      { class: "gup-outlook" },
      says,
      ahead && !isAsked && " Each thread's lane says what its next step would do.",
    ),
    h(
      "div",
      { class: "gup-buttons" },
      button("bug", "Show me the shortest bug", ahead !== null),
      button("safe", "Show me a safe finish", ahead !== null),
    ),
  ];
}

function outcomesView(board, design, game) {
  const outcomes = outcomesOf(board, design);
  return [
    h("p", { class: "gup-title" }, "How the schedules end"),
    outcomes
      ? outcomesList(outcomes)
      : h("p", null, design.complete ? TOO_MANY : "The search was cut off, so its schedules cannot be counted."),
    h(
      "div",
      { class: "gup-buttons" },
      button("surprise", "Surprise me"),
      h(
        "label",
        { class: "gup-choice" },
        h("span", null, "Seed"),
        " ",
        h("input", { type: "number", "data-set": "seed", min: 0, max: 4294967295, step: 1, value: String(game.seed) }),
      ),
    ),
  ];
}

const outcomesList = (outcomes) => [
  h(
    "ul",
    { class: "gup-bars" },
    outcomes.map(({ short, count, share }, n) =>
      h(
        "li",
        null,
        h("p", null, h("b", null, count), " ", h("span", null, short)),
        h("div", { class: "gup-bar" }, h("span", { style: `width: ${Math.max(share * 100, 0.4)}%` })),
        button(`outcome ${n}`, "Show me", true, { "aria-label": `Show me: ${short}` }),
      ),
    ),
  ),
  h(
    "details",
    null,
    h("summary", null, "What is counted"),
    h(
      "p",
      null,
      "All complete schedules, counted and not sampled. Schedules that differ only in how often they go round ",
      "a loop count as one. One that goes round for ever counts once: as “never ends”, or, where another thread ",
      "could step and let it out, as “spins while others could step”. ",
      "These are counts and no probabilities: a real machine does not choose among them evenly.",
    ),
  ),
];
