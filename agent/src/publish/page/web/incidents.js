// Incidents: who gets too much or too little, since when, why, and how sure that is.

import { bdi, h } from "./dom.js";
import { moment, NOUNS, percent, power, short, span } from "./format.js";
import { mark } from "./marks.js";
import { findings } from "./more.js";

const ENDINGS = { recovered: "even again", no_traffic: "no traffic", not_watched: "no longer watched" };
const MOST_BACKENDS = 4;

/** When an incident was or is. */
export function when({ started, ended, ending }, now) {
  const from = Date.parse(started);
  const exactly = h("time", { datetime: started }, moment(from, now));
  if (!ended) return [h("b", { class: "badge skewed" }, "on"), ` for ${span((now - from) / 1000)}, since `, exactly];
  const to = Date.parse(ended);
  return [h("b", { class: "badge over" }, "ended"), ` ${span((now - to) / 1000)} ago (${ENDINGS[ending] ?? ending}), lasted ${span((to - from) / 1000)}, since `, exactly];
}

/** The backends of an incident. */
export function who({ hot, cold, signal }) {
  const failed = signal === "failed";
  const line = (which) => (one) =>
    h("li", {}, mark(which), " ", bdi(one.backend), h("small", {}, ` ${percent(one.observed_share)} of ${failed ? "its attempts fail" : NOUNS[signal]}, ${failed ? "tolerated" : "expected"} ${percent(one.expected_share)}`));
  const more = hot.length + cold.length - Math.min(hot.length, MOST_BACKENDS) - Math.min(cold.length, MOST_BACKENDS);
  return h("ul", { class: "who" }, hot.slice(0, MOST_BACKENDS).map(line(failed ? 2 : 1)), cold.slice(0, MOST_BACKENDS).map(line(-1)), more > 0 && h("li", {}, h("small", {}, `and ${more} more`)));
}

/** The cause as a heading says it. */
const named = (id) => id.replaceAll("_", " ");

/** An incident with its cause and evidence. */
export function card(incident, now, withPool) {
  const { cause, change, other_causes: others, evidence, threshold, peak_max_to_mean: peak } = incident;
  const part = Math.min(100, (evidence / Math.max(threshold, 1e-9)) * 50);
  return h(
    "article",
    { class: `incident card ${incident.ended ? "over" : "on"}`, "data-key": incident.id },
    h("p", { class: "when" }, when(incident, now), ` · ${incident.signal === "failed" ? "failing connects" : NOUNS[incident.signal]}`),
    withPool && h("h3", {}, h("a", { href: `#pool-${encodeURIComponent(incident.pool)}` }, bdi(incident.pool))),
    h("div", { class: "story" }, h("p", { class: "cause" }, h("strong", {}, named(cause.id)), ": ", bdi(cause.text)), who(incident)),
    change && h("p", {}, "Shortly before: ", bdi(change.text), h("small", {}, " ", moment(Date.parse(change.at), now), ", ", bdi(change.source))),
    findings(cause.findings),
    others.length > 0 && h("details", {}, h("summary", {}, `${others.length} other ${others.length === 1 ? "explanation" : "explanations"} possible`), h("ul", {}, others.map((other) => h("li", {}, h("strong", {}, named(other.id)), ": ", bdi(other.text))))),
    h(
      "p",
      { class: "evidence" },
      h("span", { class: "meter", "aria-hidden": "true" }, h("span", { style: { width: `${part.toFixed(0)}%` } })),
      h("small", {}, "Evidence ", power(evidence), ", needed ", power(threshold), peak ? `; at its peak the hottest had ${short(peak)} times its share` : "", `; tolerance ±${(incident.tolerance * 100).toFixed(0)} %.`),
    ),
  );
}

/** The view of all incidents, those that are on first. */
export function list(incidents, now) {
  if (!incidents) return h("p", { class: "empty" }, "Waiting for the first figures …");
  if (incidents.length === 0) return h("p", { class: "empty" }, "None so far.");
  const [on, over] = [incidents.filter((one) => !one.ended), incidents.filter((one) => one.ended)];
  return h("div", { class: "cards" }, [...on, ...over].map((one) => card(one, now, true)));
}
