// The player: a reader's hand on the threads.
//
// One module for two hosts. In a live notebook anywidget calls `render`; in the rendered book the page
// holds this text followed by `mountAll(document)`. Both end in `mount`, which needs of its host no
// more than a model with get, set, on, off and save_changes. The files of this folder are joined into
// one text (see module.py), because a page that is opened from disk may not load a second file.
//
// Python has explored every state, and these modules only walk from one to the next: they know no
// pages, no locks and no rules, so the page and the checker cannot disagree. Every action makes a new
// `game`, `view` draws a whole new tree from it, and `patch` carries the differences over to the tree
// on the page: elements stay where they were, and the focus with them.

import { complaint, touchedGone } from "./board.js";
import { captionView } from "./caption.js";
import { benchView, designsView, isLab, verdictPanel } from "./checker.js";
import { button, h, letScroll, patch, settle } from "./elements.js";
import {
  chooseDesign,
  follow,
  jump,
  MOST_BESIDE,
  nextOnTrack,
  promptHere,
  scrub,
  setBeside,
  showAhead,
  showOutcome,
  showVerdict,
  START,
  step,
  surprise,
  tick,
  toggle,
  turnSwitch,
} from "./game.js";
import { stepTaken, thingsAfter, walk, wayTo, wholeGraph } from "./graph.js";
import { lockstepPanel } from "./lockstep.js";
import { mapPanel, neighbour } from "./map.js";
import { showChange } from "./motion.js";
import { mountOrders } from "./orders.js";
import {
  answersTo,
  answerSays,
  canBeAsked,
  forget,
  isOpen,
  keep,
  progressView,
  promptView,
  recall,
} from "./predict.js";
import { sceneView } from "./scene.js";
import { asPython, asText, linkTo, readLink, sharePanel } from "./share.js";
import { aloud, controlsView, historyView, lanesView, lastStepView, machineView } from "./stage.js";
import { timelineView } from "./timeline.js";
import { bringVotesToLife } from "./votes.js";

const PANELS = [
  ["words", "In words"],
  ["verdict", "Verdict"],
  ["beside", "Side by side"],
  ["share", "Share"],
  ["map", "State map"],
];

const USUAL = ["words", "verdict", "share", "beside"];

function view(board, game, prompts, id, hasAddress, width) {
  const isWide = isBroad(board, width);
  const design = board.designs[game.design];
  const { path } = walk(board, design, game.schedule);
  const stopped = touchedGone(board, path.at(-1)); // the thing whose touch was the oops
  const last = path.length > 1 ? stepTaken(board, design, path, game.schedule, path.length - 2) : null;
  const things = thingsAfter(board, path);
  const prompt = promptHere(board, game, prompts);
  const veiled = isOpen(prompt, game) ? prompt.thread : 0;
  return h(
    "div",
    { class: `gup${isWide ? "" : " gup-narrow"}`, role: "group", "aria-label": `Player: ${board.says}`, tabindex: -1 },
    h(
      "div",
      { class: isLab(board) ? "gup-bench" : "" },
      designsView(board, game, id),
      h(
        "div",
        { class: `gup-stage${stopped ? " gup-stopped" : ""}` },
        controlsView(board, design, game, path),
        h(
          "div",
          null, // the lanes, which may stick to the window's bottom, never rise above it
          sceneView(board, design, game, path, last, veiled, isWide),
          h(
            "div",
            { class: `gup-record${prompts.length ? " gup-asks" : ""}` },
            captionView(board, design, game, path, last, prompt, prompts.length > 0),
            timelineView(board, design, game, veiled, isWide),
            promptView(prompt, game.answers), // over both of them, so that nothing moves
          ),
          lanesView(board, design, game, path.at(-1), last, stopped, prompt, id, isWide),
        ),
      ),
      isLab(board) && benchView(board, game, id),
    ),
    panelsView(board, design, game, path, things, last, prompts, isOpen(prompt, game), id, hasAddress),
    h(
      "p",
      { class: "gup-hidden gup-live", role: "status", "aria-live": "polite" },
      aloud(board, design, game, path, last, prompt),
    ),
  );
}

