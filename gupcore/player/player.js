// The player: a reader's hand on the threads.
//
// One module for two hosts. In a live notebook anywidget calls `render`; in the rendered book the page
// holds this text followed by `mountAll(document)`. Both end in `mount`, which needs of its host no
// more than a model with get, set, on, off and save_changes.
//
// Python has explored every state, and this module only walks from one to the next: it knows no pages,
// no locks and no rules, so the page and the checker cannot disagree. Every action makes a new `game`,
// `view` draws a whole new tree from it, and `patch` carries the differences over to the tree on the
// page: elements stay where they were, and the focus with them.

const VERSION = 2;
const PACE = 1200; // milliseconds a step, when playing
const AROUND = 3; // lines of source shown before and after the current one

// --- Elements -----------------------------------------------------------------------------------

/** Make an element. Attributes that are false, null or undefined are left out, and so are children. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === 0 || value) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

const hidden = (text) => h("span", { class: "gup-hidden" }, text);
const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Make the element `old` look like `fresh`, replacing as little as possible. */
function patch(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name); // a reader opens it
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.type === "radio") old.checked = fresh.hasAttribute("checked");
  const present = [...old.childNodes];
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, n) => {
    const there = present[n];
    if (!there) old.append(child);
    else if (there.isEqualNode(child)) return;
    else if (there.nodeName !== child.nodeName) there.replaceWith(child);
    else if (child.nodeType === Node.TEXT_NODE) there.data = child.data;
    else patch(there, child);
  });
  present.slice(wanted.length).forEach((child) => child.remove());
}

// --- The graph ----------------------------------------------------------------------------------

/** Say what is wrong with `board`, in a sentence; "" if it can be walked. See data.py for the format. */
function complaint(board) {
  const broken = "The data of this player is incomplete, so there is nothing to step through.";
  if (!board) return broken;
  if (board.version !== VERSION) {
    return `This player reads data of version ${VERSION}, and was given version ${board.version}.`;
  }
  try {
    return board.designs.length && board.designs.every((design) => isWhole(board, design)) ? "" : broken;
  } catch {
    return broken;
  }
}

function isWhole({ text, code }, { threads, things, machines, states, moves, verdicts }) {
  const isPlace = ([number, line]) => typeof code[number][2][line - code[number][1]] === "string";
  const isNode = (node) => typeof node === "string" || node.every(isPlace);
  const isMove = (move) =>
    move.length === 0 ||
    (move.length === 1 && move[0] in text) ||
    (move[0] in states && move[1] in text && move[2] in text && Array.isArray(move[3]));
  return (
    states.length > 0 &&
    states.length === moves.length &&
    states.every(([machine, ...at]) => machine in machines && at.every((node, t) => node in threads[t].nodes)) &&
    moves.every((all) => all.length === threads.length && all.every(isMove)) &&
    machines.every((all) => all.length === things.length && all.every(([, value]) => value in text)) &&
    threads.every(({ nodes }) => nodes.every(isNode)) &&
    Array.isArray(verdicts)
  );
}

/** Say why `digit` cannot step in `state`; "" if it can. A move is [] or [why] or [to, said, ...]. */
function refusal({ text }, { threads, moves }, state, digit) {
  const thread = threads[digit - 1];
  if (!thread) {
    const names = threads.map(({ label }, t) => `${t + 1} (${label})`).join(", ");
    return `“${digit}” is no thread; the threads are ${names}.`;
  }
  const move = moves[state][digit - 1];
  if (move.length > 1) return "";
  return `thread ${digit} (${thread.label}) ${move.length ? `cannot step. ${text[move[0]]}` : "has ended."}`;
}

/** Follow `schedule` as far as it goes: the states on the way, and why it went no further. */
function walk(board, design, schedule) {
  const path = [0];
  for (const digit of schedule) {
    const why = refusal(board, design, path.at(-1), digit);
    if (why) return { path, why: `Step ${path.length}: ${why}` };
    path.push(design.moves[path.at(-1)][digit - 1][0]);
  }
  return { path, why: "" };
}

