// The scene: the machine as a picture, in which every reference is a line to whoever holds it.
//
// Where a thing stands follows from the board alone, so nothing moves from step to step. The first three
// rooms stand side by side, further ones below them; the threads stand on the left, or below on a phone.
// The picture repeats what the lists of things say in words, and is hidden from a screen reader.

import {
  canMove,
  everyDrawing,
  hasEnded,
  knownBy,
  moveOf,
  pictureOf,
  remembered,
  takenBy,
  touchedBy,
  touchedGone,
} from "./board.js";
import { draw, h } from "./elements.js";

const GONE = "gone";
const TRANSFER = "DMA"; // the words of the section in which a thread's device moves data, see kernel/picture.py
const HEIGHT = 46; // of a thing
const BETWEEN = 8; // between two things
const HEAD = 16; // a room's name
const DOT = 4.5; // the radius of a reference
const APART = 12; // from one reference to the next

// `pad` is from a room's wall to its things, `gap` from one room to the next.
const WIDE = { width: 656, threads: 156, gap: 16, pad: 6, isWide: true };
const NARROW = { width: 312, threads: 0, gap: 6, pad: 3, isWide: false };

// --- Where everything stands --------------------------------------------------------------------

/** The rooms of a board in the order in which they are first named: [[name, [thing, ...]], ...]. */
const roomsOf = remembered((/** @type {Board} */ board) => {
  const rooms = new Map();
  for (const { name, look, room } of everyDrawing(board)) {
    if (look === "section" || room.startsWith("CPU ")) continue;
    if (!rooms.has(room)) rooms.set(room, new Set());
    rooms.get(room).add(name);
  }
  if (!rooms.size) rooms.set("machine", new Set()); // never an empty stage
  return [...rooms].map(([name, things]) => [name, [...things]]);
});

const cachesOf = remembered(
  (/** @type {Board} */ board) =>
    new Map(
      everyDrawing(board)
        .filter(({ look }) => look === "cache")
        .map(({ name, room }) => [name, room]),
    ),
);

/** The number of the thread on a CPU, from its name; -1 if there is none. */
const threadOn = ({ cpus }, name) => cpus.indexOf(Number(name.slice("CPU ".length)));

const layouts = remembered(() => new Map());

/** Where a board's rooms, things and threads stand: {width, height, rooms, things, threads}. */
function layoutOf(board, format) {
  const known = layouts(board);
  if (!known.has(format)) known.set(format, layOut(board, format));
  return known.get(format);
}

function layOut(board, { width, threads: left, gap, pad, isWide }) {
  const rooms = roomsOf(board);
  const [upper, lower] = [rooms.slice(0, 3), rooms.slice(3)];
  const from = isWide ? left + gap : 0;
  const things = new Map();
  const boxes = [];
  const single = (width - from - gap * (upper.length - 1)) / upper.length;
  const rows =
    upper.length === 1
      ? Math.ceil(upper[0][1].length / 3) || 1
      : Math.max(1, ...upper.map(([, names]) => names.length));
  const high = (count) => pad + count * (HEIGHT + BETWEEN) - BETWEEN + pad;
  upper.forEach(([name, names], n) => {
    const box = { name, x: from + n * (single + gap), y: HEAD, width: single, height: high(rows) };
    boxes.push(box);
    placeInside(things, box, pad, names, upper.length === 1 ? Math.min(3, names.length) : 1);
  });
  let y = HEAD + high(rows);
  for (const [name, names] of lower) {
    const columns = isWide || names.length < 4 ? Math.min(names.length, 4) : 2;
    const box = {
      name,
      x: from,
      y: y + gap + HEAD,
      width: width - from,
      height: high(Math.ceil(names.length / columns)),
    };
    boxes.push(box);
    placeInside(things, box, pad, names, columns, true);
    y = box.y + box.height;
  }
  const caches = new Set(cachesOf(board).values()).size;
  const count = board.threads.length;
  const tall = 52 + (caches ? 22 : 0);
  const threads = board.threads.map((_, t) => {
    if (isWide) return { x: 1, width: left, height: tall, y: HEAD + t * (tall + BETWEEN) };
    const columns = Math.min(count, 2);
    const wide = (width - gap * (columns - 1)) / columns - 1;
    return {
      x: 0.5 + (t % columns) * (wide + gap),
      y: y + 26 + Math.floor(t / columns) * (tall + BETWEEN),
      width: wide,
      height: tall,
    };
  });
  cachesOf(board).forEach((cpu, name) => {
    const owner = threads[threadOn(board, cpu)];
    if (!owner) return; // nobody in this scene runs there
    const { x, y: top, width: wide, height } = owner;
    things.set(name, { x: x + 6, y: top + height - 24, width: wide - 12, height: 20 });
  });
  const last = threads.at(-1);
  return { width, height: Math.max(y, last.y + last.height) + 2, rooms: boxes, things, threads, isWide };
}

