// Building what is seen.
//
// Promises: text is only ever set as text, so that nothing that came with an event, a note or a name is markup here. The one
// place that shows markup is `paper`: a document that the service wrote, in a frame in which nothing runs.

/** An element with attributes, handlers (`onclick`, …) and children; empty children are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter((child) => child != null && child !== false));
  return node;
}

export const link = (to, text) => el("a", { href: `#/${to}` }, text);
export const button = (text, onclick, main) => el("button", { type: "button", class: main ? "main" : null, onclick }, text);

/** Text in which names stand between backticks, as the service writes it. */
export const named = (text) => text.split("`").map((part, place) => (place % 2 ? el("code", {}, part) : part));

/** A table; a cell is text, an element or a list of them. */
export function table(headings, rows, nothing) {
  if (rows.length === 0) return el("p", { class: "soft" }, nothing);
  const cells = (tag, row) => row.map((cell) => el(tag, tag === "th" ? { scope: "col" } : {}, cell ?? "–"));
  return el(
    "div",
    { class: "wide" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, cells("th", headings))),
      el("tbody", {}, rows.map((row) => el("tr", {}, cells("td", row)))),
    ),
  );
}

/** A document of the service, with what it looks like and without anything that runs. */
export function paper(html, title) {
  return el("iframe", { sandbox: "", srcdoc: html, title });
}

/** A labelled field: `name`, what it is called, and attributes; `options` makes it a choice. */
export function field(name, label, { hint, options, tag = "input", ...attributes } = {}) {
  const input = options
    ? el("select", { name, ...attributes }, options.map(([value, text]) => el("option", { value }, text)))
    : el(tag, { name, ...attributes }, tag === "textarea" && attributes.value);
  return el("label", {}, label, input, hint && el("small", {}, hint));
}

/** A form that gives its filled fields to `send`, and says below itself what came of it. */
export function form(fields, say, send, { line } = {}) {
  const answer = el("div", { role: "status" });
  const submit = el("button", { type: "submit", class: "main" }, say);
  const node = el("form", { class: line ? "line" : null }, fields, submit);
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const filled = [...new FormData(node)].filter(([, value]) => value !== "");
    submit.disabled = true;
    answer.replaceChildren();
    try {
      const said = await send(Object.fromEntries(filled));
      if (said) answer.replaceChildren(good(said));
    } catch (problem) {
      answer.replaceChildren(bad(problem));
    } finally {
      submit.disabled = false;
    }
  });
  return el("div", {}, node, answer);
}

export const good = (said) => el("div", { class: "said good" }, said);

/** What went wrong, with every fault that the service names. */
export function bad(problem) {
  const faults = (problem.errors ?? []).map((fault) => el("li", {}, fault.pointer && el("code", {}, fault.pointer), " ", fault.detail));
  return el("div", { class: "said bad", role: "alert" }, problem.message, faults.length > 0 && el("ul", {}, faults));
}

const HOUR = 3600;
/** How long until or since an instant, in the largest units that say it. */
export function ago(instant) {
  if (!instant) return null;
  const seconds = (new Date(instant) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  const [unit, of] =
    size < 90 ? ["second", 1] : size < 90 * 60 ? ["minute", 60] : size < 36 * HOUR ? ["hour", HOUR] : ["day", 24 * HOUR];
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / of), unit);
  return el("time", { datetime: instant, title: new Date(instant).toLocaleString() }, words);
}

/** The lines of a text that hold something. */
export const lines = (text) => (text ?? "").split("\n").map((line) => line.trim()).filter(Boolean);

/** A name of the API as people write it: `sales_assist` is `sales assist`. */
export const words = (name) => (name == null ? null : String(name).replaceAll(/[_-]/g, " "));
