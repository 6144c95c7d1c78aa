// The backends of a pool: shares against expected as a picture and in numbers, and what else is counted of each.

import { bdi, h } from "./dom.js";
import { bytes, count, percent, short, small } from "./format.js";
import { mark, markOf } from "./marks.js";
import { reach, shares } from "./shares.js";

/** Rows that are shown until more are asked for. */
export const MOST = 100;

/** What pictures and charts need of each backend, those furthest from their share first and the marked before all. */
export function loadsOf(pool, signal) {
  const loads = pool.backends.map((backend) => ({
    backend,
    address: backend.address,
    share: backend.share[signal],
    expected: backend.expected_share,
    mark: markOf(backend, signal),
  }));
  const off = ({ share, expected }) => Math.abs((share ?? expected) / expected - 1);
  return loads.sort((one, other) => (other.mark !== 0) - (one.mark !== 0) || off(other) - off(one));
}

const cell = (label, ...content) => h("td", { class: "n", "data-of": label }, content);

function labels(backend) {
  const pairs = Object.entries(backend.labels);
  return pairs.length > 0 && h("small", { class: "labels" }, pairs.map(([name, value]) => h("span", {}, bdi(name), "=", bdi(value))));
}

function row({ backend, share, expected, mark: which }, tolerance, most) {
  const { connections, handshake } = backend;
  return h(
    "tr",
    { "data-key": backend.address },
    h("th", { scope: "row" }, bdi(backend.address), which !== 0 && " ", mark(which), labels(backend)),
    h("td", { class: "picture" }, shares({ share, expected, mark: which }, tolerance, most)),
    cell("Share", h("strong", {}, percent(share))),
    cell("Expected", percent(expected)),
    cell("× expected", short(share === null ? null : share / expected)),
    cell("Active", count(connections.active)),
    cell("Opened", count(connections.opened)),
    cell("Failed", connections.failed > 0 ? h("strong", { class: "bad" }, count(connections.failed)) : "0"),
    cell("Received", bytes(backend.bytes.received)),
    cell("Sent", bytes(backend.bytes.sent)),
    cell("Handshake", small(handshake.mean_seconds)),
    cell("Retransmits", count(backend.retransmits)),
  );
}

const HEADS = ["Share", "Expected", "× exp.", "Active", "Opened", "Failed", "Received", "Sent", "Handshake", "Retrans."];

/** The table. */
export function backends(pool, loads, all) {
  const most = reach(loads, pool.tolerance);
  const shown = all ? loads : loads.slice(0, MOST);
  return [
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Backends" },
      h(
        "table",
        { class: "backends" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Backend"), h("th", { scope: "col" }, `Share, expected, tolerance ±${(pool.tolerance * 100).toFixed(0)} %`), HEADS.map((text) => h("th", { scope: "col", class: "n" }, text)))),
        h("tbody", {}, shown.map((load) => row(load, pool.tolerance, most))),
      ),
    ),
    loads.length > shown.length && h("p", {}, h("button", { type: "button", "data-do": "all" }, `Show all ${loads.length} backends`)),
  ];
}

/** What each value of each label gets together: a zone, a version. */
export function breakdown(pool, loads) {
  const names = [...new Set(pool.backends.flatMap((backend) => Object.keys(backend.labels)))].sort();
  if (names.length === 0) return null;
  return names.map((name) => {
    const groups = new Map();
    for (const { backend, share, expected } of loads) {
      const value = backend.labels[name] ?? "";
      const group = groups.get(value) ?? { share: 0, expected: 0, backends: 0, mark: 0 };
      groups.set(value, { ...group, share: group.share + (share ?? 0), expected: group.expected + expected, backends: group.backends + 1 });
    }
    const all = [...groups.entries()].sort(([, one], [, other]) => other.share / other.expected - one.share / one.expected);
    const most = reach(all.map(([, group]) => group), pool.tolerance);
    return h(
      "table",
      { class: "breakdown", "data-key": name },
      h("caption", {}, "By ", bdi(name)),
      h("tbody", {}, all.map(([value, group]) => h("tr", {}, h("th", { scope: "row" }, value === "" ? h("i", {}, "none") : bdi(value), h("small", {}, `${group.backends} backend${group.backends === 1 ? "" : "s"}`)), h("td", { class: "picture" }, shares(group, pool.tolerance, most)), cell("Share", h("strong", {}, percent(group.share)), h("small", {}, `expected ${percent(group.expected)}`))))),
    );
  });
}