/** Closed at first: a reader who has not tried yet should not be told. */
function panelsView(board, design, game, path, things, last, prompts, isAsked, id, hasAddress) {
  const inside = {
    words: () => [
      machineView(things, last?.stopped),
      h(
        "div",
        { class: "gup-after" },
        lastStepView(board, design, game, last, things),
        historyView(board, design, game, path),
      ),
      keysView(board.threads.length),
    ],
    verdict: () => verdictPanel(board, design, game, path, isAsked),
    beside: () => lockstepPanel(board, game, id), // the other designs' ways as text; the timeline draws them
    map: () => mapPanel(board, design, path),
    share: () => sharePanel(board, game, hasAddress),
  };
  const canBeOffered = (name) => name !== "beside" || (board.designs.length > 1 && !isLab(board));
  const panels = PANELS.filter(([name]) => game.panels.includes(name) && canBeOffered(name));
  return h(
    "div",
    { class: "gup-panels" },
    h(
      "div",
      { class: "gup-buttons", role: "group", "aria-label": "More" },
      panels
        .filter(([name]) => !isLab(board) || name !== "verdict")
        .map(([name, label]) =>
          button(`open ${name}`, label, true, {
            "aria-expanded": String(game.open.includes(name)),
            "aria-controls": `${id}-${name}`,
          }),
        ),
      prompts.length > 0 && progressView(prompts, game.answers),
    ),
    panels.map(([name, label]) => {
      const isOpened = game.open.includes(name);
      const isKept = name === "words"; // the words are what is printed, open or not
      const classes = `gup-panel gup-panel-${name}${isKept && !isOpened ? " gup-closed" : ""}`;
      return h(
        "section",
        { id: `${id}-${name}`, class: classes, role: "group", "aria-label": label, hidden: !isKept && !isOpened },
        (isKept || isOpened) && [h("p", { class: "gup-title" }, `${label}: ${design.name}`), inside[name]()],
      );
    }),
  );
}

function keysView(count) {
  const keys = [
    [count > 1 ? `1–${count}` : "1", "step that thread"],
    ["←", "back"],
    ["→", "next"],
    ["Home", "restart"],
    ["Esc", "pause"],
  ];
  return h(
    "p",
    { class: "gup-keys" },
    "Keys, once you have clicked into the player: ",
    keys.map(([key, does], n) => [n > 0 && " · ", h("kbd", null, key), ` ${does}`]),
  );
}

// --- The player ---------------------------------------------------------------------------------

/** What changes nothing that was said, so that nothing is said again. */
const QUIET = ["open", "pace", "watch", "seed", "beside"];

const KEYS = { Backspace: "back", ArrowLeft: "back", ArrowRight: "next", Home: "restart", Escape: "pause" };

/** What a key does in the player; undefined for a key that belongs to somebody else. */
function keyAction({ key, target, ctrlKey, altKey, metaKey }) {
  if (ctrlKey || altKey || metaKey || target.matches("textarea, select, input[type=number]")) return undefined;
  if (target.matches("input") && !/^[1-9]$|Escape|Backspace/.test(key)) return undefined;
  return /^[1-9]$/.test(key) ? `step ${key}` : KEYS[key];
}

/** Below this width, in pixels, the picture has a layout of its own; a lab's switches stand beside it. */
const BROADEST_NARROW = 668;
const SWITCHES = 272;
/** Is there room for the broad picture? A width of 0 is not known yet. */
const isBroad = (board, width) => width === 0 || width >= BROADEST_NARROW + (isLab(board) ? SWITCHES : 0);