/** A thing of an upper room is held from below, one of a lower room from above: between them there is space. */
function placeInside(things, { x, y, width }, pad, names, columns, isLower = false) {
  const each = (width - 2 * pad - BETWEEN * (columns - 1)) / columns;
  names.forEach((name, n) =>
    things.set(name, {
      x: x + pad + (n % columns) * (each + BETWEEN),
      y: y + pad + Math.floor(n / columns) * (HEIGHT + BETWEEN),
      width: each,
      height: HEIGHT,
      isLower,
    }),
  );
}

// --- Who holds what -----------------------------------------------------------------------------

/**
 * What the threads hold at the end of a walk, from what their steps took and gave back.
 * Returns {held, lost, cut}, a Map for each thread: {thing: references}; `lost` are those on what went while
 * they were held, and `cut` those of them that have not been given back since.
 */
export function holdingsAfter(board, design, path, schedule) {
  const held = board.threads.map(() => new Map());
  const [lost, cut] = [board.threads.map(() => new Map()), board.threads.map(() => new Map())];
  [...schedule].forEach((digit, n) => {
    const mine = held[digit - 1];
    for (const [thing, more] of takenBy(board, moveOf(board, design, path[n], digit - 1))) {
      mine.set(thing, Math.max(0, (mine.get(thing) ?? 0) + more));
      if (more < 0) cut[digit - 1].delete(thing);
    }
    for (const { name, state } of pictureOf(board, path[n + 1])) {
      if (state !== GONE) continue;
      held.forEach((things, t) => {
        if (things.get(name)) [lost, cut].forEach((all) => all[t].set(name, things.get(name)));
        things.delete(name);
      });
    }
  });
  return { held, lost, cut };
}

/**
 * The holders of each reference on a thing: [{by: thing's name or thread's number, kind}, ...].
 * `kind`: "thing", "thread", "own" (it was born with it) or "lacking": there are more holders than the count says.
 */
export function holdersOf({ name, refs, held, keeper }, threads) {
  const things = held.map((by) => ({ by, kind: "thing" }));
  const taken = threads.flatMap((all, t) =>
    Array.from({ length: all.get(name) ?? 0 }, () => ({ by: t, kind: "thread" })),
  );
  const holders = [...things, ...taken];
  const own = refs - holders.length;
  if (own < 0) return holders.map((holder, n) => (n < holders.length + own ? holder : { ...holder, kind: "lacking" }));
  return [...holders, ...Array.from({ length: own }, () => ({ by: keeper, kind: "own" }))];
}

// --- The picture --------------------------------------------------------------------------------

export function sceneView(board, design, game, path, last, veiled, isWide) {
  const shows = {
    ...holdingsAfter(board, design, path, game.schedule),
    picture: pictureOf(board, path.at(-1)),
    before: new Map(pictureOf(board, path.at(-2) ?? path[0]).map((thing) => [thing.name, thing])),
    touched: last ? touchedBy(board, moveOf(board, design, path.at(-2), last.digit - 1)) : [],
    veiled, // the number of a thread of which it must not be seen whether it can step
  };
  return h(
    "div",
    { class: "gup-scene", "aria-hidden": "true" },
    drawScene(board, design, path, last, shows, layoutOf(board, isWide ? WIDE : NARROW)),
  );
}

