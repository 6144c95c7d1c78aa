// All pools, the worst first. Only the rows that can be seen are in the document, so that thousands of pools stay smooth.

import { bars } from "./bars.js";
import { bdi, h, same } from "./dom.js";
import { count, NOUNS, percent, short } from "./format.js";
import { badge, mark, RANK } from "./marks.js";

/** Rows above and below what can be seen, so that neither a turn of the wheel nor the Tab key runs into emptiness. */
const SPARE = 12;

/** The order follows figures no faster than this: rows that jump cannot be read. Verdicts are followed at once. */
const SETTLE = 5_000;

const COLUMNS = [
  ["verdict", "Verdict"],
  ["name", "Pool"],
  ["worst", "Furthest from its share"],
  ["bars", "Shares against expected"],
  ["n max", "Max/mean", "Load of the hottest backend relative to its expected share: 1 is even"],
  ["n gini", "Gini", "0 is even; below it, what a fair random balancer would show at this traffic"],
  ["n rate", "Opened/s"],
  ["n active", "Active"],
];

const idle = (pool) => pool.max_to_mean === null && pool.verdict === "unknown";
const compare = (one, other) =>
  idle(one) - idle(other) ||
  RANK[one.verdict] - RANK[other.verdict] ||
  (other.max_to_mean ?? 0) - (one.max_to_mean ?? 0) ||
  (one.name < other.name ? -1 : 1);

export class Overview {
  #pools = new Map();
  #order = [];
  #sorted = 0;
  /** The rows that are in the document: each with the pool and the place that it was drawn of. */
  #drawn = new Map();
  total = 0;
  complete = false;
  query = "";
  verdict = null;

  /** A new stream tells of all pools again; those that it does not tell of are gone. */
  restart() {
    this.complete = false;
    this.seen = new Set();
  }

  /** Takes an event; the list may be in another order then. */
  take(event) {
    let turned = event.gone.length > 0;
    for (const name of event.gone) this.#pools.delete(name);
    for (const pool of event.pools) {
      const known = this.#pools.get(pool.name);
      turned ||= !known || known.verdict !== pool.verdict;
      this.#pools.set(pool.name, pool);
      this.seen?.add(pool.name);
    }
    this.total = event.total;
    if (event.complete && !this.complete && this.seen) {
      for (const name of this.#pools.keys()) if (!this.seen.has(name)) this.#pools.delete(name);
      this.seen = null;
      turned = true;
    }
    this.complete = event.complete;
    if (turned || Date.now() - this.#sorted > SETTLE) this.sort();
  }

  /** Finds the rows again. */
  sort() {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (pool) => {
      if (words.length === 0) return !this.verdict || pool.verdict === this.verdict;
      const text = `${pool.name} ${pool.role} ${pool.source} ${pool.verdict} ${pool.worst?.address ?? ""}`.toLowerCase();
      return (!this.verdict || pool.verdict === this.verdict) && words.every((word) => text.includes(word));
    };
    this.#order = [...this.#pools.values()].filter(fits).sort(compare).map((pool) => pool.name);
    this.#sorted = Date.now();
  }

  /** How many pools have each verdict. */
  verdicts() {
    const counts = { skewed: 0, suspect: 0, unknown: 0, even: 0 };
    for (const pool of this.#pools.values()) counts[pool.verdict] += 1;
    return counts;
  }

  /** The table; `list` is where it was drawn before, if it was. */
  draw(list) {
    const rows = this.#order.length;
    const root = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const height = list ? parseFloat(getComputedStyle(list).getPropertyValue("--row")) * root : 56;
    const above = list ? -list.getBoundingClientRect().top : 0;
    const first = Math.max(0, Math.min(rows, Math.floor(above / height)) - SPARE);
    const last = Math.min(rows, Math.ceil((above + innerHeight) / height) + SPARE);
    const before = list ? this.#drawn : new Map();
    this.#drawn = new Map(this.#order.slice(first, last).map((name, place) => [name, { pool: this.#pools.get(name), place: first + place }]));
    const seen = [...this.#drawn].map(([name, { pool, place }]) => {
      const drawn = before.get(name);
      return drawn?.pool === pool && drawn.place === place ? same(name) : row(pool, place);
    });
    const room = { "padding-top": `${first * height}px`, "padding-bottom": `${(rows - last) * height}px` };
    return h(
      "div",
      { class: "pools", role: "table", "aria-label": "Pools, the worst first", "aria-rowcount": rows + 1 },
      h("div", { role: "rowgroup", class: "heads" }, h("div", { role: "row", "aria-rowindex": 1, class: "row head" }, COLUMNS.map(column))),
      h("div", { role: "rowgroup", class: "rows", id: "rows", style: room }, seen),
      rows === 0 && h("p", { class: "empty" }, this.#nothing()),
    );
  }

  #nothing() {
    if (this.#pools.size > 0) return "No pool fits the search.";
    if (!this.complete) return "Waiting for the first figures …";
    return "No pools yet. They appear with the first connections, or name some under “pools” in the configuration.";
  }
}

const column = ([name, title, hint]) => h("span", { role: "columnheader", class: name, title: hint }, title);
const cell = (name, label, ...content) => h("span", { role: "cell", class: name, "data-of": label }, content);

function row(pool, place) {
  const backends = `${pool.backends} backend${pool.backends === 1 ? "" : "s"}`;
  return h(
    "div",
    { role: "row", class: `row ${pool.verdict}`, "aria-rowindex": place + 2, "data-key": pool.name },
    cell("verdict", null, badge(pool.verdict)),
    cell("name", null, h("a", { href: `#pool-${encodeURIComponent(pool.name)}` }, bdi(pool.name)), h("small", {}, `${pool.role} · ${pool.source} · ${backends}`)),
    cell("worst", null, worst(pool)),
    cell("bars", null, bars(pool.bars)),
    cell("n max", "Max/mean", h("strong", {}, short(pool.max_to_mean))),
    cell("n gini", "Gini", pool.gini === null ? "–" : [pool.gini.toFixed(3), h("small", {}, `${pool.gini_by_chance.toFixed(3)} by chance`)]),
    cell("n rate", "Opened/s", short(pool.rate)),
    cell("n active", "Active", count(pool.active)),
  );
}

function worst(pool) {
  if (!pool.worst) return h("small", {}, "no traffic within the window");
  const { address, share, expected, mark: which } = pool.worst;
  const more = pool.marked > 1 ? ` (+${pool.marked - 1})` : "";
  return [
    h("span", { class: "who" }, mark(which), which !== 0 && " ", bdi(address)),
    h("small", {}, `${percent(share)} of ${NOUNS[pool.signal]}, expected ${percent(expected)}${more}`),
  ];
}
