// Elements from data, and the page brought up to date with them. Text is only ever set as text: the policy of the page
// (trusted types) forbids everything else.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    // Styles as attributes are forbidden by the policy; as properties they are not.
    if (name === "style") for (const [key, what] of Object.entries(value)) node.style.setProperty(key, what);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element. */
export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** An SVG element. */
export const s = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Text from outside, which may be written in any direction: it must not turn what is around it. */
export const bdi = (text) => h("bdi", {}, text);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function move(parent, node, before) {
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

function attributes(from, to) {
  for (const { name, value } of to.attributes) {
    if (name !== "style" && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    // Whether details are open is the reader's choice.
    if (name !== "style" && !to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
  }
  if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
}

function children(from, to) {
  const wants = new Set([...to.children].map(keyOf));
  const keyed = new Map();
  for (const child of [...from.children]) {
    const key = keyOf(child);
    if (!key) continue;
    // Gone before anything is moved: otherwise all that follow would be moved past what goes.
    if (wants.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const key = keyOf(wanted);
    const have = key ? keyed.get(key) : at && !keyOf(at) ? at : null;
    if (!have) {
      from.insertBefore(wanted, at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else move(from, have, at);
    morph(have, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** Stands for an element that is in the document and need not change. */
export const same = (key) => h("i", { "data-key": key, "data-same": true });

const isSame = (node) => node.nodeType === Node.ELEMENT_NODE && node.hasAttribute("data-same");

/** Makes `from` like `to` and keeps what is alike, so that neither focus nor selection is lost. */
export function morph(from, to) {
  if (isSame(to)) return;
  if (from.nodeName !== to.nodeName || keyOf(from) !== keyOf(to)) {
    from.replaceWith(to);
  } else if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
  } else {
    attributes(from, to);
    children(from, to);
  }
}

/** Makes the children of `node` like these. */
export function show(node, ...wanted) {
  const to = node.cloneNode(false);
  to.append(...wanted.flat(Infinity).filter(Boolean));
  children(node, to);
}
