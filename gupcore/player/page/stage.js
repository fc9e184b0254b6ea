// The stage: time, the threads as lanes, the machine as objects, the last step and the history.

import { canMove, knownBy, moveOf, saidBy, standsAt, verdictsOn } from "./board.js";
import { outlook, standing } from "./caption.js";
import { button, choice, h, hidden } from "./elements.js";
import { foresight, keyOf, refusal, stepTaken, whoEndsTheWait } from "./graph.js";
import { nextOnTrack, PACES } from "./game.js";
import { isOpen } from "./predict.js";

const AROUND = 1; // lines of source shown before and after the current one
const MOST_LANES = 3; // side by side with what they say

export function controlsView(board, design, game, path) {
  const digit = nextOnTrack(game);
  const taken = game.schedule.length;
  const can = digit !== undefined && !refusal(board, design, path.at(-1), digit);
  const ahead = game.track.startsWith(game.schedule) ? game.track.slice(taken) : "";
  return h(
    "div",
    { class: "gup-controls" },
    h(
      "div",
      { class: "gup-buttons", role: "group", "aria-label": "Time" },
      button("restart", "Restart", taken > 0),
      button("back", "Back", taken > 0),
      button("next", "Next", can),
      button("play", game.playing ? "Pause" : "Play", can || game.playing),
      choice("pace", "Speed", PACES, game.pace),
    ),
    h(
      "p",
      { class: "gup-where" },
      `Step ${taken}`,
      game.track.length > taken && ` of ${game.track.length}`,
      (taken || ahead) && ": ",
      taken > 0 && h("code", { class: "gup-schedule" }, game.schedule),
      ahead && h("code", { class: "gup-ahead" }, hidden("still to come: "), ahead),
    ),
  );
}

/** A lane for each thread; where there is no room for what it says, that opens as a sheet over what is above. */
export function lanesView(board, design, game, state, last, stopped, prompt, id, isWide) {
  const veiled = isOpen(prompt, game) ? prompt.thread : 0;
  const ahead = !veiled && game.open.includes("verdict") && foresight(board, design, game.watched);
  const count = board.threads.length;
  const isSheet = !isWide || count > MOST_LANES;
  const isOpened = game.open.includes("code");
  return h(
    "div",
    {
      class: `gup-lanes${isSheet ? " gup-in-sheet" : ""}${isSheet && isOpened ? " gup-sheet-open" : ""}`,
      style: `--count: ${count}`,
    },
    board.threads.map((label, t) => {
      const { ended, source, address, does, places } = standsAt(board, state, t);
      const knows = knownBy(board, state, t).map(({ name, words }) => `${name} = ${words}`);
      const move = moveOf(board, design, state, t);
      const can = canMove(move);
      const asked = veiled === t + 1; // then it must not be seen whether it can
      const kind = can || asked ? "next" : ended !== undefined ? "ended" : stopped ? "stopped" : "blocked";
      const why = () =>
        move
          ? `${saidBy(board, move)} ${stopped ? "" : whoEndsTheWait(board, design, state, t)}`.trim()
          : "The search was cut off here.";
      const what = can ? does : kind === "ended" ? ended : why();
      return h(
        "section",
        {
          class: `gup-lane gup-${kind}${last?.digit === String(t + 1) ? " gup-moved" : ""}`,
          "data-thread": t + 1,
          role: "group",
          "aria-label": `Thread ${t + 1}: ${label}`,
        },
        h(
          "div",
          { class: "gup-head" },
          button(
            `step ${t + 1}`,
            [
              `Step thread ${t + 1}`,
              h("small", { "aria-hidden": "true" }, h("span", null, `${label}: `), nextWords(asked, kind, source)),
            ],
            can || asked,
            { "aria-describedby": `${id}-${t + 1}` },
          ),
        ),
        h(
          "div",
          { class: "gup-body" },
          h(
            "div",
            { class: "gup-what", id: `${id}-${t + 1}` },
            asked
              ? h("p", null, h("b", null, "next: "), h("span", null, "predict first, above"))
              : h("p", null, h("b", null, `${kind}: `), h("span", null, what)),
          ),
          h(
            "div",
            { class: "gup-where-in" },
            h("p", { class: "gup-trail" }, h("bdi", null, places.map(({ name }) => name).join(" › ") || "\u00a0")),
            ahead && can ? foresightView(ahead, state, t) : !asked && source && kernelView(source, address),
          ),
          places.length ? codeView(places.at(-1)) : h("ol", { class: "gup-code", "aria-hidden": "true" }),
          h("p", { class: "gup-locals", title: knows.join("\n") }, knows.join("  ") || "\u00a0"),
        ),
      );
    }),
    isSheet &&
      button("open code", "Code", true, {
        class: "gup-sheet-button",
        "aria-expanded": String(isOpened),
        "aria-label": "Code of the threads",
      }),
  );
}

