// The caption: the last step in one sentence, what an end means, and the one thing to do next.

import { allEnded, brokenAtEnd, canMove, hasEnded, moveOf, pictureOf, touchedGone, verdictsOn } from "./board.js";
import { failingOn, isLab, MARKS } from "./checker.js";
import { button, h } from "./elements.js";
import { foresight, keyOf, stepTaken } from "./graph.js";
import { isOpen } from "./predict.js";
import { holdingsAfter } from "./scene.js";

export function captionView(board, design, game, path, last, prompt, hasPrompts) {
  const end = isOpen(prompt, game) ? null : outlook(board, design, game, path);
  const repeats = game.loop && game.schedule.length >= game.track.length;
  const isNew = !last && !game.track && !hasPrompts && !isLab(board);
  const act = end ? end.act : isNew && watch(board, design, game);
  return h(
    "div",
    { class: `gup-caption${end ? ` gup-comes-to-${end.kind}` : ""}` },
    game.note
      ? h("p", { class: "gup-told gup-note" }, game.note)
      : h(
          "p",
          { class: "gup-told" },
          last
            ? [h("b", { "data-thread": last.digit }, `${last.number} `, h("span", null, last.label)), ` ${last.said}`]
            : "No step taken yet.",
        ),
    h("p", { class: "gup-status" }, end && !repeats ? end.says : standing(board, design, game, path.at(-1))),
    h("div", { class: "gup-act" }, act && button(act[0], act[1])),
  );
}

/** Who would rather look on first can. */
function watch(board, design, { watched }) {
  const number = verdictsOn(board, design).findIndex(
    ({ rule, status }) => status === "fails" && isMeant(watched, rule),
  );
  return number >= 0 && [`show ${number}`, "Watch it go wrong"];
}

/** Where the reader stands, in a sentence. */
export function standing(board, design, { schedule, track, loop, title }, state) {
  if (touchedGone(board, state)) return "Oops: the run ends here. Go back, or restart.";
  if (allEnded(board, state)) return "All threads have ended.";
  const moves = board.threads.map((_, t) => moveOf(board, design, state, t));
  if (isCutOff(board, design, state)) return "The search was cut off here.";
  if (!moves.some(canMove)) return "No thread can step any more, and not all have ended.";
  if (loop && schedule.length >= track.length) return `${title}, and then the steps ${loop} repeat for ever.`;
  if (title) return `${title}.`;
  return "Choose which thread takes the next step.";
}

/** Is a rule among those that are looked ahead for? */
const isMeant = (watched, rule) => watched === "" || rule === watched;

/** What it has come to: {kind, says, act: [what the button does, its words]}; null while all is open. */
export function outlook(board, design, game, path) {
  const state = path.at(-1);
  const broken = brokenOnTheWay(board, design, game, path);
  const stopped = touchedGone(board, state);
  if (stopped) {
    return { kind: "oops", says: whoHeld(board, design, game, path, stopped), act: cure(board, game, broken) };
  }
  const meant = broken.filter((rule) => isMeant(game.watched, rule));
  if (allEnded(board, state)) {
    const says = "All threads have ended";
    if (meant.length)
      return { kind: "broken", says: `${says}. Broken: ${broken.join(", ")}.`, act: cure(board, game, meant) };
    const held = game.watched ? `“${game.watched}” was not broken` : "no rule was broken";
    return { kind: "well", says: `${says}, and ${held}.`, act: back(board, design, game, path) };
  }
  if (isCutOff(board, design, state)) return null;
  const finishing = board.rules.filter(([, , on]) => on === "finish").map(([name]) => name);
  if (!board.threads.some((_, t) => canMove(moveOf(board, design, state, t)))) {
    const says = "No thread can step any more, and not all have ended.";
    return { kind: "broken", says, act: cure(board, game, [...broken, ...finishing]) };
  }
  if (meant.length) return { kind: "broken", says: `Broken: ${broken.join(", ")}.`, act: cure(board, game, meant) };
  const isToBePredicted = isLab(board) && !game.open.includes("verdict");
  const ahead = isToBePredicted ? null : aheadOf(board, design, game);
  if (!ahead) return null;
  const toBreak = ahead.toBreak[ahead.graph.number.get(keyOf(state))];
  if (toBreak === 0)
    return { kind: "broken", says: "From here somebody can never finish.", act: cure(board, game, finishing) };
  if (toBreak > 0) return null;
  const says = game.watched
    ? `From here “${game.watched}” can no longer be broken.`
    : "From here no rule can be broken any more.";
  return { kind: "well", says, act: back(board, design, game, path) };
}

/** Was the search given up before anybody looked what comes after this state? */
const isCutOff = (board, design, state) =>
  board.threads.some((_, t) => !hasEnded(board, state, t) && !moveOf(board, design, state, t));

/** Who held what was touched, when it went. */
function whoHeld(board, design, { schedule }, path, name) {
  const there = path
    .flatMap((state) => pictureOf(board, state))
    .filter((thing) => thing.name === name && !["gone", "empty"].includes(thing.state));
  const was = there.at(-1);
  if (!was) return `Oops: there is no ${name}.`;
  if (was.refs === null) return `Oops: the ${name} is gone.`;
  const isHeld = was.held.length > 0 || holdingsAfter(board, design, path, schedule).lost.some((all) => all.has(name));
  return isHeld ? `Oops: the ${name} went while it was held.` : `Oops: nobody held the ${name} when it went.`;
}

/** How far a broken rule is from each state; null where none that is meant can be broken, or it is not known. */
const aheadOf = (board, design, { watched }) =>
  failingOn(board, design).some(({ rule }) => isMeant(watched, rule)) ? foresight(board, design, watched) : null;

/** The rules that were broken on the way, each once. */
function brokenOnTheWay(board, design, { schedule }, path) {
  const steps = [...schedule].flatMap((_, n) => stepTaken(board, design, path, schedule, n).breaks);
  const ends = allEnded(board, path.at(-1)) ? brokenAtEnd(board, path.at(-1)) : [];
  return [...new Set([...steps, ...ends])];
}

/** Another design in which none of the broken rules fails; or the start. */
function cure(board, game, broken) {
  if (isLab(board)) return ["restart", "Start again"];
  const mends = ({ rule, status }) => !broken.includes(rule) || MARKS[status] === MARKS.holds;
  const better = [...board.designs.keys()].filter(
    (n) => n !== game.design && broken.length > 0 && verdictsOn(board, board.designs[n]).every(mends),
  );
  const other = better.find((n) => !failingOn(board, board.designs[n]).length) ?? better[0] ?? -1;
  return other < 0
    ? ["restart", "Start again"]
    : [`design ${other}`, `The same steps under ${board.designs[other].name}`];
}

/** The last place on the way from which a rule can still be broken; or the start. */
function back(board, design, game, path) {
  const ahead = aheadOf(board, design, game);
  const open = ahead ? path.findLastIndex((state) => ahead.toBreak[ahead.graph.number.get(keyOf(state))] > 0) : -1;
  return open < 1 || open === path.length - 1
    ? ["restart", "Start again"]
    : [`jump ${open}`, `Back to step ${open}, where it could still go wrong`];
}
