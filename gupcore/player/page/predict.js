// Predict first: a question before a marked step, which nobody has to answer.

import { button, h } from "./elements.js";

export function promptView(prompt, answers, id) {
  if (!prompt) return null;
  const given = answers[prompt.key];
  const words = Object.fromEntries(prompt.choices);
  return h("section", { class: "gup-prompt", role: "group", "aria-label": "Predict first" },
    given === undefined
      ? h("fieldset", null, h("legend", null, prompt.question),
          prompt.choices.map(([outcome, says]) =>
            button(`answer ${outcome}`, says, true, { class: "gup-answer" })),
          h("small", null, `Or just step: nobody has to answer.`))
      : [h("p", null, h("b", null, given === prompt.right ? "✓ As you predicted. " : "✗ Not as you predicted. "), prompt.question),
         h("p", null, `You said: ${words[given]}.`, given !== prompt.right && ` What happens: ${words[prompt.right]}.`)]);
}

export function progressView(prompts, answers) {
  const answered = prompts.filter(({ key }) => answers[key] !== undefined);
  if (!answered.length) return null;
  const right = answered.filter(({ key, right }) => answers[key] === right);
  return h("p", { class: "gup-progress" },
    `You have answered ${answered.length} of ${prompts.length} questions here, ${right.length} as it is. Kept in this browser only. `,
    button("forget", "Forget my answers"));
}

// --- Kept in the reader's browser, if it lets us ------------------------------------------------

const SHELF = "gup-answers";

export function recall() {
  try {
    return JSON.parse(localStorage.getItem(SHELF)) ?? {};
  } catch {
    return {};
  }
}

/** Keep the answers to `prompts`; those to other players' prompts stay as they are. */
export function keep(prompts, answers) {
  try {
    const all = recall();
    for (const { key } of prompts) {
      if (answers[key] === undefined) delete all[key];
      else all[key] = answers[key];
    }
    localStorage.setItem(SHELF, JSON.stringify(all));
  } catch {
    // a browser that keeps nothing: the answers last as long as the page
  }
}
