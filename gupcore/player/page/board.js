// The board: the data that Python hands over. See data.py for the format; nothing here knows what it means.

export const VERSION = 5;
const BLOCKED = -1;

/**
 * Keep what `make` makes of an object for as long as the object lives.
 * @template {object} Key
 * @template Made
 * @param {(key: Key, ...more: any[]) => Made} make
 * @returns {(key: Key, ...more: any[]) => Made}
 */
export function remembered(make) {
  const made = new WeakMap();
  return (key, ...more) => {
    if (!made.has(key)) made.set(key, make(key, ...more));
    return made.get(key);
  };
}

/**
 * Say what is wrong with `board`, in a sentence; "" if it can be walked.
 * @type {(board: Board | undefined) => string}
 */
export function complaint(board) {
  const broken = "The data of this player is incomplete, so there is nothing to step through.";
  if (!board) return broken;
  if (board.version !== VERSION) {
    return `This player reads data of version ${VERSION}, and was given version ${board.version}.`;
  }
  try {
    return isWhole(board) ? "" : broken;
  } catch {
    return broken;
  }
}

/** The moves as rows [thread, machine, node, machine after, node after, said, breaks, meets], from differences. */
const movesOf = remembered((/** @type {Board} */ { moves: [threads, machines, nodes, ...columns] }) => {
  let [thread, machine, node] = [0, 0, 0];
  return threads.map((_, n) => {
    thread += threads[n];
    machine += machines[n];
    node += nodes[n];
    const [to, at, ...said] = columns.map((column) => column[n]);
    return [thread, machine, node, machine + to, node + at, ...said];
  });
});

/** @type {(board: Board) => boolean} */
function isWhole(board) {
  const { threads, rules, text, code, values, things, machines, stopped, uneven, nodes, breaks, addresses, cpus } =
    board;
  const { glyphs, drawn, pictures, known, meets, verdicts, outcomes, designs } = board;
  const moves = movesOf(board);
  const isIn = (number, list) => Number.isInteger(number) && number >= 0 && number < list.length;
  const areIn = (numbers, list) => numbers.every((number) => isIn(number, list));
  const isPlace = (number, line) => typeof code[number][2][line - code[number][1]] === "string";
  const isNode = (node) =>
    (node.length === 1 && isIn(node[0], text)) ||
    (node.length >= 5 &&
      node.length % 2 === 1 &&
      areIn(node.slice(0, 2), text) &&
      isIn(node[2], known) &&
      node.every((number, n) => n < 3 || n % 2 === 0 || isPlace(number, node[n + 1])));
  const isMove = ([thread, machine, node, to, at, said, broken, met]) =>
    isIn(thread, threads) &&
    areIn([machine, to], machines) &&
    areIn([node, at], nodes) &&
    isIn(said, text) &&
    (broken === BLOCKED || isIn(broken, breaks)) &&
    isIn(met, meets);
  const isDesign = ({ start, moves: runs, verdicts: judged, outcomes: ends, stuck, imports }) =>
    isIn(imports, text) &&
    start.length === threads.length + 1 &&
    isIn(start[0], machines) &&
    areIn(start.slice(1), nodes) &&
    runs.every((run) => run >= 0) &&
    runs.reduce((sum, run) => sum + run, 0) <= moves.length &&
    judged.length === rules.length &&
    areIn(judged, verdicts) &&
    Array.isArray(stuck) &&
    (ends === null || ends.every(([n]) => isIn(n, outcomes)));
  return (
    threads.length > 0 &&
    cpus.length === threads.length &&
    designs.length > 0 &&
    rules.every(Array.isArray) &&
    breaks.every(Array.isArray) &&
    verdicts.every(Array.isArray) &&
    outcomes.every(Array.isArray) &&
    things.every((all) => all.every(Array.isArray)) &&
    values.every(([, ...words]) => words.length > 0 && areIn(words, text)) &&
    machines.every(
      ([shown, picture, ...all]) =>
        all.length === things[shown].length && areIn(all, values) && isIn(picture, pictures),
    ) &&
    pictures.every((picture) => areIn(picture, drawn)) &&
    drawn.every(([glyph]) => isIn(glyph, glyphs)) &&
    addresses.every(([source]) => isIn(source, text)) &&
    known.every(Array.isArray) &&
    meets.every((met) => met.every(Array.isArray)) &&
    stopped.every(([machine]) => isIn(machine, machines)) &&
    uneven.every(([machine]) => isIn(machine, machines)) &&
    nodes.every(isNode) &&
    moves.every(isMove) &&
    designs.every(isDesign)
  );
}

/** What each thread of a design does where: for each thread, (machine, node) -> its move. */
const tables = remembered((/** @type {Design} */ design, /** @type {Board} */ board) => {
  const table = board.threads.map(() => new Map());
  let end = 0;
  for (let n = 0; n < design.moves.length; n += 2) {
    const begin = end + design.moves[n];
    end = begin + design.moves[n + 1];
    for (const move of movesOf(board).slice(begin, end)) {
      table[move[0]].set(move[1] * board.nodes.length + move[2], move);
    }
  }
  return table;
});

/**
 * A state is the machine and the node of each thread, as numbers.
 * @type {(design: Design) => State}
 */
export const startOf = ({ start }) => ({ machine: start[0], nodes: start.slice(1) });

/**
 * What thread `t` (from 0) does in `state`: a move, why it is blocked, or undefined.
 * @type {(board: Board, design: Design, state: State, t: number) => Move | undefined}
 */
export function moveOf(board, design, { machine, nodes }, t) {
  return tables(design, board)[t].get(machine * board.nodes.length + nodes[t]);
}

