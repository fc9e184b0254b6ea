// Walking the graph, and looking ahead in it. All of this is about states and moves, whatever they stand for.

import {
  after,
  allEnded,
  brokenAtEnd,
  brokenBy,
  canMove,
  hasEnded,
  moveOf,
  remembered,
  saidBy,
  standsAt,
  startOf,
  thingsOf,
  touchedGone,
} from "./board.js";

const MANY = 20_000; // states; of more, the page does not look ahead
const NO_WAY = -1;

/** Say why `digit` cannot step in `state`; "" if it can. */
export function refusal(board, design, state, digit) {
  const { threads } = board;
  if (!threads[digit - 1]) {
    const names = threads.map((label, t) => `${t + 1} (${label})`).join(", ");
    return `“${digit}” is no thread; the threads are ${names}.`;
  }
  const who = `thread ${digit} (${threads[digit - 1]})`;
  if (hasEnded(board, state, digit - 1)) return `${who} has ended.`;
  const move = moveOf(board, design, state, digit - 1);
  if (canMove(move)) return "";
  return `${who} cannot step. ${move ? saidBy(board, move) : "The search was cut off here."}`;
}

/** Follow `schedule` as far as it goes: the states on the way, and why it went no further. */
export function walk(board, design, schedule) {
  const path = [startOf(design)];
  for (const digit of schedule) {
    const why = refusal(board, design, path.at(-1), digit);
    if (why) return { path, why: `Step ${path.length}: ${why}` };
    path.push(after(path.at(-1), moveOf(board, design, path.at(-1), digit - 1)));
  }
  return { path, why: "" };
}

/** What one step of a walk was, in the words of the data. */
export function stepTaken(board, design, path, schedule, n) {
  const digit = schedule[n];
  const move = moveOf(board, design, path[n], digit - 1);
  const { source, places } = standsAt(board, path[n], digit - 1);
  return {
    number: n + 1,
    digit,
    label: board.threads[digit - 1],
    said: saidBy(board, move),
    source,
    breaks: brokenBy(board, move),
    line: places.at(-1).text,
    stopped: touchedGone(board, path[n + 1]),
  };
}

/** The machine's things in the last state of `path`: what each is, was a step ago, and ever was. */
export function thingsAfter(board, path) {
  const before = thingsOf(board, path.at(-2) ?? path[0]);
  const existed = new Set(
    path.flatMap((state) =>
      thingsOf(board, state)
        .filter(({ exists }) => exists)
        .map(({ name }) => name),
    ),
  );
  return thingsOf(board, path.at(-1)).map((thing, n) => ({
    ...thing,
    was: before[n].value,
    existed: existed.has(thing.name),
    changed: thing.exists !== before[n].exists || thing.value !== before[n].value,
  }));
}

/** Name the threads that can end the wait of thread `t`, and say how soon; "" if that is not known. */
export function whoEndsTheWait(board, design, state, t) {
  const seen = new Map([[keyOf(state), ""]]);
  const queue = [state];
  for (const here of queue) {
    if (seen.size > MANY) return "";
    for (const other of board.threads.keys()) {
      const move = moveOf(board, design, here, other);
      if (other === t || !canMove(move)) continue;
      const next = after(here, move);
      const way = seen.get(keyOf(here)) + (other + 1);
      if (canMove(moveOf(board, design, next, t))) return waitsFor(board, way);
      if (!seen.has(keyOf(next))) {
        seen.set(keyOf(next), way);
        queue.push(next);
      }
    }
  }
  return design.complete ? "Nobody can end this wait." : "";
}

function waitsFor({ threads }, way) {
  const names = [...new Set(way)].sort().map((digit) => `thread ${digit} (${threads[digit - 1]})`);
  const steps = way.length === 1 ? "its next step" : `${way.length} steps`;
  return names.length === 1
    ? `It waits for ${names[0]}, at least for ${steps}.`
    : `It waits for ${names.join(" and ")}, at least for ${steps}.`;
}

export const keyOf = ({ machine, nodes }) => `${machine}.${nodes}`;

// --- The whole graph ----------------------------------------------------------------------------

