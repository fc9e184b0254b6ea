// Elements: make them, and carry the differences between two trees over to the one on the page.

/** Make an element. Attributes that are false, null or undefined are left out, and so are children. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** The same for a drawing. */
export const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === 0 || value === "" || value) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

export const hidden = (text) => h("span", { class: "gup-hidden" }, text);
export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** A button. One that cannot be pressed keeps its place and the focus, so that it can say why. */
export const button = (does, label, can = true, more = {}) =>
  h("button", { type: "button", "data-do": does, "aria-disabled": !can && "true", ...more }, label);

/** A list to choose from; `does` takes the chosen value. */
export const choice = (does, label, options, chosen) =>
  h(
    "label",
    { class: "gup-choice" },
    h("span", null, label),
    " ",
    h(
      "select",
      { "data-set": does },
      options.map(([value, words]) => h("option", { value, selected: value === chosen }, words)),
    ),
  );

/** Make the element `old` look like `fresh`, replacing as little as possible. */
export function patch(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name); // a reader opens it
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
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

/** What a reader has moved or typed differs from the attributes: make it what they say. */
export function settle(root) {
  for (const field of root.querySelectorAll("input, option, textarea")) {
    if (field.matches("[type=radio], [type=checkbox]")) field.checked = field.hasAttribute("checked");
    else if (field.matches("option")) field.selected = field.hasAttribute("selected");
    else if (field.matches("textarea")) field.value = field.textContent;
    else if (field.type === "number" && field === document.activeElement)
      continue; // who types is not interrupted
    else if (field.value !== field.getAttribute("value")) field.value = field.getAttribute("value");
  }
}

/** A caption that is longer than its place can be scrolled by key: it is then a place to go to. */
export function letScroll(root) {
  for (const text of root.querySelectorAll(".gup-caption > p")) {
    if (text.scrollHeight > text.clientHeight + 1) text.setAttribute("tabindex", "0");
    else text.removeAttribute("tabindex");
  }
}
