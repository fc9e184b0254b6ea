// Predict first: a question before a marked step, which nobody has to answer.

import { button, h } from "./elements.js";
import { forgetOn, keepOn, recallFrom } from "./kept.js";

export function promptView(prompt, answers) {
  if (!prompt) return null;
  const given = answers[prompt.key];
  return h(
    "section",
    { class: "gup-prompt", role: "group", "aria-label": "Predict first" },
    given === undefined
      ? h(
          "fieldset",
          null,
          h("legend", null, h("span", null, prompt.question), " ", h("small", null, "Or just step.")),
          prompt.choices.map(([outcome, says]) => button(`answer ${outcome}`, says, true, { class: "gup-answer" })),
        )
      : [
          h("p", null, prompt.question),
          h("p", null, h("b", null, given === prompt.right ? "✓ " : "✗ "), answerSays(prompt, given)),
          h("p", null, h("small", null, "Your answers are kept in this browser only.")),
        ],
  );
}

/** What there is to say of an answer. */
export function answerSays({ choices, right }, given) {
  const words = Object.fromEntries(choices);
  if (given === right) return `As you predicted. You said: ${words[given]}.`;
  return `Not as you predicted. You said: ${words[given]}. What happens: ${words[right]}.`;
}

/** Does the prompt, if there is one, wait for an answer? */
export const isOpen = (prompt, { answers }) => prompt !== undefined && answers[prompt.key] === undefined;

export const canBeAsked = (prompt) =>
  typeof prompt?.key === "string" && typeof prompt.schedule === "string" && Array.isArray(prompt.choices);

/** Of all answers those to `prompts`, and of these those that are among their choices. */
export const answersTo = (prompts, all) =>
  Object.fromEntries(
    prompts
      .filter(({ key, choices }) => choices.some(([outcome]) => outcome === all[key]))
      .map(({ key }) => [key, all[key]]),
  );

export function progressView(prompts, answers) {
  const answered = prompts.filter(({ key }) => answers[key] !== undefined);
  const hits = answered.filter(({ key, right }) => answers[key] === right);
  return h(
    "p",
    { class: "gup-progress" },
    answered.length > 0 && [
      `${answered.length} of ${prompts.length} questions here, ${hits.length} as it is `,
      button("forget", "Forget my answers"),
    ],
  );
}

// --- Kept in the reader's browser, if it lets us ------------------------------------------------

const SHELF = "gup-answers";

export const recall = () => recallFrom(SHELF);

export const keep = (key, outcome) => keepOn(SHELF, key, outcome);

/** Forget the answers to `prompts`. */
export const forget = (prompts) =>
  forgetOn(
    SHELF,
    prompts.map(({ key }) => key),
  );
