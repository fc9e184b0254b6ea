// Lockstep: one schedule on several designs, side by side, and where each goes another way.

import { allEnded, canMove, moveOf, thingsOf, touchedGone } from "./board.js";
import { h, hidden } from "./elements.js";
import { stepTaken, walk } from "./graph.js";

export function lockstepPanel(board, game, id) {
  const schedule = game.wish;
  const runs = game.beside.map((number) => runOf(board, number, schedule));
  const first = runs.find(({ number }) => number === game.design) ?? runs[0];
  return [
    h(
      "fieldset",
      { class: "gup-designs" },
      h("legend", null, "Designs to compare, two to four"),
      board.designs.map(({ name }, n) =>
        h(
          "label",
          null,
          h("input", {
            type: "checkbox",
            "data-set": `beside ${n}`,
            value: n,
            id: `${id}-beside-${n}`,
            checked: game.beside.includes(n),
          }),
          h("b", null, name),
        ),
      ),
    ),
    runs.length < 2
      ? h("p", null, "Choose a second design.")
      : [
          h(
            "ul",
            { class: "gup-partings" },
            runs.map((run) => h("li", null, h("b", null, run.design.name), `: ${partingOf(run, first)}`)),
          ),
          h(
            "table",
            { class: "gup-lockstep" },
            h(
              "caption",
              null,
              schedule
                ? ["Schedule ", h("code", null, schedule)]
                : "No step taken yet: step a thread, and each design takes the same step.",
            ),
            h(
              "thead",
              null,
              h(
                "tr",
                null,
                h("th", { scope: "col" }, "step"),
                runs.map((run) => h("th", { scope: "col" }, run.design.name)),
              ),
            ),
            h(
              "tbody",
              null,
              [...schedule].map((digit, n) =>
                h(
                  "tr",
                  { "data-thread": digit },
                  h("th", { scope: "row" }, `${n + 1} `, h("b", null, digit), hidden(`: ${board.threads[digit - 1]}`)),
                  runs.map((run) => stepCell(run, first, n)),
                ),
              ),
              h(
                "tr",
                { class: "gup-then" },
                h("th", { scope: "row" }, "then"),
                runs.map((run) =>
                  h(
                    "td",
                    { "data-design": run.design.name },
                    h("p", null, thenSays(board, run)),
                    h(
                      "ul",
                      null,
                      thingsOf(board, run.path.at(-1))
                        .filter(({ kind }) => kind === "object")
                        .map(({ name, exists, value }) =>
                          h("li", { class: !exists && "gup-gone" }, h("b", null, name), `: ${value}`),
                        ),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ],
  ];
}

/** One design's way along the schedule: the steps it took, and why it went no further. */
export function runOf(board, number, schedule) {
  const design = board.designs[number];
  const { path, why } = walk(board, design, schedule);
  const steps = path.slice(1).map((_, n) => stepTaken(board, design, path, schedule, n));
  const next = why && moveOf(board, design, path.at(-1), schedule[steps.length] - 1);
  const isWaiting = Boolean(next) && !canMove(next) && !touchedGone(board, path.at(-1));
  return { number, design, path, why, steps, isWaiting };
}

/** Where a run dies, blocks, or first does something else than the run it is compared with. */
function partingOf(run, first) {
  const oops = run.steps.find(({ stopped }) => stopped);
  const dies = oops && `dies at step ${oops.number}: touches the ${oops.stopped}, which is gone`;
  const other = firstApart(run, first);
  const does = other < 0 ? "" : lower(run.steps[other].said).replace(/\.$/, "");
  const apart = does && `goes another way than ${first.design.name} at step ${other + 1}: ${does}`;
  const stops = run.why && `stops at ${lower(run.why)}`;
  const same = run === first ? "takes every step" : `the same steps as ${first.design.name}`;
  return [apart, stops, dies].filter(Boolean).join("; ") || same;
}

const firstApart = (run, first) =>
  run.steps.findIndex((step, n) => first.steps[n] && step.said !== first.steps[n].said);

/** The number of the step at which a run goes another way than `first`, or stops; 0 where it does neither. */
export function forkOf(run, first) {
  return firstApart(run, first) + 1 || (run.steps.length < first.steps.length ? run.steps.length + 1 : 0);
}

const lower = (sentence) => sentence[0].toLowerCase() + sentence.slice(1);

function stepCell(run, first, n) {
  const step = run.steps[n];
  const name = { "data-design": run.design.name };
  if (!step)
    return h("td", { ...name, class: n === run.steps.length && "gup-stops" }, n === run.steps.length ? run.why : "–");
  const apart = first.steps[n] && step.said !== first.steps[n].said;
  return h(
    "td",
    { ...name, class: `${apart ? "gup-apart" : ""}${step.stopped ? " gup-dies" : ""}` },
    apart && h("span", { class: "gup-badge" }, "other"),
    step.stopped && h("span", { class: "gup-badge" }, "oops"),
    " ",
    step.said,
    step.breaks.map((rule) => h("span", { class: "gup-breaks" }, ` breaks: ${rule}`)),
  );
}

function thenSays(board, { path, steps, why }) {
  const [last, stopped] = [path.at(-1), steps.at(-1)?.stopped];
  if (why && !stopped) return "It stays here.";
  if (stopped) return "Oops: the run ended here.";
  return allEnded(board, last) ? "All threads have ended." : "It can go on.";
}