function drawScene(board, design, path, last, shows, at) {
  const { picture, held, cut, before, touched, veiled } = shows;
  const state = path.at(-1);
  const spots = new Map(); // where the references on a thing are drawn: [{x, y}, ...]
  const things = picture.filter(({ name }) => at.things.has(name));
  const glyphs = things.map((thing) => {
    const holders = thing.refs === null || thing.state === GONE ? [] : holdersOf(thing, held);
    const box = at.things.get(thing.name);
    spots.set(
      thing.name,
      holders.map((holder, n) => ({ ...holder, ...spot(box, n, holders.length) })),
    );
    const was = before.get(thing.name);
    const changed = !was || was.state !== thing.state || was.words !== thing.words || was.refs !== thing.refs;
    return glyphView(thing, box, spots.get(thing.name), changed, last?.stopped === thing.name);
  });
  const where = (name) => at.things.get(name);
  const arrows = things.flatMap((thing) =>
    thing.points
      .filter(([, to]) => where(to))
      .map(([does, to]) =>
        draw(
          "g",
          { class: `gup-arrow gup-${does}`, "data-from": thing.name, "data-to": to },
          arch(where(thing.name), where(to), does),
        ),
      ),
  );
  const tethers = [...spots].flatMap(([name, all]) =>
    all.map(({ by, kind, ...to }) => {
      const box = typeof by === "string" ? where(by) : at.threads[by];
      return (
        box &&
        draw("path", {
          class: `gup-tether gup-by-${kind}`,
          "data-thread": typeof by === "number" && by + 1,
          "data-thing": name,
          d: link(box, to, at),
        })
      );
    }),
  );
  const transfers = board.threads.map((_, t) => transferView(board, picture, held[t], t, where, at));
  const loose = cut.flatMap((all, t) =>
    [...all.keys()].filter(where).map((name) =>
      draw("path", {
        class: "gup-tether gup-cut",
        "data-thread": t + 1,
        d: link(at.threads[t], edgeOf(where(name), at.threads[t], at), at),
      }),
    ),
  );
  const hand = last && touched.filter(where).map((name) => touchView(at, last, name));
  const waits = board.threads.map((_, t) => t + 1 !== veiled && waitView(board, design, state, t, at, things, held));
  return draw(
    "svg",
    {
      class: at.isWide ? "gup-wide-scene" : "gup-narrow-scene",
      viewBox: `0 0 ${at.width} ${at.height}`,
    },
    at.rooms.map(({ name, x, y, width, height }) => [
      draw("rect", { class: "gup-room", x, y, width, height, rx: 5 }),
      draw("text", { class: "gup-room-name", x: x + 2, y: y - 5 }, name),
    ]),
    board.threads.map((label, t) => threadView(board, design, state, t, label, at, picture, last, t + 1 === veiled)),
    arrows,
    tethers,
    loose,
    glyphs,
    transfers,
    waits,
    hand,
  );
}

const spot = ({ x, y, width, height, isLower }, n, count) => {
  const step = Math.min(APART, (width - 20) / Math.max(count, 1));
  return { x: x + width - 12 - (count - 1 - n) * step, y: isLower ? y + 7 : y + height - 9, isAbove: isLower };
};

function glyphView({ name, look, state, words }, { x, y, width, height, isLower }, dots, changed, isTouch) {
  const classes = ["gup-glyph", `gup-look-${look}`, `gup-is-${state}`, changed && "gup-fresh", isTouch && "gup-hole"];
  const isLow = height < HEIGHT;
  const inside = isLow ? `TLB: ${words}` : name;
  const top = y + (isLower ? 22 : 14); // below the references, where these are above
  return draw(
    "g",
    { class: classes.filter(Boolean).join(" "), "data-thing": name },
    draw("rect", { x, y, width, height, rx: look === "frame" ? 0 : 4 }),
    state === "dying" && draw("path", { class: "gup-hatch", d: hatch(x, y, width, height) }),
    draw("text", { class: "gup-name", x: x + 7, y: top }, fit(inside, width, 7.5)),
    !isLow && draw("text", { x: x + 7, y: top + 14 }, fit(words, width)),
    dots.map(({ kind, by, x: cx, y: cy }) =>
      draw("circle", {
        class: `gup-dot-ref gup-by-${kind}`,
        "data-thread": typeof by === "number" && by + 1,
        cx,
        cy,
        r: DOT,
      }),
    ),
  );
}

