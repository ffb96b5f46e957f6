// Handoffs: who has what until when, the report, and the steps that are open.

import { at, get, page, post } from "../api.js";
import { ago, bad, button, el, field, form, link, paper, table, words } from "../dom.js";

/** Steps that need no word of anybody. */
const STEPS = { acknowledge: "Acknowledge", contact: "Contacted", meeting: "Meeting booked", convert: "Converted" };
const CALLS = {
  acknowledge: "/v1/handoffs/{handoffId}/acknowledge",
  contact: "/v1/handoffs/{handoffId}/contact",
  meeting: "/v1/handoffs/{handoffId}/meeting",
  convert: "/v1/handoffs/{handoffId}/convert",
};

export async function handoffs(id) {
  if (id) return one(await get(at("/v1/handoffs/{handoffId}", id)));
  const [late, all] = await Promise.all([
    get("/v1/handoffs", { overdue: true, limit: 50 }),
    get("/v1/handoffs", { limit: 50 }),
  ]);
  const rows = (list) =>
    list.data.map((handoff) => [
      link(`handoffs/${handoff.handoffId}`, handoff.accountId),
      words(handoff.handoffType),
      handoff.assignedOwner?.name ?? el("span", { class: "warn" }, "nobody yet"),
      words(handoff.status),
      handoff.slaDeadline && el("span", { class: handoff.overdue ? "bad" : null }, ago(handoff.slaDeadline)),
      `${handoff.completeness} %`,
    ]);
  const headings = ["Account", "Type", "Owner", "Status", "Due", "Package"];
  return el(
    "section",
    {},
    el("h1", {}, "Handoffs"),
    late.data.length > 0 && [el("h2", {}, "Overdue"), table(headings, rows(late), "")],
    el("h2", {}, "Newest"),
    table(headings, rows(all), "None yet."),
  );
}

async function one(handoff) {
  const report = await page(at("/v1/handoffs/{handoffId}/report", handoff.handoffId));
  const answer = el("div", { role: "status" });
  const step = (name) => async () => {
    try {
      await post(at(CALLS[name], handoff.handoffId));
      const now = await one(await get(at("/v1/handoffs/{handoffId}", handoff.handoffId)));
      section.replaceWith(now);
    } catch (problem) {
      answer.replaceChildren(bad(problem));
    }
  };
  const open = Object.keys(STEPS).filter((name) => handoff.actions.includes(name));
  const reject = async ({ reason }) => {
    await post(at("/v1/handoffs/{handoffId}/reject", handoff.handoffId), { reason });
    location.hash = "#/handoffs";
  };
  const section = el(
    "section",
    {},
    el("h1", {}, `${words(handoff.handoffType)}: ${handoff.accountId}`),
    el(
      "p",
      { class: "soft" },
      `${words(handoff.status)}, `,
      handoff.assignedOwner ? `with ${handoff.assignedOwner.name}` : "with nobody yet",
      handoff.slaDeadline && [", due ", ago(handoff.slaDeadline)],
    ),
    handoff.heldFor.length > 0 && bad({ message: "Held until this is known:", errors: handoff.heldFor.map((need) => ({ detail: `${need.detail} ${need.releasedBy}` })) }),
    handoff.assignment && [el("h2", {}, "Why this person"), el("ul", {}, handoff.assignment.explanation.map((line) => el("li", {}, line)))],
    el("div", { class: "row" }, open.map((name, place) => button(STEPS[name], step(name), place === 0))),
    answer,
    el("h2", {}, "The whole handoff"),
    paper(report, "The report of the handoff"),
    handoff.actions.includes("reject") && [
      el("h2", {}, "Give it back"),
      form([field("reason", "Why", { required: true })], "Reject", reject, { line: true }),
    ],
  );
  return section;
}
