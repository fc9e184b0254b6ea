// The data that Python hands over, as player/format.py describes it, and what the page makes of it.
// A test holds the keys of Board and Design against Python's.

type Row = number[];

interface Design {
  name: string;
  says: string;
  python: string;
  imports: number;
  start: Row;
  moves: Row;
  states: number;
  complete: boolean;
  stuck: Row;
  verdicts: Row;
  outcomes: [verdict: number, count: string, share: number][] | null;
  switches?: Row;
}

interface Board {
  text: string[];
  code: [name: string, first: number, lines: (string | null)[]][];
  values: Row[];
  things: [name: string, kind: string][][];
  machines: Row[];
  glyphs: [name: string, look: string, room: string][];
  drawn: [
    glyph: number,
    state: string,
    words: string,
    refs: number | null,
    held: (string | number)[],
    keeper: string,
    points: string[],
  ][];
  pictures: Row[];
  stopped: [machine: number, thing: string][];
  uneven: [machine: number, rules: string[]][];
  nodes: Row[];
  addresses: [source: number, address: string][];
  known: [name: string, words: string, about: string][][];
  meets: [touched: string[], taken: (string | number)[]][];
  breaks: string[][];
  moves: Row[];
  verdicts: [status: string, short: string, schedule: string, loop: string, why: string][];
  outcomes: [short: string, schedule: string, loop: string][];
  version: number;
  scenario: string;
  key: string;
  says: string;
  threads: string[];
  cpus: (number | null)[];
  rules: [name: string, says: string, on: string][];
  switches: [name: string, settings: string[]][];
  designs: Design[];
}

/** Where all threads stand. */
interface State {
  machine: number;
  nodes: Row;
}

/** Every state in the order of a breadth-first search, and how each is first reached. */
interface Graph {
  states: State[];
  depth: Row;
  way: ([from: number, digit: number] | null)[];
  number: Map<string, number>;
  edges: { to: number; digit: string; breaks: string[] }[][];
}

/** [thread, machine, node, machine after, node after, said, breaks, meets] */
type Move = Row;

interface Verdict {
  rule: string;
  says: string;
  status: string;
  short: string;
  schedule: string;
  loop: string;
  why: string;
}

interface Outcome {
  short: string;
  schedule: string;
  loop: string;
  count: string;
  share: number;
}

/** A line that a thread stands on. */
interface Place {
  name: string;
  first: number;
  lines: (string | null)[];
  line: number;
  text: string;
}

/** Where a thread stands: what it would do next, and where; or what it has ended with. */
interface Standing {
  ended?: string;
  source?: string;
  address?: string;
  does?: string;
  places: Place[];
}

/** A thing in words. */
interface Thing {
  name: string;
  kind: string;
  exists: boolean;
  value: string;
  detail: string[];
}

/** A thing as it is drawn; see checker/picture.py. */
interface Drawing {
  name: string;
  look: string;
  room: string;
  state: string;
  words: string;
  refs: number | null;
  held: (string | number)[];
  keeper: string;
  points: [does: string, to: string][];
}

/** What a thread knows. */
interface Knowledge {
  name: string;
  words: string;
  about: string;
}

/** Where the reader is; see game.js. */
interface Game {
  design: number;
  schedule: string;
  wish: string;
  track: string;
  loop: string;
  title: string;
  playing: boolean;
  pace: string;
  note: string;
  open: string[];
  panels: string[];
  watched: string;
  beside: Row;
  seed: number;
  answers: Record<string, string>;
  told: string;
  copied: { text: string; says: string } | null;
}
