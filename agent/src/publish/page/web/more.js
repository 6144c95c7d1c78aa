// What else is known of a pool: measures, findings of the audit, changes of its configuration, and queries to go on with.

import { bdi, h } from "./dom.js";
import { moment, NOUNS, power, short, span } from "./format.js";

const ROWS = [
  ["max_to_mean", "Max/mean", "load of the hottest backend relative to its expected share; 1 is even"],
  ["min_to_mean", "Min/mean", "load of the coldest"],
  ["gini", "Gini", "0 is even"],
  ["gini_by_chance", "Gini by chance", "what a fair random balancer would show at this traffic"],
  ["cv", "Coefficient of variation", "0 is even"],
  ["jain", "Jain's index", "1 is even"],
  ["theil", "Theil index", "0 is even"],
  ["hoover", "Hoover index", "part of the traffic that would have to move"],
  ["wasted_capacity", "Wasted capacity", "part that stays idle when the hottest backend is full"],
];
const SIGNALS = ["opened", "active", "bytes", "failed"];

/** The measures of all signals, and what each signal tells. */
export function measures(pool) {
  const seen = SIGNALS.filter((signal) => pool.measures[signal]);
  if (seen.length === 0) return h("p", { class: "none" }, "No traffic within the window.");
  const value = (signal, key) => pool.measures[signal][key];
  const verdict = (signal) => {
    const found = pool.judgements[signal];
    return found ? [found.verdict, h("small", {}, " ", power(found.evidence), " of ", power(found.threshold))] : "–";
  };
  return h(
    "table",
    { class: "measures" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Measure"), seen.map((signal) => h("th", { scope: "col", class: "n" }, NOUNS[signal])))),
    h(
      "tbody",
      {},
      h("tr", {}, h("th", { scope: "row" }, "Verdict", h("small", {}, "evidence of skew, and what is needed")), seen.map((signal) => h("td", { class: "n" }, verdict(signal)))),
      ROWS.map(([key, title, hint]) => h("tr", {}, h("th", { scope: "row" }, title, h("small", {}, hint)), seen.map((signal) => h("td", { class: "n" }, value(signal, key).toFixed(3))))),
    ),
  );
}

/** How quickly a skew would be seen, and how noisy the traffic is. */
export function detection(pool) {
  const time = pool.detection_seconds;
  return h("p", { class: "detection" }, h("small", {}, time === null ? "How soon a doubling would be seen is not known at present." : `At the present rate a doubling of one backend's connections is seen within ${span(time)}.`, pool.dispersion > 1.05 && ` New connections vary ${short(pool.dispersion)} times as much as independent ones would.`));
}

/** Changes of the pool's description, the latest first; none if the agent tells of none. */
export const changesOf = (pool) => (pool.changes ?? []).map(({ at, source, text }) => ({ time: Date.parse(at), source, text })).filter(({ time }) => !Number.isNaN(time));

/** The list of changes. */
export const changes = (list, now) =>
  list.length > 0 && h("ol", { class: "changes" }, list.map(({ time, text, source }) => h("li", {}, h("time", {}, moment(time, now)), " ", bdi(text), h("small", {}, " ", bdi(source)))));

/** What the audit says of the configuration that the pool is from; nothing if there is nothing. */
export function findings(list) {
  if (!list || list.length === 0) return null;
  const one = ({ rule, severity, message, help, place }) =>
    h("li", {}, h("p", {}, h("b", { class: `severity ${severity}` }, severity), " ", h("code", {}, bdi(rule)), " ", bdi(message)), h("p", { class: "help" }, bdi(help)), h("small", {}, bdi(place)));
  return h("ul", { class: "findings" }, list.map(one));
}

const WHY = { backup: "for when the others fail", down: "marked or found unavailable", drained: "keeps the clients that it has", disabled: "configured away" };

/** Members that should get no traffic; nothing if there are none. */
export function standby(list) {
  if (!list || list.length === 0) return null;
  const one = ({ address, why, connections: { opened, active } }) => h("li", {}, bdi(address), h("small", {}, ` ${why}: ${WHY[why] ?? why}; ${opened} opened, ${active} active`));
  return h("ul", { class: "standby" }, list.map(one));
}

const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

/** Queries for Prometheus, of this pool. */
export function queries(pool, signal) {
  const only = `pool=${quoted(pool.name)}`;
  const both = `${only}, signal="${signal}"`;
  return [
    ["Share of each backend against its expected share", `evenkeel_backend_share_ratio{${both}}\n  / ignoring(signal) evenkeel_backend_expected_share_ratio{${only}}`],
    ["Load of the hottest backend, and the verdict", `evenkeel_pool_max_to_mean_ratio{${both}}\n  and on(instance, pool) evenkeel_pool_verdict{${only}, verdict="skewed"} == 1`],
    ["New connections per second", `sum by (backend) (rate(evenkeel_backend_connections_opened_total{${only}}[5m]))`],
    ["Failed attempts per second", `sum by (backend) (rate(evenkeel_backend_connections_failed_total{${only}}[5m]))`],
    ["Handshake time", `sum by (backend) (rate(evenkeel_backend_handshake_seconds_sum{${only}}[5m]))\n  / sum by (backend) (rate(evenkeel_backend_handshake_seconds_count{${only}}[5m]))`],
    ["More than chance", `evenkeel_pool_gini_ratio{${both}} - evenkeel_pool_gini_by_chance_ratio{${both}}`],
  ];
}

/** The queries, each with a button. */
export const promql = (pool, signal) =>
  h("dl", { class: "promql" }, queries(pool, signal).map(([title, query]) => [h("dt", {}, title), h("dd", {}, h("pre", { tabindex: 0 }, query), h("button", { type: "button", "data-do": "copy", "aria-label": `Copy the query: ${title}` }, "Copy"))]));