/** Put a player into `element` and keep it and `model` in step. Returns the function that ends it. */
function mount(model, element) {
  const id = `gup-${Math.random().toString(36).slice(2)}`; // a counter would start anew in each copy of the module
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const hasAddress = model.address !== undefined;
  let board, prompts, game, root, timer, telling;
  let width = element.clientWidth;

  function load() {
    board = model.get("board");
    prompts = (Array.isArray(model.get("prompts")) ? model.get("prompts") : []).filter(canBeAsked);
    const wrong = complaint(board);
    const before = game;
    game = null;
    if (wrong) return replace(h("p", { class: "gup gup-note", role: "alert" }, wrong));
    const beside = board.designs.length > MOST_BESIDE ? [] : board.designs.map((_, n) => n);
    const kept = before && { open: before.open, pace: before.pace, seed: before.seed };
    const design = Math.max(
      0,
      board.designs.findIndex(({ name }) => name === model.get("design")),
    );
    const opens = model.get("opens");
    const watched = board.rules.some(([name]) => name === model.get("watched")) ? model.get("watched") : "";
    const panels = model.get("panels") ?? USUAL;
    const open = Array.isArray(opens) ? opens : [];
    game = { ...START, design, beside, watched, panels, open, ...kept, answers: recalled() };
    replace(view(board, game, prompts, id, hasAddress, width));
    pull();
  }

  function recalled() {
    return answersTo(prompts, { ...recall(), ...model.get("answers") });
  }

  function replace(fresh) {
    clearTimeout(timer);
    root?.remove();
    element.append((root = fresh));
    Object.entries({ click: onClick, change: onSet, input: onInput }).forEach(([event, listener]) =>
      root.addEventListener(event, listener),
    );
  }

  function set(next, isNews = true) {
    const before = game;
    game = next;
    const focused = root.contains(document.activeElement);
    const said = root.querySelector(".gup-live").textContent;
    patch(root, view(board, game, prompts, id, hasAddress, width));
    settle(root);
    letScroll(root);
    const live = root.querySelector(".gup-live");
    if (isNews && game.note && live.textContent === said) live.append("\u00a0"); // said again, it is heard again
    if (focused && !root.contains(document.activeElement)) root.focus(); // what had it is gone
    if (game.schedule !== before.schedule) {
      for (const list of root.querySelectorAll(".gup-history ol")) list.scrollTop = list.scrollHeight;
      if (!calm.matches) showChange(root);
    }
    clearTimeout(timer);
    if (game.playing) timer = setTimeout(() => act("tick"), Number(game.pace));
    tell();
  }

  /** Tell the model where the reader is. */
  function tell() {
    const name = board.designs[game.design].name;
    const told = { design: name, schedule: game.schedule, answers: game.answers };
    const news = Object.entries(told).filter(
      ([key, value]) => JSON.stringify(model.get(key)) !== JSON.stringify(value),
    );
    if (!news.length) return;
    telling = true; // between two of them, the model is no place to go to
    news.forEach(([key, value]) => model.set(key, value));
    telling = false;
    model.save_changes();
  }

  /** Go where the model says; a change that this player made itself is no news. */
  function pull() {
    if (!game || telling || model.get("board") !== board) return; // of another board, `load` will hear
    const [name, schedule] = [model.get("design"), model.get("schedule")];
    if (schedule !== game.schedule || name !== board.designs[game.design].name) go(name, schedule);
  }

  function go(name, schedule) {
    const names = board.designs.map((design) => design.name);
    const known = names.includes(name);
    const next = follow(
      board,
      { ...game, design: known ? names.indexOf(name) : game.design },
      known ? schedule : game.schedule,
    );
    const choices = names.length > 12 ? "one of those above" : names.join(", ");
    set(known ? next : { ...next, note: `There is no design “${name}” here; choose ${choices}.` });
  }

  function act(does) {
    const [, verb, value] = /^(\S+) ?(.*)$/s.exec(does);
    const forward = nextOnTrack(game);
    const plays = !calm.matches;
    const acts = {
      step: () => step(board, game, value),
      back: () => jump(game, game.schedule.slice(0, -1)),
      restart: () => jump(game, ""),
      jump: () => jump(game, game.schedule.slice(0, value)),
      next: () => (forward === undefined ? game : step(board, game, forward)),
      pause: () => ({ ...game, playing: false }),
      play: () => ({ ...game, note: "", playing: !game.playing }),
      show: () => showVerdict(board, game, value, plays),
      outcome: () => showOutcome(board, game, value, plays),
      bug: () => showAhead(board, game, false, plays),
      safe: () => showAhead(board, game, true, plays),
      surprise: () => surprise(board, game, plays),
      state: () => follow(board, game, wayTo(wholeGraph(board.designs[game.design], board), Number(value))),
      open: () => ({ ...game, open: toggle(game.open, value) }),
      answer: () => answer(promptHere(board, game, prompts), value),
      forget: () => (forget(prompts), { ...game, answers: {}, note: "", told: "Your answers are forgotten." }),
      copy: () => copy(value),
      tick: () => pauseToPredict(tick(board, game)),
      design: () => chooseDesign(board, game, Number(value)),
      switch: () => turnSwitch(board, game, ...value.split(" ").map(Number)),
      beside: () => setBeside(game, Number(value)),
      scrub: () => scrub(game, Number(value)),
      pace: () => ({ ...game, pace: value }),
      watch: () => ({ ...game, watched: value }),
      seed: () => ({ ...game, seed: Math.trunc(Math.abs(Number(value))) || 0 }),
    };
    set(acts[verb](), !QUIET.includes(verb));
    if (["show", "outcome", "bug", "safe", "surprise"].includes(verb))
      intoSight(root.querySelector(".gup-stage"), calm.matches);
  }

  function pauseToPredict(next) {
    return { ...next, playing: next.playing && !isOpen(promptHere(board, next, prompts), next) };
  }

  function answer(prompt, outcome) {
    keep(prompt.key, outcome);
    return {
      ...game,
      answers: { ...game.answers, [prompt.key]: outcome },
      note: "",
      told: answerSays(prompt, outcome),
    };
  }

  /** Take over what was answered in another view of the same player. */
  function pullAnswers() {
    const answers = answersTo(prompts, model.get("answers") ?? {});
    if (game && !telling && JSON.stringify(answers) !== JSON.stringify(game.answers)) set({ ...game, answers });
  }

  function copy(kind) {
    const design = board.designs[game.design];
    const text = {
      link: () => model.address(linkTo(model.key, design.name, game.schedule)),
      python: () => asPython(board, design, game.schedule),
      text: () => asText(board, design, game.schedule),
    }[kind]();
    const copied = () =>
      game.copied?.text === text && set({ ...game, copied: { text, says: "Copied:" }, told: "Copied." });
    navigator.clipboard?.writeText(text).then(copied, () => {});
    return {
      ...game,
      playing: false,
      note: "",
      copied: { text, says: "Copy this:" },
      told: "Here is the text to copy.",
    };
  }

  function onClick(event) {
    const pressed = event.target.closest("[data-do]");
    const saysWhyNot = pressed?.dataset.do.startsWith("step ");
    if (pressed && (saysWhyNot || pressed.getAttribute("aria-disabled") !== "true")) act(pressed.dataset.do);
  }

  /** A field that carries a value hands it over; a radio or a checkbox is one action by itself. */
  function onSet({ target }) {
    const does = target.dataset.set;
    if (does) act(target.matches("[type=radio], [type=checkbox]") ? does : `${does} ${target.value}`);
  }

  function onInput(event) {
    if (event.target.matches("[type=range]")) onSet(event);
  }

  function onKey(event) {
    const { key, target } = event;
    if (!game || !root.contains(target)) return;
    const onMap = target.closest(".gup-map") && key.startsWith("Arrow");
    const does = onMap ? "" : keyAction(event);
    if (!does && !onMap) {
      // The arrows are the field's, not the notebook's.
      if (target.matches("input, select, textarea")) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // in a notebook, 1 would turn the cell into a heading
    if (onMap) moveOnMap(target, key);
    else act(does);
  }

  function moveOnMap(target, key) {
    const dot = target.matches(".gup-dot") ? target : root.querySelector(".gup-dot[tabindex='0']");
    const to = neighbour(board.designs[game.design], board, Number(dot.dataset.do.split(" ")[1]), key);
    root.querySelector(`[data-do="state ${to}"]`).focus();
  }

  /** Draw the other picture where there is room for it, or no longer. */
  const widths = new ResizeObserver(([{ contentRect }]) => {
    const before = width;
    width = contentRect.width || width;
    if (!game) return;
    if (isBroad(board, width) !== isBroad(board, before))
      patch(root, view(board, game, prompts, id, hasAddress, width));
    letScroll(root);
  });
  const heard = Object.entries({
    "change:board": load,
    "change:design": pull,
    "change:schedule": pull,
    "change:answers": pullAnswers,
  });
  load();
  widths.observe(element);
  heard.forEach(([event, listener]) => model.on(event, listener));
  window.addEventListener("keydown", onKey, true); // before Notebook, which listens to the whole document
  if (game && hasAddress)
    model.opened(
      go,
      (note) => game && set({ ...game, note }),
      () => root,
    );
  return () => {
    clearTimeout(timer);
    widths.disconnect();
    window.removeEventListener("keydown", onKey, true);
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

export default { render: ({ model, el }) => (model.get("found") ? mountOrders : mount)(model, el) };

/** Bring every player of a page to life. One whose data cannot be read keeps its list, and says so. */
export function mountAll(root) {
  const players = [];
  for (const element of playersIn(root)) {
    bringToLife(element, (values) => pageModel(values, nameFor(players, values.board?.key), players));
  }
  if (players.length) document.body.prepend(skipLink(players[0]));
  bringOrdersToLife(root);
  bringVotesToLife(root);
  followLinks(players);
  openLink(players, location.hash);
}

/** Follow the address, and the text's links to a step (book/_ext/show_step.py). Back undoes what a link did. */
function followLinks(players) {
  /** @type {NodeListOf<HTMLAnchorElement>} */
  const links = document.querySelectorAll("a.gup-show");
  links.forEach((link, number) => {
    const player = players.find(({ key }) => key === readLink(link.hash)?.key);
    link.hidden = !player;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // for another tab, or the like
      event.preventDefault();
      try {
        history.replaceState({ gup: number }, "", player.here());
        history.pushState({ gup: -1 }, "", link.hash);
      } catch {
        // where an address cannot be written, it stays as it is
      }
      openLink(players, link.hash);
      player.root().focus({ preventScroll: true });
    });
  });
  addEventListener("hashchange", () => {
    const followed = history.state?.gup; // by who comes back, or went on: the browser scrolls to where they were
    openLink(players, location.hash, followed === undefined);
    links[followed]?.focus({ preventScroll: true });
  });
}

/** Bring the players to life that a page shows later; the page's address says nothing of them. */
export function enliven(root) {
  const later = { address: undefined, save_changes() {}, opened() {} };
  for (const element of playersIn(root)) bringToLife(element, (values) => ({ ...pageModel(values), ...later }));
  bringOrdersToLife(root);
}

/** The lists that are put in order by hand: what cannot be read leaves its table. */
function bringOrdersToLife(root) {
  for (const element of root.querySelectorAll(".gup-orders:not([data-live])")) {
    element.dataset.live = "";
    try {
      const values = JSON.parse(element.querySelector("script").textContent);
      mountOrders({ ...pageModel(values), save_changes() {} }, element);
      element.querySelector(".gup-fallback").setAttribute("hidden", "");
    } catch {
      // then the table is there to read
    }
  }
}

function playersIn(root) {
  return root.querySelectorAll(".gup-player:not([data-live])");
}

function bringToLife(element, modelOf) {
  element.dataset.live = "";
  let data = {};
  try {
    data = JSON.parse(element.querySelector("script").textContent) ?? {};
  } catch {
    // an empty board is complained about like any other that cannot be walked
  }
  try {
    mount(modelOf({ schedule: "", answers: {}, ...data }), element);
    if (!complaint(data.board)) element.querySelector(".gup-fallback")?.setAttribute("hidden", "");
  } catch {
    mount(pageModel({}), element); // which complains
  }
}

/** The first thing the Tab key finds: a way past the page's menus, to its first player. */
function skipLink({ root }) {
  const link = h("a", { class: "gup-skip", href: "#" }, "Skip to the player");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    root().querySelector("[data-do='step 1']").focus();
    root().scrollIntoView({ block: "start" });
  });
  return link;
}

