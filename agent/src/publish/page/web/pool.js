// One pool: everything that is known of it, the most urgent first.

import { backends, breakdown, loadsOf } from "./backends.js";
import { bdi, h } from "./dom.js";
import { NOUNS } from "./format.js";
import { asTable, hour, Trail } from "./hour.js";
import { card } from "./incidents.js";
import { lorenz } from "./lorenz.js";
import { badge } from "./marks.js";
import { changes, changesOf, detection, findings, measures, promql, standby } from "./more.js";

const SIGNALS = ["opened", "active", "bytes", "failed"];

export class Pool {
  #trail = new Trail();
  #pool = null;
  #known = false;
  /** The signal that the reader chose; otherwise the one that matters. */
  signal = null;
  /** Whether all backends are shown. */
  all = false;

  constructor(name) {
    this.name = name;
  }

  take(event) {
    this.#pool = event.pool;
    this.#known = true;
  }

  history(event) {
    this.#trail.take(event);
  }

  /** What the title of the document says. */
  get title() {
    return this.#pool ? `${this.name}: ${this.#pool.verdict}` : this.name;
  }

  #shown() {
    const { judgements, measures: found } = this.#pool;
    const skewed = ["opened", "active", "bytes"].find((signal) => judgements[signal]?.verdict === "skewed");
    return this.signal ?? skewed ?? (found.opened || !found.active ? "opened" : "active");
  }

  /** The view; `width` is what it has room for. */
  draw(incidents, now, width) {
    const back = h("p", { class: "back" }, h("a", { href: "#", "data-do": "back" }, "← All pools"));
    if (!this.#pool) {
      const text = this.#known ? ["There is no pool ", bdi(this.name), " now. It is shown here as soon as there is."] : "Waiting for the first figures …";
      return [back, h("p", { class: "empty" }, text)];
    }
    const pool = this.#pool;
    const signal = this.#shown();
    const loads = loadsOf(pool, signal);
    const own = (incidents ?? []).filter((one) => one.pool === pool.name);
    const open = own.filter((one) => !one.ended);
    const over = own.filter((one) => one.ended);
    const changed = changesOf(pool);
    const traced = signal === "active" ? "active" : "opened";
    const chart = { trail: this.#trail, loads, signal: traced, tolerance: pool.tolerance, incidents: own, changes: changed, now, width: Math.round(room(width)) };
    const groups = breakdown(pool, loads);
    const audited = findings(pool.findings);
    const waiting = standby(pool.standby);
    return [
      back,
      head(pool),
      open.length > 0 && section("incidents", "Incident", h("div", { class: "cards" }, open.map((one) => card(one, now, false)))),
      section("backends", "Shares against expected", choice(pool, signal), backends(pool, loads, this.all), waiting && [h("h3", {}, "Without traffic on purpose"), waiting]),
      h(
        "div",
        { class: "pair" },
        section("hour", `The last hour: ${NOUNS[traced]}`, hour(chart), changes(changed, now), h("details", {}, h("summary", {}, "As a table"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Shares of the last hour" }, asTable(chart)))),
        section("lorenz", `Lorenz curve: ${NOUNS[signal]}`, lorenz(loads, pool.measures[signal], signal)),
      ),
      audited && section("audit", "The audit of its configuration", audited),
      h("div", { class: "pair" }, section("measures", "Measures", h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Measures" }, measures(pool)), detection(pool)), groups && section("labels", "By label", groups)),
      over.length > 0 && section("past", "Earlier incidents", h("div", { class: "cards" }, over.map((one) => card(one, now, false)))),
      section("promql", "Go on in Prometheus", promql(pool, signal)),
    ];
  }
}

/** What the chart of the hour has room for, in pixels: margins and padding are as in pool.css. */
function room(width) {
  const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return width > 1100 ? (width - 3.7 * em) * 0.64 - 2.3 * em : width - (width > 720 ? 5.1 : 3.9) * em;
}

const section = (id, title, ...content) => h("section", { class: `card ${id}`, "aria-labelledby": `title-${id}`, "data-key": id }, h("h2", { id: `title-${id}` }, title), content);

function head(pool) {
  const facts = [pool.role === "local" ? "local: connections that this host accepts" : "upstream: connections that this host opens", `from ${pool.source}`, `balanced by ${pool.algorithm.replaceAll("_", " ")}`, `compared with ${pool.expected}`];
  return h("div", { class: "head", "data-key": "head" }, h("h1", { tabindex: -1, id: "pool" }, bdi(pool.name), " ", badge(pool.verdict)), h("p", { class: "explanation" }, bdi(pool.explanation)), h("p", {}, h("small", {}, facts.join(" · "))));
}

/** Which signal is shown. */
const choice = (pool, chosen) =>
  h("div", { class: "choice", role: "group", "aria-label": "Signal" }, SIGNALS.map((signal) => h("button", { type: "button", "data-do": "signal", value: signal, "aria-pressed": String(signal === chosen), disabled: !pool.measures[signal] && signal !== chosen }, NOUNS[signal])));