/** As much of a text as there is room for, at so many units a letter. */
const fit = (text, width, each = 6.1) => {
  const most = Math.floor((width - 9) / each);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

function hatch(x, y, width, height) {
  let path = "";
  for (let from = x - height + 6; from < x + width; from += 9) {
    const [x1, x2] = [Math.max(from, x), Math.min(from + height, x + width)];
    path += `M${x1} ${y + height - (x1 - from)}L${x2} ${y + height - (x2 - from)}`;
  }
  return path;
}

function threadView(board, design, state, t, label, at, picture, last, isVeiled) {
  const { x, y, width, height } = at.threads[t];
  const cpu = `CPU ${board.cpus[t]}`;
  const inside = picture.filter(({ look, held }) => look === "section" && held.includes(cpu)).map(({ words }) => words);
  const move = moveOf(board, design, state, t);
  const ended = hasEnded(board, state, t);
  const does = ended ? "ended" : !isVeiled && move && !canMove(move) && !touchedGone(board, state) ? "waits" : "";
  const all = knownBy(board, state, t).filter(({ about }) => about);
  const knows = all.find(({ name }) => name !== "pgmap") ?? all[0];
  const moved = last?.digit === String(t + 1);
  const classes = `gup-thread${moved ? " gup-moved" : ""}${ended ? " gup-over" : ""}`;
  return draw(
    "g",
    { class: classes, "data-thread": t + 1 },
    draw("rect", { class: "gup-card", x, y, width, height, rx: 5 }),
    draw("circle", { class: "gup-who", cx: x + 15, cy: y + 15, r: 10 }),
    draw("text", { class: "gup-digit", x: x + 15, y: y + 19 }, t + 1),
    draw("text", { class: "gup-name", x: x + 30, y: y + 13 }, fit(label, width - 26)),
    draw("text", { x: x + 30, y: y + 26 }, fit([does, ...inside].filter(Boolean).join(" · "), width - 26)),
    knows && draw("text", { class: "gup-knows", x: x + 8, y: y + 43 }, fit(`${knows.name} ${knows.words}`, width, 6.7)),
  );
}

/** From where a thread waits to each thread and thing that it waits for. */
function waitView(board, design, state, t, at, drawings, held) {
  const move = moveOf(board, design, state, t);
  if (!move || canMove(move) || touchedGone(board, state)) return null;
  const names = touchedBy(board, move);
  const cpus = names
    .filter((name) => name.startsWith("CPU "))
    .map((name) => threadOn(board, name))
    .filter((other) => at.threads[other] && other !== t);
  const met = cpus.length ? [] : drawings.filter(({ name }) => names.includes(name));
  const used = met.filter((thing) => thing.refs !== null && holdersOf(thing, held).some(({ kind }) => kind !== "own"));
  const things = (used.length ? used : met).map(({ name }) => name);
  const from = at.threads[t];
  return [
    ...cpus.map((other) =>
      draw("path", { class: "gup-wait", "data-thread": t + 1, d: between(from, at.threads[other], at) }),
    ),
    ...things.map((name) =>
      draw("path", {
        class: "gup-wait",
        "data-thread": t + 1,
        d: link(from, edgeOf(at.things.get(name), from, at), at),
      }),
    ),
  ];
}

/** The data that a thread's device moves: from the thread to the frame of each page that it holds. */
function transferView(board, picture, held, t, where, at) {
  const cpu = `CPU ${board.cpus[t]}`;
  const isMoving = picture.some(({ look, words, held: cpus }) => isTransfer(look, words) && cpus.includes(cpu));
  const frames = isMoving
    ? picture.filter(({ name }) => held.get(name) > 0).flatMap(({ points }) => points.map(([, to]) => to))
    : [];
  return [...new Set(frames)].filter(where).map((name) => {
    const d = link(at.threads[t], edgeOf(where(name), at.threads[t], at), at);
    return draw(
      "g",
      { class: "gup-transfer", "data-thread": t + 1, "data-thing": name },
      draw("path", { class: "gup-pipe", d }),
      draw("path", { class: "gup-flow", d }),
    );
  });
}

const isTransfer = (look, words) => look === "section" && words === TRANSFER;

/** The last step's hand: from the thread to what it touched, thickest where that is gone. */
function touchView(at, last, name) {
  const from = at.threads[last.digit - 1];
  const box = at.things.get(name);
  const isGone = last.stopped === name;
  const to = edgeOf(box, from, at);
  return draw(
    "g",
    { class: `gup-touch${isGone ? " gup-oops-touch" : ""}`, "data-thread": last.digit, "data-thing": name },
    draw("path", { d: link(from, to, at) }),
    draw("path", { class: "gup-tip", d: tip(to, to.isSide) }),
    isGone && draw("text", { class: "gup-cross", x: box.x + box.width - 20, y: box.y + 30 }, "✕"),
  );
}

/** An arrow's head that comes from the left, or from below. */
const tip = ({ x, y }, isFromLeft) => (isFromLeft ? `M${x + 1} ${y}l-8 -4v8z` : `M${x} ${y - 1}l-4 8h8z`);

const centre = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });

