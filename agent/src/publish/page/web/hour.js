// The shares of the last hour as lines, with incidents and changes of the configuration on the same axis.

import { h, s } from "./dom.js";
import { clock, moment, NOUNS, percent } from "./format.js";
import { kind } from "./marks.js";

const HOUR = 3_600_000;
/** Lengths are in pixels, and larger where type is larger. */
const EM = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const HEIGHT = 310 * EM;
const TOP = 18 * EM;
const BOTTOM = 26 * EM;
const LEFT = 48 * EM;
const RIGHT = 176 * EM;
const GAP = 15 * EM;

/** As many letters as the longest address of IPv4 with a port has. */
const LONGEST = 21;

/** Lines that have their name at their end; more would lie on each other. */
const MOST_NAMED = 8;

/** Keeps what the stream tells of the hour. */
export class Trail {
  times = [];
  backends = new Map();

  take({ step_seconds: step, times, backends }) {
    const from = Date.parse(times[0] ?? 0);
    if (this.times.length && !(from > this.times.at(-1))) this.times = [];
    const length = this.times.length;
    this.times.push(...times.map(Date.parse));
    const known = this.backends;
    this.backends = new Map();
    for (const { address, opened, active } of backends) {
      const before = known.get(address);
      const join = (old, fresh) => [...(old?.slice(0, length) ?? []), ...Array(Math.max(0, length - (old?.length ?? 0))).fill(null), ...fresh];
      this.backends.set(address, { opened: join(before?.opened, opened), active: join(before?.active, active) });
    }
    const old = this.times.findIndex((time) => time >= this.times.at(-1) - HOUR - step * 1_000);
    if (old > 0) {
      this.times.splice(0, old);
      for (const one of this.backends.values()) for (const signal of ["opened", "active"]) one[signal].splice(0, old);
    }
  }
}

