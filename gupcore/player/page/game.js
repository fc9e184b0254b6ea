// The game: where the reader is, as a value. Every action makes a new one from the old one.
//
// design    which design, by number             playing  does the next step come by itself?
// schedule  the steps taken                     pace     which of PACES
// wish      the steps the reader asked for; a design may allow only the first few of them
// track     the schedule that Next follows      loop     what then repeats for ever, or ""
// title     what the track shows, or ""         note     a sentence for the reader, or ""
// open      the panels that are open            watched  the rule that is looked ahead for; "": any
// panels    the panels that are offered
// beside    the designs in lockstep, by number  seed     of the next walk at random
// answers   what the reader predicted: {key of the prompt: outcome}
// told      a sentence on what an action did beside the steps, or ""
// copied    what was copied last: {text, says}, or null

import { outcomesOf, verdictsOn } from "./board.js";
import { foresight, keyOf, randomWalk, route, walk } from "./graph.js";

export const PACES = [
  ["2400", "slow"],
  ["1200", "normal"],
  ["400", "fast"],
]; // milliseconds a step
export const MOST_BESIDE = 4;

export const START = {
  design: 0,
  schedule: "",
  wish: "",
  track: "",
  loop: "",
  title: "",
  playing: false,
  pace: "1200",
  note: "",
  open: [],
  panels: [],
  watched: "",
  beside: [],
  seed: 1,
  answers: {},
  told: "",
  copied: null,
};

/** The digit of the next step along the track; undefined at its end. */
export function nextOnTrack({ schedule, track, loop }) {
  if (schedule.length < track.length) return track[schedule.length];
  return loop ? loop[(schedule.length - track.length) % loop.length] : undefined;
}

export const jump = (game, schedule) => ({
  ...game,
  schedule,
  wish: schedule,
  note: "",
  told: "",
  playing: false,
  copied: null,
});
const newTrack = (game, track) => ({ ...jump(game, track), track, loop: "", title: "" });

export function step(board, game, digit) {
  const schedule = game.schedule + digit;
  const { why } = walk(board, board.designs[game.design], schedule);
  if (why) return { ...game, note: why, playing: false };
  return digit === nextOnTrack(game) ? jump(game, schedule) : newTrack(game, schedule);
}

/** Go to a schedule that came from elsewhere, as far as it can be taken. */
export function follow(board, game, schedule) {
  const { path, why } = walk(board, board.designs[game.design], schedule);
  return { ...newTrack(game, schedule.slice(0, path.length - 1)), note: why };
}

/** The track, or, where the reader is not on it, the steps that were taken. */
export const wholeTrack = ({ track, schedule }) => (track.startsWith(schedule) ? track : schedule);

/** Go to a step of the track, or back to one that was taken. */
export function scrub(game, steps) {
  return jump(game, wholeTrack(game).slice(0, steps));
}

export function chooseDesign(board, game, number) {
  const design = board.designs[number];
  const { path, why } = walk(board, design, game.wish);
  const schedule = game.wish.slice(0, path.length - 1);
  const parted = why && `Under ${design.name} the schedule ${game.wish} cannot go on. ${why}`;
  const track = game.track.startsWith(schedule) ? game.track : schedule;
  return {
    ...game,
    design: number,
    schedule,
    track,
    loop: "",
    title: "",
    note: parted,
    told: `Design ${design.name}.`,
    playing: false,
    copied: null,
  };
}

/** Put one switch of the design lab at another setting. */
export function turnSwitch(board, game, number, setting) {
  const found = withSwitch(board, board.designs[game.design], number, setting);
  return found < 0 ? { ...game, note: "That combination is not in this page." } : chooseDesign(board, game, found);
}

/** The number of the design that differs from `design` in one switch; -1 if there is none. */
export function withSwitch({ designs }, { switches }, number, setting) {
  const wanted = switches.map((is, n) => (n === number ? setting : is));
  return designs.findIndex((design) => design.switches.every((is, n) => is === wanted[n]));
}

/** Lay a track from the start, or from here where it begins with what was taken, and play it. */
function lay(game, schedule, loop, title, playing, from = "") {
  return { ...jump(game, from), track: schedule, loop, title, told: `${title}.`, playing };
}

export function showVerdict(board, game, number, playing) {
  const design = board.designs[game.design];
  const { rule, schedule, loop } = verdictsOn(board, design)[number];
  return lay(game, schedule, loop, `The shortest schedule that breaks “${rule}” under ${design.name}`, playing);
}

export function showOutcome(board, game, number, playing) {
  const design = board.designs[game.design];
  const { short, schedule, loop } = outcomesOf(board, design)[number];
  return lay(game, schedule, loop, `A shortest schedule under ${design.name} with this outcome: ${short}`, playing);
}

const ruleName = (rule) => (rule ? `“${rule}”` : "any rule");

/** From here on, the shortest way to break the watched rule; or the shortest to an end where it is not broken. */
export function showAhead(board, game, safely, playing) {
  const design = board.designs[game.design];
  const ahead = foresight(board, design, game.watched);
  if (!ahead) return game;
  const { path } = walk(board, design, game.schedule);
  const here = ahead.graph.number.get(keyOf(path.at(-1)));
  const distance = safely ? ahead.toSafety : ahead.toBreak;
  if (distance[here] < 0) {
    const what = safely
      ? `no way to an end that does not break ${ruleName(game.watched)}`
      : `no way to break ${ruleName(game.watched)}`;
    return { ...game, note: `From here there is ${what}.`, playing: false };
  }
  const rest = route(ahead, distance, here, safely);
  if (!rest)
    return {
      ...game,
      note: safely ? "All threads have ended here." : "Here it is broken for good already.",
      playing: false,
    };
  const aim = safely ? "an end that does not break" : "break";
  const title = `From step ${game.schedule.length} on, the shortest way to ${aim} ${ruleName(game.watched)}`;
  return lay(game, game.schedule + rest, "", title, playing && rest !== "", game.schedule);
}

export function surprise(board, game, playing) {
  const design = board.designs[game.design];
  const { path } = walk(board, design, game.schedule);
  const rest = randomWalk(board, design, path.at(-1), game.seed);
  const title = `From step ${game.schedule.length} on, at random, with seed ${game.seed}`;
  return { ...lay(game, game.schedule + rest, "", title, playing && rest !== "", game.schedule), seed: game.seed + 1 };
}

/** Take the next step of a game that plays by itself. Of a loop, one round is enough to see. */
export function tick(board, game) {
  const next = step(board, game, nextOnTrack(game));
  const further = next.schedule.length - game.track.length;
  const isDone = game.loop ? further > 0 && further % game.loop.length === 0 : further >= 0;
  return { ...next, playing: !next.note && !isDone };
}

export const toggle = (list, item) => (list.includes(item) ? list.filter((other) => other !== item) : [...list, item]);

/** Put a design beside the others, or take it away; there is room for four. */
export function setBeside(game, number) {
  const beside = toggle(game.beside, number).sort((a, b) => a - b);
  if (beside.length > MOST_BESIDE)
    return { ...game, note: `There is room for ${MOST_BESIDE} designs side by side: take one away first.` };
  return { ...game, beside, note: "" };
}

/** The prompt about the state where the reader stands, however it was reached; undefined if there is none. */
export function promptHere(board, game, prompts) {
  const design = board.designs[game.design];
  const stateAfter = (schedule) => keyOf(walk(board, design, schedule).path.at(-1));
  const here = stateAfter(game.schedule);
  return prompts.find((prompt) => prompt.design === design.name && stateAfter(prompt.schedule) === here);
}