/** What one step of a walk was, in the words of the data. */
function stepTaken({ text, code }, design, path, schedule, n) {
  const digit = schedule[n];
  const thread = design.threads[digit - 1];
  const [, said, source, breaks] = design.moves[path[n]][digit - 1];
  const [number, line] = thread.nodes[design.states[path[n]][digit]].at(-1);
  const [name, first, lines] = code[number];
  return {
    number: n + 1, digit, label: thread.label, said: text[said], source: text[source], breaks,
    place: name, line: lines[line - first].trim(),
  };
}

/** The machine's things in the last state of `path`: what each is, was a step ago, and ever was. */
function thingsAfter({ text }, { things, machines, states }, path) {
  const at = (state) => machines[states[state][0]];
  const now = at(path.at(-1));
  const before = at(path.at(-2) ?? 0);
  return things.map(([name, kind], n) => ({
    name, kind, exists: now[n][0], value: text[now[n][1]], was: text[before[n][1]],
    changed: now[n][0] !== before[n][0] || now[n][1] !== before[n][1],
    existed: path.some((state) => at(state)[n][0]),
  }));
}

// --- The game: where the reader is --------------------------------------------------------------
//
// design    which design, by number             playing  does the next step come by itself?
// schedule  the steps taken                     note     a sentence for the reader, or ""
// wish      the steps the reader asked for; a design may allow only the first few of them
// track     the schedule that Next follows      loop     what then repeats for ever, or ""
// title     what the track shows, or ""

const START = { design: 0, schedule: "", wish: "", track: "", loop: "", title: "", playing: false, note: "" };

/** The digit of the next step along the track; undefined at its end. */
function nextOnTrack({ schedule, track, loop }) {
  if (schedule.length < track.length) return track[schedule.length];
  return loop ? loop[(schedule.length - track.length) % loop.length] : undefined;
}

const jump = (game, schedule) => ({ ...game, schedule, wish: schedule, note: "", playing: false });
const newTrack = (game, track) => ({ ...jump(game, track), track, loop: "", title: "" });

function step(board, game, digit) {
  const schedule = game.schedule + digit;
  const { why } = walk(board, board.designs[game.design], schedule);
  if (why) return { ...game, note: why, playing: false };
  return digit === nextOnTrack(game) ? jump(game, schedule) : newTrack(game, schedule);
}

/** Go to a schedule that came from elsewhere, as far as it can be taken. */
function follow(board, game, schedule) {
  const { path, why } = walk(board, board.designs[game.design], schedule);
  return { ...newTrack(game, schedule.slice(0, path.length - 1)), note: why };
}

function chooseDesign(board, game, number) {
  const design = board.designs[number];
  const { path, why } = walk(board, design, game.wish);
  const schedule = game.wish.slice(0, path.length - 1);
  const parted = why && `Under ${design.name} the schedule ${game.wish} cannot go on. ${why}`;
  return { ...game, design: number, schedule, loop: "", title: "", note: parted, playing: false };
}

function showVerdict(board, game, number, playing) {
  const { name, verdicts } = board.designs[game.design];
  const { schedule, loop, rule } = verdicts[number];
  const title = `The shortest schedule that breaks “${rule}” under ${name}`;
  return { ...jump(game, ""), track: schedule, loop, title, playing };
}

/** Take the next step of a game that plays by itself. Of a loop, one round is enough to see. */
function tick(board, game) {
  const next = step(board, game, nextOnTrack(game));
  return { ...next, playing: !next.note && next.schedule.length < game.track.length + game.loop.length };
}

// --- Views --------------------------------------------------------------------------------------

/** A button. One that cannot be pressed keeps its place and the focus, so that it can say why. */
const button = (does, label, can = true, more = {}) =>
  h("button", { type: "button", "data-do": does, "aria-disabled": !can && "true", ...more }, label);

