// The timeline: every step of the track, and what each thing went through meanwhile.
//
// A column a step, a row a thread, and below them a row for each thing that changes on the way. A slider lies
// over it, whose thumb is the column where the reader stands: the picture is the history and the way through it.

import { canMove, everyDrawing, moveOf, pictureOf, remembered } from "./board.js";
import { draw, h, hidden } from "./elements.js";
import { wholeTrack } from "./game.js";
import { stepTaken, walk } from "./graph.js";
import { forkOf, runOf } from "./lockstep.js";

const ROW = 13;
const FEWEST = 10; // columns: a short track is not blown up
const [BROAD, SLIM] = [
  { name: "wide", width: 656, left: 126 },
  { name: "narrow", width: 312, left: 90 },
];

export function timelineView(board, design, game, veiled, isWide) {
  const all = veiled ? game.schedule : wholeTrack(game); // what comes is the answer to a question that is open
  const { path } = walk(board, design, all);
  const track = all.slice(0, path.length - 1);
  const steps = [...track].map((_, n) => stepTaken(board, design, path, track, n));
  const rows = livesAlong(board, path);
  const others = game.open.includes("beside") ? game.beside.filter((number) => number !== game.design) : [];
  const mine = runOf(board, game.design, longest(game.wish, track));
  const ghosts = others
    .map((number) => runOf(board, number, veiled ? track : longest(game.wish, track)))
    .map((run) => ({ run, fork: forkOf(run, mine) }));
  const reach = Math.max(game.schedule.length, walk(board, design, game.track).path.length - 1);
  const form = isWide ? BROAD : SLIM;
  return h(
    "div",
    { class: "gup-time" },
    h(
      "div",
      { class: "gup-timeline", "aria-hidden": "true" },
      drawTimeline(board, design, game, path, steps, reach, rows, ghosts, form),
    ),
    scrubView(board, design, game, reach, form),
  );
}

/** How far apart the columns of a timeline are. */
const columnOf = (reach, { width, left }) => (width - left) / (Math.max(reach, FEWEST) + 0.6);

/** The slider over the timeline; its value in words is the step it stands at. */
function scrubView(board, design, game, reach, form) {
  const taken = game.schedule.length;
  const { path } = walk(board, design, game.schedule);
  const says = taken > 0 && stepTaken(board, design, path, game.schedule, taken - 1);
  const most = Math.max(reach, 1);
  const share = (part) => `${((100 * part) / form.width).toFixed(3)}%`;
  return h(
    "label",
    { class: "gup-scrub", style: `--from: ${share(form.left)}; --long: ${share(most * columnOf(reach, form))}` },
    hidden("Go to step"),
    h("input", {
      type: "range",
      "data-set": "scrub",
      min: 0,
      max: most,
      value: String(taken),
      disabled: reach === 0,
      "aria-valuetext": says ? `Step ${taken}, ${says.label}: ${says.said}` : "At the start",
    }),
  );
}

/** What the reader asked for, where this design allowed only the first steps of it. */
const longest = (wish, track) => (wish.startsWith(track) ? wish : track);

/** The things whose drawing can change on this board; their rows stay where they are. */
const changeable = remembered((/** @type {Board} */ board) => {
  const words = new Map();
  for (const { name, look, state, words: says, refs } of everyDrawing(board)) {
    if (look === "section" || look === "frame") continue;
    words.set(name, (words.get(name) ?? new Set()).add(`${state} ${says} ${refs}`));
  }
  return [...words].filter(([, all]) => all.size > 1).map(([name]) => name);
});

/** What becomes of each of them along a path: [{name, states, words}, ...]. */
function livesAlong(board, path) {
  const pictures = path.map((state) => new Map(pictureOf(board, state).map((thing) => [thing.name, thing])));
  return changeable(board).map((name) => ({
    name,
    states: pictures.map((all) => all.get(name)?.state ?? "gone"),
    words: pictures.map((all) => `${all.get(name)?.words} ${all.get(name)?.refs}`),
  }));
}

