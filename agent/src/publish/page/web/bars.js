// The small picture of a pool: a bar per backend, its height the share, with a line at the share that it should have.

import { s } from "./dom.js";
import { kind } from "./marks.js";

const HEIGHT = 30;
const MARKS = 9;

const part = (name, x, width, y, height) => s("rect", { class: name, x, y: y.toFixed(1), width, height: Math.max(0, height).toFixed(1) });

function shape(mark, x, width) {
  const [left, right, middle, top, low] = [x, x + width, x + width / 2, HEIGHT + 3, HEIGHT + MARKS];
  if (mark === 2) return s("path", { class: "failing", d: `M${left} ${top}L${right} ${low}M${right} ${top}L${left} ${low}` });
  if (mark === 1) return s("path", { class: "hot", d: `M${left} ${low}L${right} ${low}L${middle} ${top}Z` });
  if (mark === -1) return s("path", { class: "cold", d: `M${left} ${top}L${right} ${top}L${middle} ${low}Z` });
  return null;
}

/** `loads` has for each backend its share and its expected share, in thousandths, and its mark. */
export function bars(loads) {
  const highest = Math.max(1, ...loads.map(([share, expected]) => Math.max(share, expected)));
  const [pitch, width] = loads.length <= 12 ? [13, 10] : [6, 5];
  const total = Math.max(1, loads.length * pitch);
  const scale = HEIGHT / highest;
  const drawn = loads.map(([share, expected, mark], place) => {
    const [x, line] = [place * pitch, HEIGHT - expected * scale];
    const within = Math.min(share, expected) * scale;
    return s(
      "g",
      { class: kind(mark) },
      part("room", x, width, line, expected * scale),
      part("within", x, width, HEIGHT - within, within),
      share > expected && part("over", x, width, HEIGHT - share * scale, (share - expected) * scale),
      part("line", x, width, Math.max(0, line - 0.75), 1.5),
      shape(mark, x, width),
    );
  });
  // The row says the same in words.
  return s("svg", { class: "picture", width: total, height: HEIGHT + MARKS, viewBox: `0 0 ${total} ${HEIGHT + MARKS}`, "aria-hidden": "true" }, drawn);
}