function view(board, game, id) {
  const design = board.designs[game.design];
  const { path } = walk(board, design, game.schedule);
  const stopped = new Map(design.stopped).get(path.at(-1)); // the thing whose touch was the oops
  const last = path.length > 1 ? stepTaken(board, design, path, game.schedule, path.length - 2) : null;
  const things = thingsAfter(board, design, path);
  return h("div", { class: "gup", role: "group", "aria-label": `Player: ${board.says}`, tabindex: -1 },
    h("p", { class: "gup-says" }, board.says),
    designsView(board, game, id),
    h("div", { class: `gup-stage${stopped ? " gup-stopped" : ""}` },
      controlsView(board, design, game, path, stopped),
      machineView(things, stopped),
      h("div", { class: "gup-lanes" }, design.threads.map((thread, t) =>
        laneView(board, design, path.at(-1), thread, t + 1, stopped, last?.digit, id))),
      h("div", { class: "gup-after" },
        lastStepView(design, game, last, things, stopped),
        historyView(board, design, game, path))),
    verdictsView(design),
    keysView(design.threads.length),
    h("p", { class: "gup-hidden gup-live", role: "status", "aria-live": "polite" }, aloud(game, last, stopped)));
}

/** The one short sentence a screen reader says after an action. */
function aloud({ note }, last, stopped) {
  if (note) return note;
  if (!last) return "At the start.";
  const broken = last.breaks.length ? ` Breaks: ${last.breaks.join(", ")}.` : "";
  return `Step ${last.number}, ${last.label}: ${last.said}${broken}${stopped ? " The run ends here." : ""}`;
}

function designsView(board, game, id) {
  return h("fieldset", { class: "gup-designs" }, h("legend", null, "Design"),
    board.designs.map(({ name }, n) =>
      h("label", null,
        h("input", { type: "radio", name: `${id}-design`, value: n, checked: n === game.design }),
        h("b", null, name))),
    h("p", { class: "gup-says" }, board.designs[game.design].says));
}

const MARKS = { holds: "✓", fails: "✗", undetermined: "?" };

function verdictsView({ name, states, verdicts }) {
  // Closed at first: a reader who has not tried yet should not be told.
  return h("details", { class: "gup-checker" }, h("summary", null, `Ask the checker about ${name}`),
    h("table", { class: "gup-verdicts" },
    h("caption", null, `Every schedule was tried: ${plural(states.length, "state")}`),
    h("thead", null, h("tr", null,
      h("th", { scope: "col" }, "rule"), h("th", { scope: "col" }, "verdict"))),
    h("tbody", null, verdicts.map((verdict, n) =>
      h("tr", { class: `gup-${verdict.status}` },
        h("th", { scope: "row" }, verdict.rule, " ", h("small", null, verdict.says)),
        h("td", null,
          h("span", { class: "gup-verdict" },
            h("span", { "aria-hidden": "true" }, `${MARKS[verdict.status] ?? "?"} `), verdict.short),
          verdict.schedule && button(`show ${n}`, "Show me", true, { "aria-label": `Show me: ${verdict.rule}` })))))));
}

function controlsView(board, design, game, path, stopped) {
  const digit = nextOnTrack(game);
  const taken = game.schedule.length;
  const can = digit !== undefined && !refusal(board, design, path.at(-1), digit);
  const ahead = game.track.slice(taken);
  return h("div", { class: "gup-controls" },
    h("div", { class: "gup-buttons", role: "group", "aria-label": "Time" },
      button("restart", "Restart", taken), button("back", "Back", taken), button("next", "Next", can),
      button("play", game.playing ? "Pause" : "Play", can || game.playing)),
    h("p", { class: "gup-where" }, `Step ${taken}`, game.track.length > taken && ` of ${game.track.length}`,
      (taken || ahead) && ": ",
      taken > 0 && h("code", { class: "gup-schedule" }, game.schedule),
      ahead && h("code", { class: "gup-ahead" }, hidden("still to come: "), ahead)),
    h("p", { class: "gup-status" }, standing(design, game, path.at(-1), stopped)),
    game.note && h("p", { class: "gup-note" }, game.note));
}