/** Players of the same scenario are told apart by counting. */
function nameFor(players, key) {
  const alike = players.filter((player) => player.board === key).length;
  return alike ? `${key}~${alike + 1}` : key;
}

/** Go where the end of an address leads; a link that leads nowhere is refused with a sentence. */
function openLink(players, hash, intoView = true) {
  const link = readLink(hash);
  if (!link || !players.length) return;
  const player = players.find(({ key }) => key === link.key);
  const [meant, wrong] = [
    player ?? players[0],
    link.wrong ?? (player ? "" : `This link leads to “${link.key}”, which is not in this page.`),
  ];
  if (wrong) meant.note(wrong);
  else player.go(link.design, link.schedule);
  if (intoView) meant.root().querySelector(".gup-stage").scrollIntoView({ block: "start" });
}

/** What a page has instead of a widget model: values, an address, and nobody else who changes them. */
function pageModel(values, key, players) {
  const address = (hash) => location.href.split("#")[0] + hash;
  let later;
  function writeAddress() {
    try {
      history.replaceState(history.state, "", linkTo(key, values.design, values.schedule));
    } catch {
      // some browsers allow so many a minute, and some frames none: the address then stays as it is
    }
  }
  return {
    key,
    address,
    get: (name) => values[name],
    set: (name, value) => void (values[name] = value),
    on() {},
    off() {},
    save_changes() {
      clearTimeout(later);
      later = setTimeout(writeAddress); // it takes a browser longer than the step, which is to be seen first
    },
    opened: (go, note, root) =>
      players.push({
        key,
        board: values.board.key,
        go,
        note,
        root,
        here: () => linkTo(key, values.design, values.schedule),
      }),
  };
}
