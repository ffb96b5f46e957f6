// The shell: who is signed in, which page is shown, and keeping it fresh.
//
// A page is a function of what follows its name in the address; it gives the element to show. Lists are read again every few
// seconds while they are looked at, and only while nobody types or reads something open.

import { signedIn, signIn, signOut, get, Problem } from "./api.js";
import { bad, el, field, form } from "./dom.js";
import { conflicts } from "./pages/conflicts.js";
import { decisions } from "./pages/decisions.js";
import { designs } from "./pages/designs.js";
import { handoffs } from "./pages/handoffs.js";
import { programmes } from "./pages/programmes.js";
import { renewals } from "./pages/renewals.js";
import { tasks } from "./pages/tasks.js";

const PAGES = { decisions, conflicts, handoffs, designs, renewals, programmes, tasks };
const EVERY_MS = 5000;

const shown = document.getElementById("page");
const nav = document.getElementById("nav");
const leave = document.getElementById("leave");
let turn = 0;

function place() {
  const [name, ...rest] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  return { name: name in PAGES ? name : "decisions", rest };
}

function frame(name) {
  leave.hidden = !signedIn();
  const links = Object.keys(PAGES).map((page) =>
    el("a", { href: `#/${page}`, "aria-current": page === name ? "page" : null }, page[0].toUpperCase() + page.slice(1)),
  );
  nav.replaceChildren(...(signedIn() ? links : []));
}

async function show({ again } = {}) {
  const mine = ++turn;
  if (!signedIn()) return door();
  const { name, rest } = place();
  frame(name);
  try {
    const content = await PAGES[name](...rest);
    // Whoever went on meanwhile, or began to write, is not disturbed.
    if (mine !== turn || (again && busy())) return;
    shown.replaceChildren(content);
    document.title = `${name} – GTM Motion Orchestrator`;
    if (!again) shown.focus();
  } catch (problem) {
    if (mine !== turn || again) return;
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return door(problem);
    shown.replaceChildren(bad(problem));
  }
}

/** Whether something is being written, read or chosen. */
const busy = () =>
  shown.contains(document.activeElement?.closest("form")) ||
  shown.querySelector("iframe, .said, details[open]") != null ||
  [...shown.querySelectorAll("input, textarea")].some((input) => input.value !== input.defaultValue) ||
  String(getSelection()) !== "";

function door(problem) {
  frame(null);
  const fields = [
    field("key", "API key", { type: "password", required: true, autocomplete: "off", hint: "Kept in this tab until it is closed. The first start of the service prints one; gtm keys create makes more." }),
  ];
  const enter = async ({ key }) => {
    signIn(key.trim());
    try {
      await get("/v1/decisions", { limit: 1 });
    } catch (problem) {
      // A key that may not read decisions is a key: the pages say what it lacks.
      if (problem.status !== 403) {
        signOut();
        throw problem;
      }
    }
    await show();
  };
  shown.replaceChildren(el("h1", {}, "Sign in"), problem ? bad(problem) : "", form(fields, "Sign in", enter));
  shown.querySelector("input").focus();
}

leave.addEventListener("click", () => {
  // Nothing of what was read stays in the tab.
  sessionStorage.clear();
  location.reload();
});
addEventListener("hashchange", () => show());
setInterval(() => {
  if (signedIn() && !document.hidden && !busy()) show({ again: true });
}, EVERY_MS);
show();
