// Vote on a patch before anything is shown of it. What was voted stays in the reader's browser.

import { button, h, patch } from "./elements.js";
import { forgetOn, keepOn, recallFrom } from "./kept.js";

const VOTES = { reviewed: "Reviewed-by", hold: "hold" };
const VOTE_SHELF = "gup-votes";

function voteView(data, given, chosen, tally, told) {
  return h(
    "div",
    { class: "gup gup-voting", role: "group", "aria-label": "Your vote" },
    given ? castView(data, given, tally) : askView(data, chosen),
    h("p", { class: "gup-hidden gup-live", role: "status", "aria-live": "polite" }, told),
  );
}

const askView = ({ choices }, chosen) => [
  h(
    "label",
    { class: "gup-choice" },
    h("span", null, "The rule at stake"),
    " ",
    h(
      "select",
      { "data-set": "rule" },
      ["", ...choices].map((rule) =>
        h("option", { value: rule, selected: rule === chosen }, rule || "I cannot say yet"),
      ),
    ),
  ),
  h(
    "div",
    { class: "gup-buttons" },
    h("span", null, "Your vote"),
    Object.entries(VOTES).map(([vote, label]) => button(`vote ${vote}`, label)),
  ),
];

const castView = (data, given, { votes, of, hits, rules }) => [
  voteSays(data, given).map((sentence) => h("p", null, sentence)),
  h("p", null, data.says),
  h(
    "p",
    { class: "gup-tally" },
    `Voted on ${votes} of ${of} patches: ${hits} as it went, and the rule of ${rules}. Kept in this browser only. `,
    button("forget", "Forget my votes"),
  ),
];

/** How the vote went, and how the choice of a rule did. */
function voteSays({ right, at_stake: stake, also }, [vote, rule]) {
  const said = VOTES[vote];
  const asWell = also.includes(rule) ? `✓ At stake: ${rule} fails as well. The patch is about: ${stake}.` : "";
  return [
    said === right ? `✓ You said ${said}, and so it went.` : `✗ You said ${said}. Better: ${right}.`,
    asWell || (rule === stake ? `✓ At stake: ${stake}.` : `${rule ? `✗ You said ${rule}. ` : ""}At stake: ${stake}.`),
  ];
}

const isItsRule = ({ at_stake: stake, also }, [, rule]) => rule === stake || also.includes(rule);

const isVote = ({ choices }, vote) =>
  Array.isArray(vote) && vote[0] in VOTES && (vote[1] === "" || choices.includes(vote[1]));

/** Bring the votes of a page to life: they have one score. What cannot be read leaves its folded answer. */
export function bringVotesToLife(root) {
  const polls = [];
  for (const element of root.querySelectorAll(".gup-vote:not([data-live])")) {
    element.dataset.live = "";
    try {
      const data = JSON.parse(element.querySelector("script").textContent);
      polls.push({ data, element, view: element.appendChild(voteView(data, null, "", {}, "")), chosen: "" });
      element.querySelector(".gup-fallback").setAttribute("hidden", "");
    } catch {
      // then the answer is there to unfold
    }
  }
  if (!polls.length) return;
  let votes = recallFrom(VOTE_SHELF);

  const givenTo = ({ data }) => (isVote(data, votes[data.key]) ? votes[data.key] : null);

  function drawAll(told = new Map()) {
    const voted = polls.filter(givenTo);
    const tally = {
      votes: voted.length,
      of: polls.length,
      hits: voted.filter((poll) => VOTES[givenTo(poll)[0]] === poll.data.right).length,
      rules: voted.filter((poll) => isItsRule(poll.data, givenTo(poll))).length,
    };
    for (const poll of polls) {
      patch(poll.view, voteView(poll.data, givenTo(poll), poll.chosen, tally, told.get(poll) ?? ""));
    }
  }

  function cast(poll, vote) {
    keepOn(VOTE_SHELF, poll.data.key, [vote, poll.chosen]);
    votes = { ...votes, ...recallFrom(VOTE_SHELF), [poll.data.key]: [vote, poll.chosen] };
    drawAll(new Map([[poll, voteSays(poll.data, votes[poll.data.key]).join(" ")]]));
    unfoldAfter(poll.element);
    poll.view.querySelector("button").focus(); // the one that was pressed is gone
  }

  function forgetAll(poll) {
    forgetOn(
      VOTE_SHELF,
      polls.map(({ data }) => data.key),
    );
    votes = {};
    for (const each of polls) each.chosen = "";
    drawAll(new Map([[poll, "Your votes are forgotten."]]));
    for (const { view } of polls) view.querySelector("select").value = "";
    poll.view.querySelector("select").focus();
  }

  for (const poll of polls) {
    poll.view.addEventListener("change", ({ target }) => (poll.chosen = target.value));
    poll.view.addEventListener("click", ({ target }) => {
      const [verb, vote] = target.closest("[data-do]")?.dataset.do.split(" ") ?? [];
      if (verb === "vote") cast(poll, vote);
      if (verb === "forget") forgetAll(poll);
    });
  }
  drawAll();
}

/** Open what is folded behind a vote, up to the end of its section. */
function unfoldAfter(element) {
  for (const fold of element.closest("section")?.querySelectorAll("details") ?? []) {
    const isBehind = element.compareDocumentPosition(fold) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (isBehind && !element.contains(fold)) fold.open = true;
  }
}
