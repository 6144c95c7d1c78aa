// What is shown, by the address: `#pool-NAME` is a pool, `#incidents` all incidents, anything else all pools.

import { bdi, h, show } from "./dom.js";
import { exact, span } from "./format.js";
import { list } from "./incidents.js";
import { Live } from "./live.js";
import { badge } from "./marks.js";
import { Overview } from "./overview.js";
import { Pool } from "./pool.js";

const root = document.querySelector("#app");
const host = document.body.dataset.host;
const overview = new Overview();
let [pool, place, status, incidents, scrolled, asked] = [null, "", null, null, 0, false];

const live = new Live({
  status: (event) => update(() => (status = event)),
  incidents: (event) => update(() => (incidents = event.incidents)),
  pools: (event) => update(() => overview.take(event)),
  pool: (event) => update(() => pool?.take(event)),
  history: (event) => update(() => pool?.history(event)),
  open: () => overview.restart(),
  change: () => draw(),
  second: () => draw(),
});

function update(change) {
  change();
  draw();
}

/** Draws once before the next frame, however much has changed. */
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const now = Date.now();
    show(root, top(now), banner(now), notes(), h("main", { id: "main", tabindex: -1, class: `view-${place}` }, view(now)), foot());
    document.title = `${mainly()} · evenkeel on ${host}`;
  });
}

function mainly() {
  if (place === "pool") return pool.title;
  const { skewed, suspect } = overview.verdicts();
  if (skewed > 0) return `${skewed} skewed`;
  return suspect > 0 ? `${suspect} suspect` : "no skew";
}

function view(now) {
  if (place === "pool") return pool.draw(incidents, now, root.clientWidth);
  if (place === "incidents") return [h("p", { class: "back" }, h("a", { href: "#", "data-do": "back" }, "← All pools")), h("h1", {}, "Incidents"), list(incidents, now)];
  return [tools(), overview.draw(document.querySelector("#rows"))];
}

function top(now) {
  const on = (incidents ?? []).filter((one) => !one.ended).length;
  const fresh = live.fresh ? `figures from ${exact(live.fresh)}` : "waiting for figures";
  const [kind, word] = { live: status?.ready === false ? ["bad", "not ready"] : ["good", "live"], late: ["bad", "stale"], gone: ["bad", "agent gone"], connecting: ["soft", "connecting"] }[live.state];
  return h(
    "header",
    {},
    h("a", { class: "skip", href: "#main", "data-do": "skip" }, "Skip to the figures"),
    h("a", { class: "brand", href: "#" }, "evenkeel"),
    h("span", { class: "host" }, "on ", bdi(host)),
    h("span", { class: `state ${kind}`, id: "state" }, h("span", { class: "dot", "aria-hidden": "true" }), word),
    h("small", { class: "fresh" }, fresh, live.state !== "live" && live.fresh ? `, ${span((now - live.fresh) / 1000)} old` : ""),
    h("nav", { "aria-label": "Other views" }, h("a", { href: "#incidents", "aria-current": place === "incidents" ? "page" : null }, "Incidents", on > 0 && [" ", h("b", { class: "count" }, `${on} on`)]), h("a", { href: "metrics" }, "Metrics"), h("a", { href: "api/v1/pools" }, "JSON")),
  );
}

/** What must not be overlooked: the figures are old. */
function banner(now) {
  const since = live.fresh ? `What is shown is from ${exact(live.fresh)}, ${span((now - live.fresh) / 1000)} ago.` : "Nothing was received so far.";
  const text = {
    gone: `The agent is gone: it does not answer. ${since} This page goes on as soon as it is back.`,
    late: `The figures are stale: the agent answers, but it does not count. ${since}`,
  }[live.state];
  return h("div", { role: "alert", class: "banners" }, text && h("p", { class: "banner", id: "banner" }, text));
}

