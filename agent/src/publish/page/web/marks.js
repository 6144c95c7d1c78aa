// Verdicts and marks: each has a word and a shape beside its colour.

import { h } from "./dom.js";

const SHAPES = { skewed: "▲", suspect: "◆", unknown: "○", even: "●" };

/** How bad: the worst first. */
export const RANK = { skewed: 0, suspect: 1, unknown: 2, even: 3 };

/** A verdict as a badge. */
export const badge = (verdict) => h("b", { class: `badge ${verdict}` }, h("span", { "aria-hidden": "true" }, SHAPES[verdict] ?? "○"), " ", verdict);

const MARKS = new Map([
  [1, ["hot", "▲ hot"]],
  [-1, ["cold", "▼ cold"]],
  [2, ["failing", "✕ failing"]],
]);

/** The mark of a backend: 1 hot, -1 cold, 2 failing; nothing for 0. */
export function mark(which) {
  const known = MARKS.get(which);
  return known ? h("b", { class: `mark ${known[0]}` }, known[1]) : null;
}

/** The class of what is drawn of a backend with that mark. */
export const kind = (which) => MARKS.get(which)?.[0] ?? "plain";

/** The mark of a backend of a pool's answer, in one signal or for failing. */
export function markOf(backend, signal) {
  const side = backend.skewed_in[signal];
  if (signal !== "failed" && side) return side === "hot" ? 1 : -1;
  return backend.skewed_in.failed ? 2 : 0;
}
