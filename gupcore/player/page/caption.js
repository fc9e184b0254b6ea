// The caption: the last step in one sentence, what an end means, and the one thing to do next.

import { allEnded, brokenAtEnd, canMove, moveOf, touchedGone, verdictsOn } from "./board.js";
import { isLab } from "./checker.js";
import { button, h } from "./elements.js";
import { foresight, keyOf, stepTaken } from "./graph.js";
import { isOpen } from "./predict.js";
import { holdingsAfter } from "./scene.js";

export function captionView(board, design, game, path, last, prompt, hasPrompts) {
  const end = isOpen(prompt, game) ? null : outlook(board, design, game, path);
  const repeats = game.loop && game.schedule.length >= game.track.length;
  const act = end ? end.act : !last && !hasPrompts && watch(board, design);
  return h("div", { class: `gup-caption${end ? ` gup-comes-to-${end.kind}` : ""}` },
    h("p", { class: "gup-told" },
      last ? [h("b", { "data-thread": last.digit }, `${last.number} `, h("span", null, last.label)), ` ${last.said}`] : "No step taken yet."),
    h("p", { class: "gup-status" }, end && !repeats ? end.says : standing(board, design, game, path.at(-1))),
    h("div", { class: "gup-act" }, act && button(act[0], act[1])));
}

/** Who would rather look on first can. */
function watch(board, design) {
  const number = verdictsOn(board, design).findIndex(({ status }) => status === "fails");
  return number >= 0 && [`show ${number}`, "Watch it go wrong"];
}

/** Where the reader stands, in a sentence. */
export function standing(board, design, { schedule, track, loop, title }, state) {
  if (touchedGone(board, state)) return "Oops: the run ends here. Go back, or restart.";
  if (allEnded(board, state)) return "All threads have ended.";
  const moves = board.threads.map((_, t) => moveOf(board, design, state, t));
  if (!moves.some(canMove)) return "No thread can step any more, and not all have ended.";
  if (loop && schedule.length >= track.length) return `${title}, and then the steps ${loop} repeat for ever.`;
  if (title) return `${title}.`;
  return "Choose which thread takes the next step.";
}

/** What it has come to: {kind, says, act: [what the button does, its words]}; null while all is open. */
export function outlook(board, design, game, path) {
  const state = path.at(-1);
  const broken = brokenOnTheWay(board, design, game, path);
  const stopped = touchedGone(board, state);
  if (stopped) {
    const wasHeld = holdingsAfter(board, design, path, game.schedule).lost.some((all) => all.has(stopped));
    const says = wasHeld ? `Oops: the ${stopped} went while it was held.` : `Oops: nobody held the ${stopped} when it went.`;
    return { kind: "oops", says, act: cure(board, game, broken) };
  }
  if (allEnded(board, state)) {
    if (broken.length) return { kind: "broken", says: `All threads have ended. Broken: ${broken.join(", ")}.`, act: cure(board, game, broken) };
    return { kind: "well", says: "All threads have ended, and no rule was broken.", act: back(board, design, path) };
  }
  if (!board.threads.some((_, t) => canMove(moveOf(board, design, state, t)))) {
    return { kind: "broken", says: "No thread can step any more, and not all have ended.", act: cure(board, game, broken) };
  }
  if (broken.length) return { kind: "broken", says: `Broken: ${broken.join(", ")}.`, act: cure(board, game, broken) };
  const ahead = foresight(board, design, "");
  if (!ahead || fails(board, design).length === 0) return null;
  if (ahead.toBreak[ahead.graph.number.get(keyOf(state))] >= 0) return null;
  return { kind: "well", says: "From here no rule can be broken any more.", act: back(board, design, path) };
}

const fails = (board, design) => verdictsOn(board, design).filter(({ status }) => status === "fails");

/** The rules that were broken on the way, each once. */
function brokenOnTheWay(board, design, { schedule }, path) {
  const steps = [...schedule].flatMap((_, n) => stepTaken(board, design, path, schedule, n).breaks);
  const ends = allEnded(board, path.at(-1)) ? brokenAtEnd(board, path.at(-1)) : [];
  return [...new Set([...steps, ...ends])];
}

/** Another design in which none of the broken rules fails; or the start. */
function cure(board, game, broken) {
  if (isLab(board)) return ["restart", "Start again"];
  const isBetter = (design) => broken.length > 0 && !fails(board, design).some(({ rule }) => broken.includes(rule));
  const other = board.designs.findIndex((design, n) => n !== game.design && isBetter(design));
  return other < 0 ? ["restart", "Start again"] : [`design ${other}`, `The same steps under ${board.designs[other].name}`];
}

/** The last place on the way from which a rule can still be broken; or the start. */
function back(board, design, path) {
  const ahead = fails(board, design).length ? foresight(board, design, "") : null;
  const open = ahead ? path.findLastIndex((state) => ahead.toBreak[ahead.graph.number.get(keyOf(state))] > 0) : -1;
  return open < 1 || open === path.length - 1 ? ["restart", "Start again"]
    : [`jump ${open}`, `Back to step ${open}, where it could still go wrong`];
}