/** Where the kernel does it; its function's name is seen on the button. */
function kernelView(source, address) {
  const [name, where] = source.split(/(?<=\(\), )/);
  const words = [hidden(name), where];
  return h("p", { class: "gup-kernel", title: source }, address ? h("a", { href: address }, words) : words);
}

/** What the button would do, in one word: the kernel's function, or why not. */
const nextWords = (asked, kind, source) =>
  asked ? "predict first" : kind === "next" ? source.replace(/\(\),.*$/, "") : kind;

/** How near a broken rule is once this thread has taken its next step. */
function foresightView({ graph, breaks, toBreak }, state, t) {
  const edge = graph.edges[graph.number.get(keyOf(state))].find(({ digit }) => digit === String(t + 1));
  const steps = toBreak[edge.to];
  const [mark, says] =
    breaks(edge) || steps === 0
      ? ["✗", "breaks it"]
      : steps > 0
        ? ["!", `then broken in ${steps} more at the soonest`]
        : ["✓", "then it can no longer be broken"];
  return h(
    "p",
    { class: "gup-foresight", "data-near": breaks(edge) ? 0 : steps },
    h("span", { "aria-hidden": "true" }, `${mark} `),
    says,
  );
}

/** The source around the current line, less what all of it is indented by. */
function codeView({ name, first, lines: source, line: current }) {
  const lines = source.map((text, n) => ({ text, number: first + n })).filter(({ text }) => text !== null);
  const at = lines.findIndex(({ number }) => number === current);
  const from = Math.max(0, Math.min(at - AROUND, lines.length - 2 * AROUND - 1));
  const shown = lines.slice(from, from + 2 * AROUND + 1);
  const indent = (line) => line.length - line.trimStart().length;
  const margin = Math.min(...shown.filter(({ text }) => text.trim()).map(({ text }) => indent(text)));
  return h(
    "ol",
    { class: "gup-code", tabindex: 0, "aria-label": `Source of ${name}` },
    shown.map(({ text: line, number }) => {
      const here = number === current;
      const depth = Math.max(0, indent(line) - margin);
      return h(
        "li",
        {
          "aria-current": here && "step",
          style: `--indent: ${depth}ch`,
        },
        h("span", { class: "gup-line", "aria-hidden": "true" }, `${here ? "▶ " : ""}${number}`),
        h("code", null, line.trim() || "\u00a0"),
      );
    }),
  );
}

/** The one short sentence a screen reader says after an action. */
export function aloud(board, design, game, path, last, prompt) {
  const state = path.at(-1);
  if (game.note || game.told) return game.note || game.told;
  if (!last) return "At the start.";
  const broken = last.breaks.length ? ` Breaks: ${last.breaks.join(", ")}.` : "";
  const end = isOpen(prompt, game) ? null : outlook(board, design, game, path);
  const goesOn = board.threads.some((_, t) => canMove(moveOf(board, design, state, t)));
  const ends = last.stopped ? " The run ends here." : goesOn || end ? "" : ` ${standing(board, design, game, state)}`;
  const means = end ? ` ${end.says}` : "";
  const question = isOpen(prompt, game) ? " A question: predict first." : "";
  return `Step ${last.number}, ${last.label}: ${last.said}${broken}${ends}${means}${question}`;
}