/** Where a line from a thread meets a box: at its side, or from below where something stands between. */
function edgeOf(box, other, { isWide }) {
  const [to, from] = [centre(box), centre(other)];
  const isNext = isWide && other.x + other.width < box.x && box.x - other.x - other.width < 2 * BETWEEN + WIDE.gap;
  if (isNext) return { x: box.x, y: to.y - 6, isSide: true };
  const isBelow = isWide ? !box.isLower && (from.y > to.y || other.x + other.width < box.x) : from.y > to.y;
  return { x: to.x + 14, y: isBelow ? box.y + box.height : box.y, isAbove: !isBelow };
}

/** From a box to a point: out at the side that faces it; to a point that is not at a side, in from below. */
function link(box, to, { isWide }) {
  const middle = centre(box);
  const isBeside = isWide && box.x + box.width < to.x;
  if (isBeside && to.isSide) {
    const [x, half] = [box.x + box.width, (to.x - box.x - box.width) / 2];
    return `M${x} ${middle.y}C${x + half} ${middle.y} ${to.x - half} ${to.y} ${to.x} ${to.y}`;
  }
  if (isBeside && to.isAbove) {
    const isNear = Math.abs(middle.y - to.y) < HEIGHT; // in the same row
    const [x, y] = isNear ? [box.x + box.width - 24, box.y] : [box.x + box.width, middle.y];
    return `M${x} ${y}C${isNear ? x : x + 40} ${to.y - 34} ${to.x} ${to.y - 40} ${to.x} ${to.y}`;
  }
  if (isBeside) {
    const x = box.x + box.width;
    const low = Math.max(to.y + 22, middle.y);
    return `M${x} ${middle.y}C${x + 40} ${low} ${to.x} ${low + 12} ${to.x} ${to.y}`;
  }
  const x = Math.min(Math.max(to.x, box.x + 8), box.x + box.width - 8);
  const y = middle.y > to.y ? box.y : box.y + box.height;
  const half = (to.y - y) / 2;
  return `M${x} ${y}C${x} ${y + half} ${to.x} ${to.y - half} ${to.x} ${to.y}`;
}

/** From one thread to another, bent outwards. */
function between(from, to, { isWide }) {
  const [a, b] = [centre(from), centre(to)];
  if (!isWide) return `M${a.x} ${from.y}C${a.x} ${from.y - 20} ${b.x} ${to.y - 20} ${b.x} ${to.y}`;
  const [xa, xb] = [from.x + from.width, to.x + to.width];
  return `M${xa} ${a.y}C${xa + 14} ${a.y} ${xb + 14} ${b.y} ${xb} ${b.y}`;
}

/** From a thing to the frame it points at: an entry goes over what stands between, a cache comes from below. */
function arch(from, to, does) {
  const isLeft = from.x + from.width <= to.x;
  if (does === "describes")
    return draw("path", { d: `M${from.x + from.width} ${centre(from).y}L${to.x} ${centre(to).y}` });
  const start = { x: from.x + from.width, y: from.y + Math.min(12, from.height / 2) };
  const end = { x: to.x, y: to.y + 14 };
  if (isLeft && from.height === HEIGHT) {
    const d = `M${start.x} ${start.y}C${start.x + 30} ${start.y - 24} ${end.x - 50} ${end.y - 26} ${end.x} ${end.y}`;
    return [draw("path", { d }), draw("path", { class: "gup-tip", d: tip(end, true) })];
  }
  const foot = { x: to.x + to.width - 20, y: to.y + to.height };
  const up = from.x + from.width - 14;
  const d = isLeft
    ? `M${start.x} ${start.y}C${start.x + 60} ${start.y} ${foot.x} ${foot.y + 90} ${foot.x} ${foot.y}`
    : `M${up} ${from.y}C${up} ${from.y - 60} ${foot.x} ${foot.y + 60} ${foot.x} ${foot.y}`;
  return [draw("path", { d }), draw("path", { class: "gup-tip", d: tip(foot, false) })];
}
