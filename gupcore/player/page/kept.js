// What stays in the reader's browser, if it lets us: a shelf is an object, kept under a name.

export function recallFrom(shelf) {
  try {
    const all = JSON.parse(localStorage.getItem(shelf));
    return typeof all === "object" && !Array.isArray(all) ? (all ?? {}) : {};
  } catch {
    return {};
  }
}

function storeOn(shelf, all) {
  try {
    localStorage.setItem(shelf, JSON.stringify(all));
  } catch {
    // a browser that keeps nothing: what is kept lasts as long as the page
  }
}

/** Keep one thing; all others, other tabs' among them, stay as they are. */
export const keepOn = (shelf, key, value) => storeOn(shelf, { ...recallFrom(shelf), [key]: value });

/** Forget some things, and no others. */
export const forgetOn = (shelf, keys) =>
  storeOn(shelf, Object.fromEntries(Object.entries(recallFrom(shelf)).filter(([key]) => !keys.includes(key))));
