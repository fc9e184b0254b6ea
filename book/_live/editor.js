// A live cell that is open: an editor in the place of its text, and what the last run showed.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tagHighlighter, tags } from "@lezer/highlight";
import { Python } from "./python.js";

// The names that the page's own style sheet gives to the parts of a program, for light and dark.
const AS_IN_THE_PAGE = tagHighlighter([
  { tag: tags.keyword, class: "k" },
  { tag: tags.operatorKeyword, class: "ow" },
  { tag: [tags.string, tags.special(tags.string)], class: "s1" },
  { tag: tags.number, class: "mi" },
  { tag: [tags.bool, tags.null, tags.self], class: "kc" },
  { tag: tags.comment, class: "c1" },
  { tag: tags.operator, class: "o" },
  { tag: tags.definition(tags.function(tags.variableName)), class: "nf" },
  { tag: tags.function(tags.variableName), class: "n" },
  { tag: tags.definition(tags.className), class: "nc" },
]);

const live = globalThis.gupLive;
let thePython;
live.open = (given) => {
  thePython ??= new Python(live, given.page);
  return new Cell(given, thePython);
};

function make(tag, attributes, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

class Cell {
  constructor({ page, cell, element, bar }, runs) {
    this.cell = cell;
    this.python = runs;
    this.page = page.name;
    this.key = `gup-live:${page.name}:${cell.id}`;
    this.limit = cell.limit;
    this.above = page.cells.slice(0, page.cells.indexOf(cell)).map(({ id, text }) => [`<cell ${id}>`, text]);
    this.input = element.querySelector(".cell_input");
    this.before = element.querySelector(".cell_output");
    this.makeBar(bar);
    this.output = make("div", { class: "cell_output docutils container gup-live-output" });
    this.output.hidden = true;
    bar.after(this.output);
    this.input.hidden = true;
    this.editor = this.makeEditor(live.kept(cell) ?? cell.text);
    this.offerReset();
    this.editor.focus();
    runs.prepare((sentence) => this.say(sentence));
  }

  makeBar(bar) {
    const button = (name, does) => {
      const made = make("button", { type: "button", class: "gup-live-button" }, name);
      made.addEventListener("click", () => made.getAttribute("aria-disabled") || does());
      return made;
    };
    this.run = button("Run", () => this.start());
    this.stop = button("Stop", () => this.python.stop("Stopped."));
    this.reset = button("Reset", () => this.restore());
    this.status = make("span", { role: "status" });
    bar.replaceChildren(this.run, this.stop, this.reset, this.status);
    this.isRunning(false);
  }

  makeEditor(text) {
    const frame = make("div", { class: "cell_input docutils container highlight gup-live-editor" });
    this.input.after(frame);
    const name = "Python. Tab indents; Escape leaves the editor; Control and Enter run the cell.";
    const keys = [
      { key: "Escape", run: () => this.leave() },
      { key: "Mod-Enter", run: () => this.start() },
      { key: "Shift-Enter", run: () => this.start() },
    ];
    return new EditorView({
      parent: frame,
      doc: text,
      extensions: [
        Prec.high(keymap.of(keys)),
        lineNumbers(),
        history(),
        drawSelection(),
        python(),
        indentUnit.of("    "),
        indentOnInput(),
        bracketMatching(),
        syntaxHighlighting(AS_IN_THE_PAGE),
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": name, tabindex: "0" }),
        EditorView.updateListener.of((update) => update.docChanged && this.keep()),
      ],
    });
  }

  leave() {
    this.run.focus();
    return true;
  }

  text() {
    return this.editor.state.doc.toString();
  }

  /** Keep what is written, for this page and this cell; the book's own text need not be kept. */
  keep() {
    const text = this.text();
    try {
      if (text === this.cell.text) localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, text);
    } catch {
      // then it is there until the page is left
    }
    this.offerReset();
  }

  write(text) {
    this.editor.dispatch({ changes: { from: 0, to: this.editor.state.doc.length, insert: text } });
  }

  /** Run a text in the place of what is written, which the reader can bring back by undoing. */
  runText(text) {
    if (this.running) this.python.stop("Stopped.");
    this.write(text);
    this.start();
    this.run.focus({ preventScroll: true });
    this.editor.dom.scrollIntoView({ block: "start" });
  }

  /** Bring the book's own text back, and what the book shows below it. */
  restore() {
    this.write(this.cell.text);
    if (!this.running) this.show(null);
    this.say(this.running ? "The book's text is back." : "The book's text and output are back.");
    this.offerReset();
  }

  offerReset() {
    this.off(this.reset, this.text() === this.cell.text && this.output.hidden);
  }

  off(button, isOff) {
    if (isOff) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }

  say(visible, hidden = "") {
    this.status.replaceChildren(visible, make("span", { class: "gup-live-heard" }, hidden && ` ${hidden}`));
  }

  isRunning(running) {
    this.running = running;
    this.off(this.run, running);
    this.off(this.stop, !running);
  }

  /** Show an element below the cell, or, for none, what the book shows there. */
  show(element) {
    if (element && element === this.output.firstChild) return;
    this.output.replaceChildren(...(element ? [element] : []));
    this.output.hidden = !element;
    if (this.before) this.before.hidden = Boolean(element);
  }

  start() {
    if (this.running) return true;
    const results = make("div", { class: "output" });
    const heard = [];
    let began = false;
    this.isRunning(true);
    this.python.run(this.text(), this.above, this.limit, {
      says: (sentence) => this.say(sentence),
      begins: () => {
        began = true;
        this.say("Running …");
      },
      shows: (kind, text, asText) => {
        this.show(results); // not before, so that the page below stays where it is
        add(results, kind, text);
        heard.push(kind === "html" ? asText : text);
      },
      solved: () => globalThis.gupSolved?.(this.page, this.cell.id),
      ends: (sentence) => {
        if (began) this.show(results);
        this.isRunning(false);
        this.offerReset();
        this.say(sentence, heard.join("\n").slice(0, 500));
      },
    });
    return true;
  }
}

/** Add to the results what a run shows, as the notebook's page would. */
function add(results, kind, text) {
  if (kind === "html") {
    const element = make("div", { class: "text_html" });
    element.innerHTML = text;
    results.append(element);
    live.enliven?.(element);
    return;
  }
  const last = results.lastElementChild;
  if (kind === "text" && last?.dataset.kind === "text") {
    last.querySelector("pre").append(text);
    return;
  }
  const element = make("div", { class: `highlight gup-live-${kind}` }, make("pre", {}, text));
  element.dataset.kind = kind;
  results.append(element);
}