/** Every state in the order of a breadth-first search, and the moves out of each; null if too many. */
export const wholeGraph = remembered((/** @type {Design} */ design, /** @type {Board} */ board) => {
  if (!design.complete || design.states > MANY) return null;
  const states = [startOf(design)];
  const depth = [0];
  const way = [null]; // how each state is first reached: [from, digit]
  const number = new Map([[keyOf(states[0]), 0]]);
  const edges = [];
  for (let from = 0; from < states.length; from += 1) {
    edges.push([]);
    for (const t of board.threads.keys()) {
      const move = moveOf(board, design, states[from], t);
      if (!canMove(move)) continue;
      const next = after(states[from], move);
      const key = keyOf(next);
      if (!number.has(key)) {
        number.set(key, states.length);
        states.push(next);
        depth.push(depth[from] + 1);
        way.push([from, t + 1]);
      }
      edges[from].push({ to: number.get(key), digit: String(t + 1), breaks: brokenBy(board, move) });
    }
  }
  return { states, depth, way, number, edges };
});

/** The shortest schedule to a state. */
export function wayTo({ way }, state) {
  let schedule = "";
  for (let here = state; way[here]; here = way[here][0]) schedule = way[here][1] + schedule;
  return schedule;
}

/** For each state, how many steps it is from a state or a move that is wanted; NO_WAY where none can be reached. */
function nearest({ states, edges }, isWantedState, isWantedMove, isAllowed = (_edge) => true) {
  const into = states.map(() => []);
  const distance = new Int32Array(states.length).fill(NO_WAY);
  const queue = [];
  const arrive = (state, steps) => {
    if (distance[state] !== NO_WAY) return;
    distance[state] = steps;
    queue.push(state);
  };
  states.forEach((_, state) => isWantedState(state) && arrive(state, 0));
  edges.forEach((out, from) =>
    out.forEach((edge) => {
      if (isAllowed(edge)) into[edge.to].push(from);
      if (isWantedMove(edge)) arrive(from, 1);
    }),
  );
  for (const state of queue) for (const from of into[state]) arrive(from, distance[state] + 1);
  return distance;
}

/** How far each state is from breaking `rule` ("": any rule), and from an end at which it is not broken. */
export const foresight = (board, design, rule) => {
  const known = foresights(design);
  if (!known.has(rule)) known.set(rule, lookAhead(board, design, rule));
  return known.get(rule);
};

const foresights = remembered(() => new Map());

function lookAhead(board, design, rule) {
  const graph = wholeGraph(design, board);
  if (!graph) return null;
  const isMeant = (name) => rule === "" || name === rule;
  const finishing = board.rules.some(([name, , on]) => on === "finish" && isMeant(name));
  const stuck = new Set(finishing ? design.stuck : []);
  const isEnd = (n) => allEnded(board, graph.states[n]) && !touchedGone(board, graph.states[n]);
  const endsBadly = (n) => isEnd(n) && brokenAtEnd(board, graph.states[n]).some(isMeant);
  const breaks = (edge) => edge.breaks.some(isMeant);
  return {
    graph,
    breaks,
    toBreak: nearest(graph, (n) => stuck.has(n) || endsBadly(n), breaks),
    toSafety: nearest(
      graph,
      (n) => isEnd(n) && !endsBadly(n),
      (_edge) => false,
      (edge) => !breaks(edge),
    ),
  };
}

/** The steps from `state` along falling `distance`; with as few changes of thread as is easy to see. */
export function route({ graph, breaks }, distance, state, avoids) {
  let schedule = "";
  for (let here = state; distance[here] > 0;) {
    const nearer = graph.edges[here].filter((edge) =>
      avoids
        ? !breaks(edge) && distance[edge.to] === distance[here] - 1
        : (distance[here] === 1 && breaks(edge)) || distance[edge.to] === distance[here] - 1,
    );
    const edge = nearer.find(({ digit }) => digit === schedule.at(-1)) ?? nearer[0];
    schedule += edge.digit;
    if (!avoids && breaks(edge)) break;
    here = edge.to;
  }
  return schedule;
}

/** A walk at random from `state` to an end, or until `most` steps are taken; the same for the same seed. */
export function randomWalk(board, design, state, seed, most = 100) {
  const random = mulberry32(seed);
  let schedule = "";
  for (let here = state; schedule.length < most;) {
    const moves = board.threads.map((_, t) => moveOf(board, design, here, t)).filter(canMove);
    if (!moves.length) break;
    const move = moves[Math.floor(random() * moves.length)];
    schedule += move[0] + 1;
    here = after(here, move);
  }
  return schedule;
}

/** Random numbers from 0 up to 1, after Tommy Ettinger's mulberry32. */
function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
