// The Lorenz curve: what part of the traffic the least loaded part of the pool gets, with the line that chance alone draws.

import { h, s } from "./dom.js";
import { NOUNS, percent } from "./format.js";

const SIDE = 240;
const LEFT = 38;
const BOTTOM = 34;

const x = (part) => (LEFT + part * SIDE).toFixed(1);
const y = (part) => (8 + (1 - part) * SIDE).toFixed(1);
const path = (points) => points.map(([across, up], place) => `${place ? "L" : "M"}${x(across)} ${y(up)}`).join("");

/** The curve: backends by load relative to their expected share, the least loaded first; both axes cumulated. */
export function curve(loads) {
  const sorted = loads.filter(({ share }) => share !== null).sort((one, other) => one.share / one.expected - other.share / other.expected);
  const points = [[0, 0]];
  for (const { share, expected } of sorted) {
    const [across, up] = points[points.length - 1];
    points.push([Math.min(1, across + expected), Math.min(1, up + share)]);
  }
  return points;
}

/** The inverse of the normal distribution; Acklam's rational approximation is not needed for a drawn line, bisection is enough. */
function quantile(part) {
  let [low, high] = [-5, 5];
  for (let turn = 0; turn < 40; turn += 1) {
    const middle = (low + high) / 2;
    if (cumulated(middle) < part) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The normal distribution (Abramowitz and Stegun, 7.1.26). */
function cumulated(z) {
  const t = 1 / (1 + 0.3275911 * (Math.abs(z) / Math.SQRT2));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-z * z) / 2);
  return z < 0 ? tail / 2 : 1 - tail / 2;
}

/** The curve of normally distributed loads whose Gini coefficient is `gini`: L(p) = p − g·√π·φ(Φ⁻¹(p)). */
export function byChance(gini) {
  const points = [[0, 0]];
  for (let step = 1; step < 50; step += 1) {
    const part = step / 50;
    const density = Math.exp(-(quantile(part) ** 2) / 2) / Math.sqrt(2 * Math.PI);
    points.push([part, Math.max(0, part - gini * Math.sqrt(Math.PI) * density)]);
  }
  return [...points, [1, 1]];
}

/** How high a curve is at `across`. */
function height(points, across) {
  const after = points.findIndex(([at]) => at >= across);
  if (after <= 0) return after === 0 ? points[0][1] : 1;
  const [[x0, y0], [x1, y1]] = [points[after - 1], points[after]];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (across - x0)) / (x1 - x0);
}

const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** The chart of one signal. */
export function lorenz(loads, measures, signal) {
  if (!measures) return h("p", { class: "none" }, `No ${NOUNS[signal]} within the window.`);
  const [observed, chance] = [curve(loads), byChance(measures.gini_by_chance)];
  const said =
    `The least loaded half of the capacity gets ${percent(height(observed, 0.5))} of the ${NOUNS[signal]}; ` +
    `evenly it would be ${percent(0.5)}, and chance alone makes it ${percent(height(chance, 0.5))}.`;
  return h(
    "figure",
    { class: "lorenz" },
    s(
      "svg",
      { viewBox: `0 0 ${LEFT + SIDE + 14} ${SIDE + BOTTOM + 8}`, role: "img", "aria-label": `Lorenz curve. ${said}` },
      TICKS.map((tick) => [
        s("path", { class: "grid", d: `M${x(tick)} ${y(0)}V${y(1)}M${x(0)} ${y(tick)}H${x(1)}` }),
        s("text", { x: x(tick), y: SIDE + 24, "text-anchor": "middle" }, (tick * 100).toFixed(0)),
        s("text", { x: LEFT - 6, y: Number(y(tick)) + 4, "text-anchor": "end" }, (tick * 100).toFixed(0)),
      ]),
      s("path", { class: "gap", d: `${path(observed)}${path([...chance].reverse()).replace("M", "L")}Z` }),
      s("path", { class: "even", d: path([[0, 0], [1, 1]]) }),
      s("path", { class: "chance", d: path(chance) }),
      s("path", { class: "observed", d: path(observed) }),
      s("text", { x: x(0.5), y: SIDE + BOTTOM + 6, "text-anchor": "middle" }, "% of the capacity, least loaded first"),
    ),
    h("ul", { class: "legend" }, [["observed", "observed"], ["chance", "by chance"], ["even", "even"]].map(([name, text]) => h("li", {}, s("svg", { width: 26, height: 8, "aria-hidden": "true" }, s("path", { class: name, d: "M0 4H26" })), " ", text))),
    h("figcaption", {}, said),
  );
}
