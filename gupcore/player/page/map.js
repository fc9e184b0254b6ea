// The state map: every state that can be reached, layer by layer, and where the reader is.

import { allEnded, brokenAtEnd, remembered, touchedGone } from "./board.js";
import { button, draw, h, plural } from "./elements.js";
import { keyOf, wholeGraph } from "./graph.js";

const MOST_DRAWN = 400; // states; of more, a summary
const SPACE = 26; // pixels from one state to the next

const ENDS = {
  oops: ["✗", "oops"],
  broken: ["✗", "ends, and breaks a rule"],
  stuck: ["∞", "somebody never finishes"],
  end: ["✓", "all threads have ended"],
  "": ["", ""],
};

/** What becomes of the threads in a state, as one of ENDS. */
function endOf(board, design, graph, n) {
  const state = graph.states[n];
  if (touchedGone(board, state)) return "oops";
  if (design.stuck.includes(n)) return "stuck";
  if (!allEnded(board, state)) return "";
  return brokenAtEnd(board, state).length ? "broken" : "end";
}

/** Where each state is drawn: its depth, and its place in the layer, near those that lead to it. */
const layout = remembered((/** @type {Graph} */ graph) => {
  const layers = [];
  graph.depth.forEach((depth, n) => (layers[depth] ??= []).push(n));
  const from = graph.states.map(() => []);
  graph.edges.forEach((out, n) => out.forEach(({ to }) => from[to].push(n)));
  const place = [];
  const middle = (n) => {
    const known = from[n].filter((other) => graph.depth[other] < graph.depth[n]).map((other) => place[other]);
    return known.reduce((sum, at) => sum + at, 0) / (known.length || 1);
  };
  for (const layer of layers) {
    layer.sort((a, b) => middle(a) - middle(b) || a - b);
    layer.forEach((n, at) => (place[n] = at - (layer.length - 1) / 2));
  }
  const widest = Math.max(...layers.map((layer) => layer.length));
  return {
    layers,
    widest,
    at: (n) => [(place[n] + (widest - 1) / 2) * SPACE + SPACE / 2, graph.depth[n] * SPACE + SPACE / 2],
  };
});

export function mapPanel(board, design, path) {
  const graph = wholeGraph(design, board);
  if (!graph)
    return h(
      "p",
      null,
      `${plural(design.states, "state")}: ${design.complete ? "too many to draw" : "the search was cut off"}.`,
    );
  const here = path.map((state) => graph.number.get(keyOf(state)));
  return graph.states.length > MOST_DRAWN
    ? summaryView(board, design, graph, here.at(-1))
    : drawnView(board, design, graph, here);
}

function drawnView(board, design, graph, path) {
  const { layers, widest, at } = layout(graph);
  const here = path.at(-1);
  const taken = new Set(path.slice(1).map((n, k) => `${path[k]}-${n}`));
  const size = { width: widest * SPACE, height: layers.length * SPACE };
  const line = (n, { to, breaks, digit }) => {
    const [x1, y1, x2, y2] = [...at(n), ...at(to)];
    const d =
      graph.depth[to] > graph.depth[n]
        ? `M${x1} ${y1}L${x2} ${y2}` // a way back is bent
        : `M${x1} ${y1}C${x1 + SPACE} ${y1} ${x2 + SPACE} ${y2} ${x2} ${y2}`;
    return draw("path", {
      d,
      "data-thread": digit,
      class: `${breaks.length ? "gup-edge-breaks" : ""}${taken.has(`${n}-${to}`) ? " gup-edge-taken" : ""}`,
    });
  };
  const dot = (n) => {
    const [x, y] = at(n);
    const end = endOf(board, design, graph, n);
    const says = [
      `state ${n + 1}, ${plural(graph.depth[n], "step")} from the start`,
      ENDS[end][1],
      n === here && "you are here",
    ];
    return button(`state ${n}`, ENDS[end][0], true, {
      class: `gup-dot${path.includes(n) ? " gup-passed" : ""}`,
      "data-end": end,
      "aria-current": n === here && "step",
      style: `left: ${x}px; top: ${y}px`,
      tabindex: n === here ? 0 : -1,
      "aria-label": says.filter(Boolean).join(", "),
    });
  };
  return [
    h(
      "p",
      null,
      `${plural(graph.states.length, "state")}, the start at the top, one step a row. `,
      "✓ all threads have ended, ✗ oops or a rule broken at the end, ∞ somebody never finishes; ",
      "a dashed line breaks a rule. ",
      "Choose a state to go there by a shortest way; arrow keys move from state to state.",
    ),
    h(
      "div",
      { class: "gup-map", tabindex: 0, role: "group", "aria-label": "State map" },
      h(
        "div",
        { class: "gup-field", style: `width: ${size.width}px; height: ${size.height}px` },
        draw(
          "svg",
          { ...size, viewBox: `0 0 ${size.width} ${size.height}`, "aria-hidden": "true" },
          graph.edges.map((out, n) => out.map((edge) => line(n, edge))),
        ),
        graph.states.map((_, n) => dot(n)),
      ),
    ),
  ];
}

/** The state next to `n` in the direction of an arrow key. */
export function neighbour(design, board, n, key) {
  const graph = wholeGraph(design, board);
  const { layers, at } = layout(graph);
  const layer = layers[graph.depth[n]];
  if (key === "ArrowLeft" || key === "ArrowRight") return layer[layer.indexOf(n) + (key === "ArrowLeft" ? -1 : 1)] ?? n;
  const other = layers[graph.depth[n] + (key === "ArrowUp" ? -1 : 1)] ?? [n];
  const distance = (m) => Math.abs(at(m)[0] - at(n)[0]);
  return other.reduce((best, m) => (distance(m) < distance(best) ? m : best));
}

/** Of a large graph: how many states lie how deep, and how many of them end how. */
function summaryView(board, design, graph, here) {
  const { layers, widest } = layout(graph);
  const words = (layer) => {
    const ends = layer.map((n) => endOf(board, design, graph, n));
    return ["end", "broken", "oops", "stuck"]
      .map((end) => [end, ends.filter((e) => e === end).length])
      .filter(([, count]) => count)
      .map(([end, count]) => `${ENDS[end][0]} ${count} ${ENDS[end][1]}`)
      .join(", ");
  };
  return [
    h(
      "p",
      null,
      `${plural(graph.states.length, "state")}, too many to draw one by one: `,
      "here they are by the number of steps they are from the start.",
    ),
    h(
      "table",
      { class: "gup-layers" },
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          ["steps", "states", "of these"].map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h(
        "tbody",
        null,
        layers.map((layer, depth) =>
          h(
            "tr",
            { "aria-current": graph.depth[here] === depth && "step" },
            h("th", { scope: "row" }, depth, graph.depth[here] === depth && " ◀ you are here"),
            h(
              "td",
              null,
              h("span", { class: "gup-bar" }, h("span", { style: `width: ${(100 * layer.length) / widest}%` })),
              ` ${layer.length.toLocaleString("en")}`,
            ),
            h("td", null, words(layer)),
          ),
        ),
      ),
    ),
  ];
}