/** Where the reader stands, in a sentence. */
function standing({ threads, moves, states }, { schedule, track, loop, title }, state, stopped) {
  if (stopped) return "Oops: the run ends here. Go back, or restart.";
  const ended = threads.every(({ nodes }, t) => typeof nodes[states[state][t + 1]] === "string");
  if (ended) return "All threads have ended.";
  if (moves[state].every((move) => move.length < 2)) return "No thread can step any more, and not all have ended.";
  if (loop && schedule.length >= track.length) return `${title}, and then the steps ${loop} repeat for ever.`;
  if (title) return `${title}.`;
  return "Choose which thread takes the next step.";
}

function laneView({ text, code }, design, state, { label, nodes }, number, stopped, lastDigit, id) {
  const node = nodes[design.states[state][number]];
  const move = design.moves[state][number - 1];
  const ended = typeof node === "string";
  const can = move.length > 1;
  const next = can ? ["next", text[move[2]]]
    : ended ? ["ended", node]
    : [stopped ? "stopped" : "blocked", move.length ? text[move[0]] : "The search was cut off here."];
  return h("section", {
      class: `gup-lane gup-${next[0]}${lastDigit === String(number) ? " gup-moved" : ""}`,
      "data-thread": number, role: "group", "aria-label": `Thread ${number}: ${label}`,
    },
    h("div", { class: "gup-head" },
      button(`step ${number}`, `Step ${number}`, can, { "aria-describedby": `${id}-${number}` }),
      h("b", null, label)),
    h("p", { class: "gup-what", id: `${id}-${number}` }, h("b", null, `${next[0]}: `), h("span", null, next[1])),
    h("p", { class: "gup-trail" }, ended ? "\u00a0" : node.map(([number]) => code[number][0]).join(" › ")),
    ended ? h("ol", { class: "gup-code", "aria-hidden": "true" }) : codeView(code, node.at(-1)));
}

/** The source around the current line; `width` of an indent is kept, so that long lines wrap under it. */
function codeView(code, [number, current]) {
  const [name, first, source] = code[number];
  const lines = source.map((text, n) => ({ text, number: first + n })).filter(({ text }) => text !== null);
  const at = lines.findIndex(({ number }) => number === current);
  const from = Math.max(0, Math.min(at - AROUND, lines.length - 2 * AROUND - 1));
  const shown = lines.slice(from, from + 2 * AROUND + 1);
  const indent = (line) => line.length - line.trimStart().length;
  const margin = Math.min(...shown.filter(({ text }) => text.trim()).map(({ text }) => indent(text)));
  return h("ol", { class: "gup-code", "aria-label": `Source of ${name}` }, shown.map(({ text: line, number }, n) => {
    const here = number === current;
    const depth = Math.max(0, indent(line) - margin);
    return h("li", {
        "aria-current": here && "step", style: `--indent: ${depth}ch`,
        "data-far": Math.abs(from + n - at) > 2,
      },
      h("span", { class: "gup-line", "aria-hidden": "true" }, `${here ? "▶ " : ""}${number}`),
      h("code", null, line.trim() || "\u00a0"));
  }));
}

function lastStepView({ verdicts }, { schedule }, last, things, stopped) {
  const shown = verdicts.filter((v) => v.status === "fails" && v.schedule === schedule && !last?.breaks?.includes(v.rule));
  return h("section", { class: "gup-last", role: "group", "aria-label": "Last step" },
    h("p", { class: "gup-title" }, last ? `Step ${last.number}: ${last.label}` : "No step taken yet", stopped && h("span", { class: "gup-badge" }, "oops")),
    last && h("p", { class: "gup-said" }, last.said),
    last && h("p", null, h("code", { class: "gup-taken" }, last.line)),
    last && h("p", { class: "gup-source" }, last.source),
    last && h("ul", { class: "gup-changes" }, things.filter(({ changed }) => changed).map(({ name, was, value }) =>
      h("li", null, h("b", null, name), `: ${was} → ${value}`))),
    last?.breaks.map((rule) => h("p", { class: "gup-breaks" }, `breaks: ${rule}`)),
    shown.map(({ rule, why }) => h("p", { class: "gup-breaks" },
      `breaks: ${rule}. ${why}`)),
    !last && h("p", null, "Step a thread, or ask the checker below."));
}