export function lastStepView(board, design, { schedule }, last, things) {
  const shown = verdictsOn(board, design).filter(
    (verdict) => verdict.status === "fails" && verdict.schedule === schedule && !last?.breaks.includes(verdict.rule),
  );
  return h(
    "section",
    { class: "gup-last", role: "group", "aria-label": "Last step" },
    h(
      "p",
      { class: "gup-title" },
      last ? `Step ${last.number}: ${last.label}` : "No step taken yet",
      last?.stopped && h("span", { class: "gup-badge" }, "oops"),
    ),
    last && h("p", { class: "gup-said" }, last.said),
    last && h("p", null, h("code", { class: "gup-taken" }, last.line)),
    last && h("p", { class: "gup-source" }, last.source),
    last &&
      h(
        "ul",
        { class: "gup-changes" },
        things
          .filter(({ changed }) => changed)
          .map(({ name, was, value }) => h("li", null, h("b", null, name), `: ${was} → ${value}`)),
      ),
    last?.breaks.map((rule) => h("p", { class: "gup-breaks" }, `breaks: ${rule}`)),
    shown.map(({ rule, why }) => h("p", { class: "gup-breaks" }, `breaks: ${rule}. ${why}`)),
    !last && h("p", null, "Step a thread, or open the verdict below."),
  );
}

export function machineView(things, stopped) {
  const oops = (thing) => thing.name === stopped;
  const looks = (thing) => [
    "gup-thing",
    !thing.exists && "gup-gone",
    thing.changed && "gup-changed",
    thing.name === stopped && "gup-oops",
  ];
  const value = ({ changed, was, value: now }) => [
    changed && h("span", { class: "gup-was" }, was),
    changed && " → ",
    h("span", { class: "gup-now" }, now),
  ];
  const card = (thing) =>
    h(
      "li",
      {
        class: looks(thing).filter(Boolean).join(" "),
        "data-thing": thing.name,
        "data-exists": String(thing.exists),
      },
      h(
        "p",
        null,
        h("b", null, thing.name),
        !thing.exists && h("span", { class: "gup-badge" }, thing.existed ? "gone" : "not there"),
        oops(thing) && h("span", { class: "gup-badge" }, "oops"),
        thing.changed && h("span", { class: "gup-badge" }, "changed"),
      ),
      h("p", { class: "gup-value" }, value(thing)),
      thing.exists &&
        thing.detail.length > 0 &&
        h(
          "details",
          null,
          h("summary", { "aria-label": `More about the ${thing.name}` }, thing.detail.length > 1 ? "bits" : "more"),
          h(
            "ul",
            { class: "gup-detail" },
            thing.detail.map((words) => h("li", null, words)),
          ),
        ),
    );
  const row = (thing) =>
    h(
      "li",
      {
        class: thing.changed && "gup-changed",
        "data-thing": thing.name,
        "data-exists": String(thing.exists),
      },
      `${thing.name}: `,
      h("span", { class: "gup-value" }, value(thing)),
      thing.changed && h("span", { class: "gup-badge" }, "changed"),
    );
  return h(
    "section",
    { class: "gup-machine", role: "group", "aria-label": "Machine" },
    h("ul", { class: "gup-things" }, things.filter(({ kind }) => kind === "object").map(card)),
    h("ul", { class: "gup-sections" }, things.filter(({ kind }) => kind === "section").map(row)),
  );
}

export function historyView(board, design, { schedule }, path) {
  return h(
    "section",
    { class: "gup-history", role: "group", "aria-label": "History" },
    h("p", { class: "gup-title" }, "History"),
    h(
      "ol",
      null,
      [...schedule].map((digit, n) => {
        const { said } = stepTaken(board, design, path, schedule, n);
        return h(
          "li",
          { "data-thread": digit, "aria-current": n + 1 === schedule.length && "step" },
          button(`jump ${n + 1}`, [
            h("span", { class: "gup-number" }, n + 1),
            h("b", null, digit),
            " ",
            h("span", null, said),
          ]),
        );
      }),
    ),
  );
}
