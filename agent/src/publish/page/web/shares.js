// One backend's share against its expected share, within the band of its tolerance.

import { s } from "./dom.js";
import { kind } from "./marks.js";

const at = (part, most) => `${Math.min(100, Math.max(0, (part / most) * 100)).toFixed(2)}%`;

/** The largest value that the pictures of these have to hold; each has `share` and `expected`. */
export function reach(loads, tolerance) {
  const ends = loads.map(({ share, expected }) => Math.max(share ?? 0, expected * (1 + tolerance)));
  return Math.max(1e-9, ...ends) * 1.04;
}

/** The picture; `most` is the value at its right edge. The cells beside it say the same in numbers. */
export function shares({ share, expected, mark }, tolerance, most) {
  const [low, high] = [expected * (1 - tolerance), expected * (1 + tolerance)];
  return s(
    "svg",
    { class: `share ${kind(mark)}`, width: "100%", height: "22", "aria-hidden": "true" },
    s("rect", { class: "track", x: "0", y: "7", width: "100%", height: "8", rx: "2" }),
    s("rect", { class: "band", x: at(low, most), y: "1", width: at(high - low, most), height: "20", rx: "2" }),
    share !== null && s("rect", { class: "part", x: "0", y: "6", width: at(share, most), height: "10", rx: "2" }),
    s("line", { class: "line", x1: at(expected, most), x2: at(expected, most), y1: "1", y2: "21" }),
  );
}