function machineView(things, stopped) {
  const oops = (thing) => thing.name === stopped;
  const value = ({ changed, was, value }) => [
    changed && h("span", { class: "gup-was" }, was), changed && " → ", h("span", { class: "gup-now" }, value)];
  const card = (thing) => h("li", {
      class: `gup-thing${thing.exists ? "" : " gup-gone"}${thing.changed ? " gup-changed" : ""}${oops(thing) ? " gup-oops" : ""}`,
      "data-thing": thing.name, "data-exists": String(thing.exists),
    },
    h("p", null, h("b", null, thing.name),
      !thing.exists && h("span", { class: "gup-badge" }, thing.existed ? "gone" : "not there"),
      oops(thing) && h("span", { class: "gup-badge" }, "oops"),
      thing.changed && h("span", { class: "gup-badge" }, "changed")),
    h("p", { class: "gup-value" }, value(thing)));
  const row = (thing) => h("li", {
      class: thing.changed && "gup-changed", "data-thing": thing.name, "data-exists": String(thing.exists),
    },
    `${thing.name}: `, h("span", { class: "gup-value" }, value(thing)),
    thing.changed && h("span", { class: "gup-badge" }, "changed"));
  return h("section", { class: "gup-machine", role: "group", "aria-label": "Machine" },
    h("ul", { class: "gup-things" }, things.filter(({ kind }) => kind === "object").map(card)),
    h("ul", { class: "gup-sections" }, things.filter(({ kind }) => kind === "section").map(row)));
}

function historyView(board, design, { schedule }, path) {
  return h("section", { class: "gup-history", role: "group", "aria-label": "History" },
    h("p", { class: "gup-title" }, "History"),
    h("ol", null, [...schedule].map((digit, n) => {
      const { said } = stepTaken(board, design, path, schedule, n);
      return h("li", { "data-thread": digit, "aria-current": n + 1 === schedule.length && "step" },
        button(`jump ${n + 1}`, [h("span", { class: "gup-number" }, n + 1), h("b", null, digit), " ", h("span", null, said)]));
    })));
}

function keysView(count) {
  const keys = [[count > 1 ? `1–${count}` : "1", "step that thread"], ["←", "back"], ["→", "next"], ["Home", "restart"], ["Esc", "pause"]];
  return h("p", { class: "gup-keys" }, "Keys: ",
    keys.map(([key, does], n) => [n > 0 && " · ", h("kbd", null, key), ` ${does}`]));
}

// --- The player ---------------------------------------------------------------------------------

const KEYS = { Backspace: "back", ArrowLeft: "back", ArrowRight: "next", Home: "restart", Escape: "pause" };

/** What a key does in the player; undefined for a key that belongs to somebody else. */
function keyAction({ key, target, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey || target.matches("textarea, select, input:not([type=radio])")) return undefined;
  if (target.matches("input") && key.startsWith("Arrow")) return undefined;
  return /^[1-9]$/.test(key) ? `step ${key}` : KEYS[key];
}

