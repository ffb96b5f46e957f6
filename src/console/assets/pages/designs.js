// Handoff designs: from a segment, a goal and a promise to a packet that can be signed and applied.

import { at, get, page, post } from "../api.js";
import { ago, el, field, form, lines, link, named, paper, table, words } from "../dom.js";

const choice = (...names) => names.map((name) => [name, words(name)]);

export async function designs(id) {
  if (id) return one(await get(at("/v1/handoff-designs/{designId}", id)));
  const { data } = await get("/v1/handoff-designs", { limit: 50 });
  const rows = data.map((design) => [
    link(`designs/${design.designId}`, `${words(design.segment)}, ${words(design.goal)}`),
    words(design.handoffType),
    words(design.team),
    words(design.status),
    ago(design.changedAt),
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Handoff designs"),
    table(["Design", "Handoff", "Team", "Status", "Changed"], rows, "None yet."),
    el("h2", {}, "Define a handoff"),
    define(),
  );
}

function define() {
  const fields = [
    field("segment", "Segment", { options: choice("enterprise", "mid_market", "smb", "partner") }),
    field("goal", "Goal", { options: choice("pipeline", "expansion", "product_activation", "abm_campaign") }),
    field("responseSla", "Answered within", { required: true, placeholder: "2h", hint: "From the handoff to the first contact: 2h, 1d." }),
    field("author", "Your name", { required: true, hint: "Whoever makes a design cannot be the only one who signs it." }),
    field("launch", "Holds from", { type: "date", hint: "Four weeks from now when left out." }),
    field("arrivalsPerWeek", "Handoffs a week", { type: "number", min: 0, step: "any", hint: "What was measured when left out." }),
    field("reps", "Reps", { type: "number", min: 1, hint: "Those of the roster when left out." }),
    field("notes", "Capacity notes", { tag: "textarea", hint: "One on each line." }),
    field("dependencies", "Dependencies", { tag: "textarea", hint: "What it waits for, one on each line." }),
  ];
  const send = async ({ arrivalsPerWeek, reps, notes, dependencies, ...asked }) => {
    const number = (text) => (text ? Number(text) : undefined);
    const capacity = { notes: lines(notes), reps: number(reps), arrivalsPerWeek: number(arrivalsPerWeek) };
    const waits = lines(dependencies).map((name) => ({ name }));
    const design = await post("/v1/handoff-designs", { ...asked, capacity, dependencies: waits });
    location.hash = `#/designs/${design.designId}`;
  };
  return form(fields, "Define", send);
}

async function one(design) {
  const packet = await page(at("/v1/handoff-designs/{designId}/document", design.designId));
  const again = async () => section.replaceWith(await one(await get(at("/v1/handoff-designs/{designId}", design.designId))));
  const sign = async (said) => {
    await post(at("/v1/handoff-designs/{designId}/approvals", design.designId), { ...said, version: design.version });
    await again();
  };
  const apply = async ({ at: when }) => {
    await post(at("/v1/handoff-designs/{designId}/apply", design.designId), when ? { at: new Date(when).toISOString() } : {});
    await again();
  };
  const rollBack = async ({ why }) => {
    await post(at("/v1/handoff-designs/{designId}/rollback", design.designId), { why });
    await again();
  };
  const roles = [
    ["revops", "RevOps"],
    ["sales_leadership", "Sales leadership"],
  ];
  const section = el(
    "section",
    {},
    el("h1", {}, `${words(design.segment)}, ${words(design.goal)}`),
    el("p", { class: "soft" }, `Version ${design.version} by ${design.author}, ${words(design.status)}, made `, ago(design.madeAt)),
    el("p", {}, named(design.pattern.explanation)),
    design.preflight.length > 0 && [
      el("h2", {}, "Before it runs"),
      el("ul", {}, design.preflight.map((finding) => el("li", { class: finding.blocks ? "bad" : null }, named(finding.text)))),
    ],
    el("h2", {}, "Packet"),
    paper(packet, "The packet of the design"),
    el("h2", {}, "Sign-offs"),
    table(
      ["Role", "By", "When", "Comment"],
      design.approvals.map((approval) => [words(approval.role), approval.name, ago(approval.at), approval.comment]),
      "Nobody has signed this version.",
    ),
    ["draft", "approved"].includes(design.status) &&
      form([field("role", "As", { options: roles }), field("name", "Name", { required: true }), field("comment", "Comment")], "Sign", sign, { line: true }),
    design.status === "approved" && [
      el("h2", {}, "Make it live"),
      form([field("at", "When", { type: "datetime-local", hint: "Now when left out." })], "Apply", apply, { line: true }),
    ],
    ["scheduled", "applied"].includes(design.status) && [
      el("h2", {}, "Take it back"),
      form([field("why", "Why", { required: true })], "Roll back", rollBack, { line: true }),
    ],
  );
  return section;
}
