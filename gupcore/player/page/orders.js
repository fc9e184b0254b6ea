// Put the parts of a thread in order by hand. Every order was judged by Python; this looks it up.

import { button, h, hidden, patch, plural } from "./elements.js";

/** What was found of an order, as words; null if every rule holds. */
function verdictOn({ parts, found }, order) {
  const judged = found.orders[order.map((name) => parts.findIndex(([part]) => part === name)).join("")];
  if (!judged) return null;
  const [where, rules, says, way] = judged;
  const [schedule, steps] = found.ways[way];
  return {
    where: found.where[where],
    rules: rules.map((rule) => found.rules[rule]),
    says: found.text[says],
    steps: [...schedule].map((digit, n) => ({ digit, said: found.text[steps[n]] })),
  };
}

/** The same list with one entry put elsewhere. */
const moved = (order, from, to) => {
  const rest = order.filter((_, n) => n !== from);
  return [...rest.slice(0, to), order[from], ...rest.slice(to)];
};

function ordersView(data, { order, dragged, told, seen }) {
  const verdict = verdictOn(data, order);
  const right = [...seen].filter((text) => !verdictOn(data, text.split(" "))).length;
  return h(
    "div",
    { class: "gup gup-by-hand", role: "group", "aria-label": "Put the parts in order" },
    h("p", null, "Drag a part by its row, or press its buttons."),
    h(
      "ol",
      { class: "gup-order", role: "list", "aria-label": "The order of the parts" },
      order.map((name, n) => rowView(data, order, name, n, n === dragged)),
      h(
        "li",
        { class: "gup-part gup-last-part" },
        h("span", { class: "gup-number" }, order.length + 1),
        h("span", null, h("b", null, data.last[0]), " ", h("small", null, data.last[1])),
      ),
    ),
    h("div", { class: "gup-judged" }, verdict ? failsView(data, order, verdict) : holdsView(data)),
    h("p", { class: "gup-tally" }, `Tried: ${plural(seen.size, "order")}, of which right: ${right}.`),
    h("p", { class: "gup-hidden gup-live", role: "status", "aria-live": "polite" }, told),
  );
}

function rowView({ parts }, order, name, n, isDragged) {
  const says = parts.find(([part]) => part === name)[1];
  return h(
    "li",
    { class: `gup-part${isDragged ? " gup-dragged" : ""}`, "data-part": name },
    h("span", { class: "gup-number" }, n + 1),
    h("span", { class: "gup-grip", "aria-hidden": "true" }, "⠿"),
    h("span", null, h("b", null, name), " ", h("small", null, says)),
    h(
      "span",
      { class: "gup-buttons" },
      button(`up ${n}`, "Up", n > 0, { "aria-label": `Up: ${name}` }),
      button(`down ${n}`, "Down", n < order.length - 1, { "aria-label": `Down: ${name}` }),
    ),
  );
}

const holdsView = ({ found }) => [
  h("p", { class: "gup-holds" }, h("span", { class: "gup-verdict" }, "✓ Every rule holds, in every schedule.")),
  h("p", null, `It was tried with ${found.where.join(" and with ")}.`),
];

/** What shows a schedule in a player, if this page can run it: elsewhere there is no such cell. */
function codeFor({ code }, order, steps) {
  if (!code || !globalThis.gupLive?.runBelow) return "";
  const names = order.map((name) => JSON.stringify(name)).join(", ");
  return code.replace("{order}", names).replace("{schedule}", steps.map(({ digit }) => digit).join(""));
}