/** Put a player into `element` and keep it and `model` in step. Returns the function that ends it. */
function mount(model, element) {
  const id = `gup-${Math.random().toString(36).slice(2)}`; // a counter would start anew in each copy of the module
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let board, game, root, timer, telling;

  function load() {
    board = model.get("board");
    const wrong = complaint(board);
    game = null;
    if (wrong) return replace(h("p", { class: "gup gup-note", role: "alert" }, wrong));
    game = START;
    replace(view(board, game, id));
    pull();
  }

  function replace(fresh) {
    clearTimeout(timer);
    root?.remove();
    element.append((root = fresh));
    root.addEventListener("click", onClick);
    root.addEventListener("change", onChange);
    root.addEventListener("keydown", onKey);
  }

  function set(next) {
    game = next;
    const focused = root.contains(document.activeElement);
    const said = root.querySelector(".gup-live").textContent;
    patch(root, view(board, game, id));
    const live = root.querySelector(".gup-live");
    if (game.note && live.textContent === said) live.append("\u00a0"); // said again, it is heard again
    if (focused && !root.contains(document.activeElement)) root.focus(); // what had it is gone
    const list = root.querySelector(".gup-history ol");
    list.scrollTop = list.scrollHeight;
    clearTimeout(timer);
    if (game.playing) timer = setTimeout(() => act("tick"), PACE);
    const name = board.designs[game.design].name;
    if (model.get("schedule") !== game.schedule || model.get("design") !== name) {
      telling = true; // between the two, the model is no place to go to
      model.set("design", name);
      model.set("schedule", game.schedule);
      telling = false;
      model.save_changes();
    }
  }

  /** Go where the model says; a change that this player made itself is no news. */
  function pull() {
    if (!game || telling) return;
    const [name, schedule] = [model.get("design"), model.get("schedule")];
    const names = board.designs.map((design) => design.name);
    if (schedule === game.schedule && name === names[game.design]) return;
    const known = names.includes(name);
    const next = follow(board, { ...game, design: known ? names.indexOf(name) : game.design }, schedule);
    set(known ? next : { ...next, note: `There is no design “${name}” here; choose ${names.join(", ")}.` });
  }

  function act(does) {
    const [verb, value] = does.split(" ");
    const forward = nextOnTrack(game);
    const acts = {
      step: () => step(board, game, value),
      back: () => jump(game, game.schedule.slice(0, -1)),
      restart: () => jump(game, ""),
      jump: () => jump(game, game.schedule.slice(0, value)),
      next: () => (forward === undefined ? game : step(board, game, forward)),
      pause: () => ({ ...game, playing: false }),
      play: () => ({ ...game, note: "", playing: !game.playing }),
      show: () => showVerdict(board, game, value, !calm.matches),
      design: () => chooseDesign(board, game, Number(value)),
      tick: () => tick(board, game),
    };
    set(acts[verb]());
    if (verb === "show") intoSight(root.querySelector(".gup-stage"), calm.matches);
  }

  function onClick(event) {
    const pressed = event.target.closest("[data-do]");
    if (pressed && pressed.getAttribute("aria-disabled") !== "true") act(pressed.dataset.do);
  }

  function onChange(event) {
    if (event.target.type === "radio") act(`design ${event.target.value}`);
  }

  function onKey(event) {
    const does = keyAction(event);
    if (!does || !game) return;
    event.preventDefault();
    event.stopPropagation(); // in a notebook, 1 would turn the cell into a heading
    act(does);
  }

  const heard = Object.entries({ "change:board": load, "change:design": pull, "change:schedule": pull });
  load();
  heard.forEach(([event, listener]) => model.on(event, listener));
  return () => {
    clearTimeout(timer);
    heard.forEach(([event, listener]) => model.off(event, listener));
    root.remove();
  };
}

/** Scroll to the stage where its threads would be out of sight. */
function intoSight(stage, calm) {
  const { top } = stage.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 3) stage.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

// --- The two hosts ------------------------------------------------------------------------------

export default { render: ({ model, el }) => mount(model, el) };

/** Bring every player of a page to life. One whose data cannot be read keeps its list, and says so. */
export function mountAll(root) {
  for (const element of root.querySelectorAll(".gup-player:not([data-live])")) {
    element.dataset.live = "";
    let data = {};
    try {
      data = JSON.parse(element.querySelector("script").textContent) ?? {};
    } catch {
      // an empty board is complained about like any other that cannot be walked
    }
    if (!complaint(data.board)) element.querySelector(".gup-fallback")?.setAttribute("hidden", "");
    mount(pageModel({ schedule: "", ...data }), element);
  }
}

/** What a page has instead of a widget model: values, and nobody else who changes them. */
const pageModel = (values) => ({
  get: (name) => values[name],
  set: (name, value) => void (values[name] = value),
  on() {}, off() {}, save_changes() {},
});
