// Numbers and times as people read them.

import { h } from "./dom.js";

const NARROW = "\u00a0";

/** A part of a whole. */
export const percent = (part) => (part === null || part === undefined ? "–" : `${(part * 100).toFixed(1)}${NARROW}%`);

/** Three significant digits, more only before the point. */
export function short(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.0095) return "<0.01";
  if (size < 9.995) return value.toFixed(2);
  if (size < 99.95) return value.toFixed(1);
  return Math.round(value).toString();
}

/** Evidence, which is given as power of ten. */
export const power = (exponent) => h("span", {}, "10", h("sup", {}, short(exponent)));

/** A count, in thousands or millions when it is large. */
export function count(value) {
  if (value < 10_000) return value.toString();
  if (value < 10_000_000) return `${short(value / 1e3)}${NARROW}k`;
  return `${short(value / 1e6)}${NARROW}M`;
}

/** Bytes, in powers of 1024. */
export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : short(value)}${NARROW}${units[unit]}`;
}

/** Seconds of a handshake. */
export function small(seconds) {
  if (seconds === null) return "–";
  if (seconds < 0.001) return `${short(seconds * 1e6)}${NARROW}µs`;
  return seconds < 1 ? `${short(seconds * 1e3)}${NARROW}ms` : `${short(seconds)}${NARROW}s`;
}

/** A time span of two units at most. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  for (const [size, unit, next, below] of [[86_400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / next);
    return `${Math.floor(whole / size)}${NARROW}${unit}${rest ? ` ${rest}${NARROW}${below}` : ""}`;
  }
  return `${whole}${NARROW}s`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const EXACT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DATED = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** The time of day. */
export const clock = (time) => CLOCK.format(time);

/** The time of day, to the second. */
export const exact = (time) => EXACT.format(time);

/** A moment: with its date unless it is less than a day before `now`. */
export const moment = (time, now) => (now - time < 86_400_000 ? EXACT : DATED).format(time);

/** What a signal counts. */
export const NOUNS = { opened: "new connections", active: "open connections", bytes: "bytes", failed: "failed attempts" };