function failsView(data, order, { where, rules, says, steps }) {
  const { found } = data;
  return [
    h("p", { class: "gup-fails" }, h("span", { class: "gup-verdict" }, `✗ “${rules[0]}” ${says}`)),
    h("p", null, `This is with ${where}.`, rules.length > 1 && ` Also broken: ${rules.slice(1).join(", ")}.`),
    h(
      "details",
      null,
      h("summary", null, "Show me the shortest schedule"),
      h(
        "ol",
        { class: "gup-way", role: "list" },
        steps.map(({ digit, said }, n) =>
          h(
            "li",
            { "data-thread": digit },
            h("span", { class: "gup-number" }, n + 1),
            h("b", { title: found.threads[digit - 1] }, digit),
            h("span", null, hidden(`${found.threads[digit - 1]}: `), said),
          ),
        ),
      ),
    ),
    codeFor(data, order, steps) && h("p", null, button("play", "Play it in the cell below")),
  ];
}

/** What a screen reader is told when a part has come to rest. */
function toldOf(data, order, name) {
  const verdict = verdictOn(data, order);
  const judged = verdict ? `“${verdict.rules[0]}” ${verdict.says}` : "Every rule holds.";
  return `${name} is now ${order.indexOf(name) + 1} of ${order.length}. ${judged}`;
}

/** Put the list into `element`, and keep it and `model` in step. Returns the function that ends it. */
export function mountOrders(model, element) {
  const get = (name) => model.get(name);
  const data = { parts: get("parts"), last: get("last"), found: get("found"), code: get("code") };
  const at = model.get("order");
  let now = { order: at, dragged: -1, told: "", seen: new Set([at.join(" ")]) };
  const root = ordersView(data, now);
  const rows = root.querySelector("ol");
  element.append(root);

  function set(next) {
    const isNew = next.order !== now.order;
    now = { ...next, seen: new Set([...now.seen, ...(next.dragged < 0 ? [next.order.join(" ")] : [])]) };
    patch(root, ordersView(data, now));
    if (isNew) {
      model.set("order", now.order);
      model.save_changes();
    }
  }

  function move(from, to) {
    if (to < 0 || to >= now.order.length) return;
    const order = moved(now.order, from, to);
    set({ ...now, order, told: toldOf(data, order, order[to]) });
  }

  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-do]");
    if (!pressed || pressed.getAttribute("aria-disabled") === "true") return;
    if (pressed.dataset.do === "play") {
      globalThis.gupLive.runBelow(root, codeFor(data, now.order, verdictOn(data, now.order).steps));
      return;
    }
    const [way, n] = pressed.dataset.do.split(" ");
    const to = Number(n) + (way === "up" ? -1 : 1);
    move(Number(n), to);
    root.querySelector(`[data-do="${way} ${to}"]`).focus(); // the part has gone there, and the reader with it
  });

  // The rows stay where they are and change what they say, so the list itself has the pointer.
  rows.addEventListener("pointerdown", (event) => {
    const row = event.target.closest("[data-part]");
    const scrolls = event.pointerType === "touch" && !event.target.closest(".gup-grip");
    if (!row || event.button !== 0 || scrolls || event.target.closest("button")) return;
    event.preventDefault(); // selects no text
    rows.setPointerCapture(event.pointerId);
    set({ ...now, dragged: now.order.indexOf(row.dataset.part) });
  });
  rows.addEventListener("pointermove", ({ clientY }) => {
    if (now.dragged < 0) return;
    const parts = [...rows.querySelectorAll("[data-part]")];
    const below = parts.findIndex((row) => clientY < row.getBoundingClientRect().bottom);
    const to = below < 0 ? parts.length - 1 : below;
    if (to !== now.dragged) set({ ...now, order: moved(now.order, now.dragged, to), dragged: to });
  });
  rows.addEventListener("lostpointercapture", () => {
    if (now.dragged < 0) return;
    set({ ...now, dragged: -1, told: toldOf(data, now.order, now.order[now.dragged]) });
  });

  function pull() {
    const order = model.get("order");
    const isOrder = order.length === now.order.length && now.order.every((name) => order.includes(name));
    if (isOrder && order.join(" ") !== now.order.join(" ")) set({ ...now, order, dragged: -1 });
  }
  model.on("change:order", pull);
  return () => {
    model.off("change:order", pull);
    root.remove();
  };
}