/** A line with a gap where there is nothing. */
function line(times, values, x, y) {
  let [d, pen] = ["", "M"];
  values.forEach((value, place) => {
    if (value === null) pen = "M";
    else {
      d += `${pen}${x(times[place]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return d;
}

/** Moves labels apart that would lie on each other. */
function spread(labels) {
  labels.sort((one, other) => one.y - other.y);
  for (let place = 1; place < labels.length; place += 1) labels[place].y = Math.max(labels[place].y, labels[place - 1].y + GAP);
  let floor = TOP + HEIGHT;
  for (let place = labels.length - 1; place >= 0; place -= 1) {
    labels[place].y = Math.min(labels[place].y, floor);
    floor = labels[place].y - GAP;
  }
  return labels;
}

/** A round step for an axis up to `most`. */
function stride(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

/** The chart. `loads` has address, expected and mark of each backend; `weighted` pools are drawn relative to what should be. */
export function hour({ trail, loads, signal, tolerance, incidents, changes, now, width }) {
  const weighted = loads.some(({ expected }) => Math.abs(expected - loads[0].expected) > 1e-6);
  const scale = (load) => (weighted ? 1 / load.expected : 1);
  const middle = weighted ? 1 : loads[0].expected;
  const drawn = loads
    .map((load) => ({ load, values: (trail.backends.get(load.address)?.[signal] ?? []).map((value) => (value === null ? null : value * scale(load))) }))
    .filter(({ values }) => values.some((value) => value !== null));
  if (drawn.length === 0) return h("p", { class: "none" }, `No ${NOUNS[signal]} within the hour so far.`);
  const narrow = width < 560;
  const right = narrow ? 10 : RIGHT;
  const wide = width - LEFT - right;
  const most = Math.max(middle * (1 + tolerance), ...drawn.flatMap(({ values }) => values.filter((value) => value !== null))) * 1.06;
  const x = (time) => LEFT + (1 - Math.min(1, Math.max(0, (now - time) / HOUR))) * wide;
  const y = (value) => TOP + (1 - value / most) * HEIGHT;
  const unit = weighted ? (value) => `${Number(value.toPrecision(3))}×` : (value) => `${Number((value * 100).toPrecision(3))} %`;
  // Marked backends last, so that they are on top.
  drawn.sort((one, other) => Math.abs(one.load.mark) - Math.abs(other.load.mark));
  const named = (drawn.length <= MOST_NAMED ? drawn : drawn.filter(({ load }) => load.mark !== 0).slice(-MOST_NAMED)).filter(() => !narrow);
  const labels = spread(named.map(({ load, values }) => ({ load, y: y(values.findLast((value) => value !== null)) + 4 })));
  return s(
    "svg",
    { class: "hour", width, height: TOP + HEIGHT + BOTTOM, viewBox: `0 0 ${width} ${TOP + HEIGHT + BOTTOM}`, role: "img", "aria-label": `Shares of ${NOUNS[signal]} over the last hour; the table below has the values.` },
    s("rect", { class: "band", x: LEFT, width: wide, y: y(middle * (1 + tolerance)), height: y(middle * (1 - tolerance)) - y(middle * (1 + tolerance)) }),
    grid(most, wide, y, unit),
    hours(now, x, narrow),
    incidents.map((one) => shade(one, now, x)),
    s("path", { class: "expected", d: `M${LEFT} ${y(middle)}H${LEFT + wide}` }),
    drawn.map(({ load, values }, place) => s("path", { class: `trace ${kind(load.mark)} t${place % 6}`, d: line(trail.times, values, x, y) }, s("title", {}, `${load.address}, expected ${percent(load.expected)}`))),
    labels.map(({ load, y: at }) => s("text", { class: `end ${kind(load.mark)}`, x: LEFT + wide + 6, y: at }, `${{ 1: "▲ ", [-1]: "▼ ", 2: "✕ " }[load.mark] ?? ""}${load.address.length > LONGEST ? `…${load.address.slice(1 - LONGEST)}` : load.address}`)),
    changes.map((one, place) => flag(one, place, now, x)),
  );
}

function grid(most, wide, y, unit) {
  const step = stride(most);
  const values = Array.from({ length: Math.floor(most / step) + 1 }, (_, place) => place * step);
  return values.map((value) => [s("path", { class: "grid", d: `M${LEFT} ${y(value)}h${wide}` }), s("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, unit(value))]);
}

function hours(now, x, narrow) {
  const step = (narrow ? 20 : 10) * 60_000;
  const first = Math.ceil((now - HOUR) / step) * step;
  return Array.from({ length: Math.floor((now - first) / step) + 1 }, (_, place) => s("text", { x: x(first + place * step), y: TOP + HEIGHT + 18 * EM, "text-anchor": "middle" }, clock(first + place * step)));
}

function shade({ started, ended, cause }, now, x) {
  const [from, to] = [x(Date.parse(started)), ended ? x(Date.parse(ended)) : x(now)];
  if (ended && now - Date.parse(ended) > HOUR) return null;
  return s("g", { class: "incident" }, s("title", {}, `Incident (${cause.id}) from ${moment(Date.parse(started), now)}`), s("rect", { x: from, width: Math.max(2, to - from), y: TOP, height: HEIGHT }), s("path", { d: `M${from} ${TOP}v${HEIGHT}` }));
}

function flag({ time, text }, place, now, x) {
  if (now - time > HOUR) return null;
  return s("g", { class: "change" }, s("title", {}, `${moment(time, now)}: ${text}`), s("path", { d: `M${x(time)} ${TOP}v${HEIGHT}` }), s("text", { x: x(time), y: TOP - 3, "text-anchor": "middle" }, `◆${place + 1}`));
}

/** The same as a table, every five minutes; of many backends those that are furthest from their share. */
export function asTable({ trail, loads, signal, now }) {
  const shown = loads.slice(0, 10);
  const steps = Array.from({ length: 13 }, (_, place) => now - HOUR + place * 300_000);
  const value = (address, time) => {
    const place = trail.times.findLastIndex((at) => at <= time && time - at < 300_000);
    return place < 0 ? null : (trail.backends.get(address)?.[signal][place] ?? null);
  };
  return h(
    "table",
    { class: "values" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), shown.map(({ address }) => h("th", { scope: "col", class: "n" }, h("bdi", {}, address))))),
    h("tbody", {}, steps.map((time) => h("tr", {}, h("th", { scope: "row" }, clock(time)), shown.map(({ address }) => h("td", { class: "n" }, percent(value(address, time))))))),
  );
}