/** @type {(move: Move | undefined) => boolean} */
export const canMove = (move) => move !== undefined && move[6] !== BLOCKED;
/** @type {(board: Board, state: State, t: number) => boolean} */
export const hasEnded = (board, state, t) => board.nodes[state.nodes[t]].length === 1;

/**
 * The state after `move`.
 * @type {(state: State, move: Move) => State}
 */
export const after = ({ nodes }, [t, , , machine, node]) => ({
  machine,
  nodes: nodes.map((stays, other) => (other === t ? node : stays)),
});

/**
 * What a move does, in a sentence; or why it cannot be made.
 * @type {(board: Board, move: Move) => string}
 */
export const saidBy = (board, move) => board.text[move[5]];
/** @type {(board: Board, move: Move) => string[]} */
export const brokenBy = (board, move) => board.breaks[move[6]];

const stoppedAt = remembered((/** @type {Board} */ board) => new Map(board.stopped));
const unevenAt = remembered((/** @type {Board} */ board) => new Map(board.uneven));

/**
 * The thing whose touch stopped the machine; undefined where it runs.
 * @type {(board: Board, state: State) => string | undefined}
 */
export const touchedGone = (board, { machine }) => stoppedAt(board).get(machine);

/**
 * The rules that are broken if all ends in this state.
 * @type {(board: Board, state: State) => string[]}
 */
export const brokenAtEnd = (board, { machine }) => unevenAt(board).get(machine) ?? [];

/** @type {(board: Board, state: State) => boolean} */
export const allEnded = (board, state) => board.threads.every((_, t) => hasEnded(board, state, t));

/**
 * What the checker says of each rule: [{rule, says, status, short, schedule, loop, why}, ...].
 * @type {(board: Board, design: Design) => Verdict[]}
 */
export const verdictsOn = ({ rules, verdicts }, design) =>
  design.verdicts.map((number, n) => {
    const [status, short, schedule, loop, why] = verdicts[number];
    return { rule: rules[n][0], says: rules[n][1], status, short, schedule, loop, why };
  });

/**
 * How all schedules end: [{short, schedule, loop, count, share}, ...]; null if that is not known.
 * @type {(board: Board, design: Design) => Outcome[] | null}
 */
export const outcomesOf = ({ outcomes }, design) =>
  design.outcomes?.map(([number, count, share]) => {
    const [short, schedule, loop] = outcomes[number];
    return { short, schedule, loop, count, share };
  }) ?? null;

/** Where the kernel's lines of a step can be read: {number of its sentence: address}. */
const addressOf = remembered((/** @type {Board} */ { addresses }) => new Map(addresses));

/**
 * Where thread `t` stands: what it would do next, and the lines, outermost function first.
 * @type {(board: Board, state: State, t: number) => Standing}
 */
export function standsAt(board, state, t) {
  const { nodes, text, code } = board;
  const node = nodes[state.nodes[t]];
  if (node.length === 1) return { ended: text[node[0]], places: [] };
  const places = [];
  for (let n = 3; n < node.length; n += 2) {
    const [name, first, lines] = code[node[n]];
    places.push({ name, first, lines, line: node[n + 1], text: lines[node[n + 1] - first].trim() });
  }
  return { source: text[node[0]], address: addressOf(board).get(node[0]), does: text[node[1]], places };
}

/**
 * The things of a machine: what each is called, whether it exists, and what there is to say of it.
 * @type {(board: Board, state: State) => Thing[]}
 */
export function thingsOf({ machines, things, values, text }, { machine }) {
  const [shown, , ...all] = machines[machine];
  return things[shown].map(([name, kind], n) => {
    const [exists, words, ...detail] = values[all[n]];
    return { name, kind, exists: Boolean(exists), value: text[words], detail: detail.map((d) => text[d]) };
  });
}

// --- The picture --------------------------------------------------------------------------------

/**
 * A list of two things in turn, as pairs.
 * @type {(flat: any[]) => [any, any][]}
 */
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]);

/** How each thing is drawn, as `Drawn` in picture.py: [{name, look, room, state, words, refs, held, ...}, ...]. */
const drawings = remembered((/** @type {Board} */ { glyphs, drawn }) =>
  drawn.map(([glyph, state, words, refs, held, keeper, points]) => {
    const [name, look, room] = glyphs[glyph];
    return { name, look, room, state, words, refs, held, keeper, points: pairs(points) };
  }),
);

/**
 * All that is drawn of a state's machine.
 * @type {(board: Board, state: State) => Drawing[]}
 */
export const pictureOf = (board, { machine }) =>
  board.pictures[board.machines[machine][1]].map((number) => drawings(board)[number]);

/**
 * Every drawing of the board: where each thing stands must not depend on what has become of it.
 * @type {(board: Board) => Drawing[]}
 */
export const everyDrawing = (board) => drawings(board);

/**
 * What thread `t` knows where it stands: [{name, words, about}, ...].
 * @type {(board: Board, state: State, t: number) => Knowledge[]}
 */
export function knownBy({ nodes, known }, state, t) {
  const node = nodes[state.nodes[t]];
  if (node.length === 1) return [];
  return known[node[2]].map(([name, words, about]) => ({ name, words, about }));
}

/**
 * The names of the things that a move touches; of a blocked one, of the CPUs it waits for, too.
 * @type {(board: Board, move: Move | null | undefined) => string[]}
 */
export const touchedBy = ({ meets }, move) => (move ? meets[move[7]][0] : []);

/**
 * What a move takes for its thread, or gives back: [[name of the thing, references], ...].
 * @type {(board: Board, move: Move) => [thing: string, more: number][]}
 */
export const takenBy = ({ meets }, move) => pairs(meets[move[7]][1]);
