
"use strict";
(() => {
  let asked = false;
  const refresh = async () => {
    if (asked || document.hidden) return;
    asked = true;
    let fresh = null;
    try {
      const answer = await fetch(location.pathname);
      const page = answer.ok ? await answer.text() : "";
      fresh = new DOMParser().parseFromString(page, "text/html").querySelector("main");
    } catch {
      // The banner says it.
    }
    document.body.classList.toggle("stale", !fresh);
    if (fresh) document.querySelector("main").replaceWith(fresh);
    asked = false;
  };
  setInterval(refresh, Number(document.body.dataset.refresh));
})();