/** What the reader should know before believing the figures. */
function notes() {
  if (!status) return null;
  const { kernel, reload } = status;
  const lost = Object.values(kernel.events_lost).reduce((sum, count) => sum + count, 0);
  const all = [
    [!status.ready, "Not ready", status.reason],
    [kernel.view.kind === "at_close", "Bytes appear only when connections close, and connections older than the agent are missing", kernel.view.reason],
    [kernel.view.unreachable > 0, "Open connections are missing", `${kernel.view.unreachable} network namespaces could not be visited`],
    [lost > 0, "Not everything was counted", `${kernel.events_lost.map_full} attempts because the map is full, ${kernel.events_lost.insert_refused} that the map refused, ${kernel.events_lost.mark_refused} connections without the mark for their bytes`],
    ...(status.discovery?.sources ?? []).filter(({ error }) => error).map(({ source, error }) => [true, `Pools from ${source} may be out of date`, error]),
    [reload.error, "The last reload failed, the old configuration is in force", reload.error],
  ];
  return all.filter(([is]) => is).map(([, what, why]) => h("p", { class: "note", "data-key": what }, h("strong", {}, `${what}: `), bdi(why ?? "")));
}

function tools() {
  const counts = overview.verdicts();
  const chip = (verdict) => h("button", { type: "button", class: "chip", "data-do": "verdict", value: verdict, "aria-pressed": String(overview.verdict === verdict) }, badge(verdict), " ", h("b", {}, counts[verdict].toString()));
  const rest = overview.complete ? "" : " so far";
  return h(
    "div",
    { class: "tools", "data-key": "tools" },
    h("h1", {}, `${overview.total} pool${overview.total === 1 ? "" : "s"}${rest}`),
    h("div", { class: "chips", role: "group", "aria-label": "Show only the verdict" }, Object.keys(counts).map(chip)),
    h("label", { class: "search" }, h("span", {}, "Search"), h("input", { type: "search", id: "search", placeholder: "name, role or backend   ( / )", autocomplete: "off", spellcheck: "false" })),
  );
}

function foot() {
  const facts = status ? ` evenkeel ${status.version}, a tick of ${(status.tick_duration_seconds * 1e3).toFixed(1)} ms every ${status.interval_seconds} s, figures over ${status.window_seconds} s.` : "";
  return h("footer", {}, h("p", {}, `Bars are shares, lines the shares that should be. ▲ marks what has evidence of too much, ▼ of too little, ✕ backends to which connections fail.${facts}`));
}

function route() {
  const address = location.hash.slice(1);
  const before = place;
  if (before === "pools") scrolled = scrollY;
  pool = null;
  if (address.startsWith("pool-")) {
    let name = address.slice(5);
    try {
      name = decodeURIComponent(name);
    } catch {
      // Not encoded: it is the name as it stands.
    }
    [place, pool] = ["pool", new Pool(name)];
    live.follow(`api/v1/stream?pool=${encodeURIComponent(name)}`);
  } else {
    place = address === "incidents" ? "incidents" : "pools";
    live.follow("api/v1/stream");
  }
  draw();
  requestAnimationFrame(() => {
    scrollTo(0, place === "pools" ? scrolled : 0);
    // For those who do not see that the view is another one.
    if (before !== "" && place !== "pools") document.querySelector("#main")?.focus({ preventScroll: true });
    draw();
  });
}

const actions = {
  verdict: (button) => {
    overview.verdict = overview.verdict === button.value ? null : button.value;
    overview.sort();
  },
  signal: (button) => (pool.signal = button.value),
  all: () => (pool.all = true),
  skip: () => document.querySelector("#main").focus(),
  copy: async (button) => {
    const code = button.previousElementSibling;
    getSelection().selectAllChildren(code);
    // Without TLS browsers give pages no clipboard; then the selection is what there is.
    await navigator.clipboard?.writeText(code.textContent).catch(() => {});
  },
};

document.addEventListener("click", (event) => {
  const control = event.target.closest("[data-do]");
  if (!control || !actions[control.dataset.do]) return;
  if (control.dataset.do === "skip") event.preventDefault();
  actions[control.dataset.do](control);
  draw();
});
document.addEventListener("input", (event) => {
  if (event.target.id !== "search") return;
  overview.query = event.target.value;
  overview.sort();
  scrollTo(0, 0);
  draw();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.id === "search";
  if (event.key === "/" && !typing) {
    const search = document.querySelector("#search");
    if (search) event.preventDefault();
    search?.focus();
  } else if (event.key === "Escape") {
    if (place !== "pools") location.hash = "";
    else if (typing) event.target.blur();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && place === "pools") {
    const row = document.activeElement.closest?.(".row");
    const next = row ? (event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling) : document.querySelector(".rows .row");
    if (next || row) event.preventDefault();
    next?.querySelector("a").focus();
  }
});
addEventListener("hashchange", route);
addEventListener("scroll", () => place === "pools" && draw(), { passive: true });
addEventListener("resize", draw);
route();
