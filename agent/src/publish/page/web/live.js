// The stream of events: opened while the page can be seen, opened again when it breaks; says how fresh the figures are.

/** Nothing heard for so long, or for three intervals, means that the agent is gone, even if the connection seems to be there. */
const SILENCE = 20_000;
const AGAIN = 2_000;

export class Live {
  #source = null;
  #path = null;
  #timer = null;
  #heard = Date.now();
  #interval = 1_000;
  #on;
  /** "connecting", "live", "late" (it answers but does not count) or "gone". */
  state = "connecting";
  /** When the last figures came. */
  fresh = null;

  /** `on` has a function for each event, `open` for a new stream, `change` for a new state, and `second` for the clock. */
  constructor(on) {
    this.#on = on;
    setInterval(() => this.#watch(), 1_000);
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#open()));
  }

  /** Listens to another stream. */
  follow(path) {
    this.#path = path;
    this.#close();
    this.#open();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    if (this.#source || !this.#path || document.hidden) return;
    this.#heard = Date.now();
    const source = new EventSource(this.#path);
    this.#source = source;
    for (const name of ["status", "pools", "pool", "history", "incidents", "late"]) {
      source.addEventListener(name, (event) => this.#take(name, JSON.parse(event.data)));
    }
    source.addEventListener("open", () => this.#on.open());
    source.addEventListener("error", () => {
      this.#turn("gone");
      if (source.readyState !== EventSource.CLOSED) return;
      // Refused, not broken: the browser itself does not try again.
      this.#close();
      this.#timer = setTimeout(() => this.#open(), AGAIN);
    });
  }

  #take(name, data) {
    this.#heard = Date.now();
    if (name === "late") {
      this.fresh = Date.now() - data.age_seconds * 1_000;
      this.#turn("late");
      return;
    }
    if (data.interval_seconds) this.#interval = data.interval_seconds * 1_000;
    if (name === "pools" || name === "pool") {
      this.fresh = Date.now();
      this.#turn("live");
    }
    this.#on[name](data);
  }

  #turn(state) {
    if (this.state === state) return;
    this.state = state;
    this.#on.change();
  }

  #watch() {
    const silence = Date.now() - this.#heard;
    if (this.#source && silence > Math.max(SILENCE, 3.5 * this.#interval)) {
      this.#turn("gone");
      this.#close();
      this.#open();
    }
    this.#on.second();
  }
}