function drawTimeline(board, design, game, path, steps, reach, rows, ghosts, form) {
  const { name, width, left } = form;
  const apart = columnOf(reach, form);
  const x = (n) => left + n * apart; // where step n is done; 0 is the start
  const y = (row) => 8 + row * ROW;
  const height = y(board.threads.length + rows.length + ghosts.length) - 5;
  const here = game.schedule.length;
  const most = Math.floor((left - 6) / 6.2);
  const label = (text, row) =>
    draw("text", { x: 0, y: y(row) + 4 }, text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const oops = steps.find(({ stopped }) => stopped);
  const size = Math.min(6, apart * 0.42);
  return draw(
    "svg",
    { class: `gup-${name}-time`, viewBox: `0 0 ${width} ${height}` },
    board.threads.map((thread, t) => [
      label(`${t + 1} ${thread}`, t),
      draw("line", { class: "gup-row", x1: x(0), x2: x(Math.max(reach, FEWEST)), y1: y(t), y2: y(t) }),
      waitsOf(board, design, path, t).map(([from, to]) =>
        draw("path", { class: "gup-waiting", "data-thread": t + 1, d: `M${x(from)} ${y(t)}H${x(to)}` }),
      ),
    ]),
    rows.map((row, n) => [label(row.name, board.threads.length + n), lifeView(row, x, y(board.threads.length + n))]),
    ghosts.map(({ run, fork }, n) => ghostView(run, fork, label, x, y, board.threads.length + rows.length + n, size)),
    oops && arcView(board, rows, oops, x, y),
    steps.map(({ number, digit, stopped }) =>
      draw(
        "g",
        {
          class: `gup-mark${number > here ? " gup-later" : ""}${stopped ? " gup-end" : ""}`,
          "data-thread": digit,
        },
        stopped
          ? draw("text", { class: "gup-cross", x: x(number), y: y(digit - 1) + 6 }, "✕")
          : draw("circle", { cx: x(number), cy: y(digit - 1), r: number === here ? size + 1.5 : size }),
      ),
    ),
  );
}

/** When thread `t` could not step: [[first step, last step], ...]. */
function waitsOf(board, design, path, t) {
  const waits = [];
  path.forEach((state, n) => {
    const move = moveOf(board, design, state, t);
    if (!move || canMove(move)) return;
    if (waits.at(-1)?.[1] === n) waits.at(-1)[1] = n + 1;
    else waits.push([n, n + 1]);
  });
  return waits.map(([from, to]) => [from, Math.min(to, path.length - 1)]).filter(([from, to]) => to > from);
}

/** A thing's life as a bar: solid, hatched while it is dying, thin where it is empty, a gap where it is gone. */
function lifeView({ states, words }, x, y) {
  const bars = [];
  states.forEach((state, n) => {
    if (bars.at(-1)?.state === state && bars.at(-1).words === words[n]) bars.at(-1).to = n + 1;
    else bars.push({ state, words: words[n], from: n, to: n + 1 });
  });
  const last = states.length - 1;
  return bars.map(({ state, from, to }) => {
    const [x1, x2] = [x(from), x(Math.min(to, last))];
    const shape = { x: x1, y: y - 4.5, width: Math.max(x2 - x1, 3), height: 9 };
    return [
      draw("rect", { class: `gup-life gup-is-${state}`, ...shape }),
      from > 0 && draw("line", { class: "gup-change", x1, x2: x1, y1: y - 7, y2: y + 7 }),
    ];
  });
}

/** The same steps under another design, and where that goes another way. */
function ghostView({ design, steps, isWaiting }, fork, label, x, y, row, size) {
  return draw(
    "g",
    { class: "gup-ghost" },
    label(design.name, row),
    fork && draw("line", { class: "gup-fork", x1: x(fork), x2: x(fork), y1: 0, y2: y(row) + 8 }),
    steps.map(({ number, digit, stopped }) =>
      stopped
        ? draw("text", { class: "gup-cross", x: x(number), y: y(row) + 6 }, "✕")
        : draw("circle", { "data-thread": digit, cx: x(number), cy: y(row), r: size * 0.8 }),
    ),
    isWaiting && draw("text", { x: x(steps.length + 1), y: y(row) + 4 }, "⧖ waits"),
  );
}

/** From where a thing was removed to the step that touched it. */
function arcView(board, rows, { number, digit, stopped }, x, y) {
  const row = rows.findIndex(({ name }) => name === stopped);
  if (row < 0) return null;
  const removed = rows[row].states.indexOf("gone");
  if (removed < 0) return null;
  const [from, to] = [
    { x: x(removed), y: y(board.threads.length + row) },
    { x: x(number), y: y(digit - 1) + 8 },
  ];
  const bend = Math.max(20, (to.x - from.x) / 2);
  return draw("path", {
    class: "gup-arc",
    d: `M${from.x} ${from.y}C${from.x + bend} ${from.y + 10} ${to.x} ${from.y} ${to.x} ${to.y}`,
  });
}
