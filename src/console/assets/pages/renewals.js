// Renewals: which are coming, with the play that is proposed, and those that run.

import { at, get, page, post } from "../api.js";
import { ago, bad, button, el, form, link, paper, table, words } from "../dom.js";

const RISK = { green: "good", yellow: "warn", red: "bad" };
const risk = (level) => el("span", { class: RISK[level] }, level);

export async function renewals(id) {
  if (id) return one(await get(at("/v1/renewals/{renewalId}", id)));
  const [coming, running] = await Promise.all([get("/v1/renewals/upcoming", { days: 120, limit: 50 }), get("/v1/renewals", { limit: 50 })]);
  const answer = el("div", { role: "status" });
  const start = (accountId) => async () => {
    try {
      const { renewalId } = await post("/v1/renewals", { accountId });
      location.hash = `#/renewals/${renewalId}`;
    } catch (problem) {
      answer.replaceChildren(bad(problem));
    }
  };
  const rows = coming.data.map((renewal) => [
    renewal.name ?? renewal.accountId,
    renewal.deadline,
    renewal.value && `${renewal.value.amount} ${renewal.value.currency}`,
    words(renewal.tier.tier),
    risk(renewal.risk.risk),
    el("span", { title: renewal.play.why }, words(renewal.play.play)),
    el("span", { class: renewal.urgency === "late" ? "bad" : null }, renewal.whenToStart),
    renewal.renewalId ? link(`renewals/${renewal.renewalId}`, "open") : button("Plan", start(renewal.accountId)),
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Renewals"),
    el("h2", {}, "Coming within 120 days"),
    answer,
    table(["Account", "Renews", "A year", "Tier", "Risk", "Play", "Begin", ""], rows, "No contract ends within 120 days."),
    el("h2", {}, "Planned"),
    table(
      ["Account", "Renews", "Play", "Risk", "Status"],
      running.data.map((renewal) => [
        link(`renewals/${renewal.renewalId}`, renewal.account ?? renewal.accountId),
        renewal.deadline,
        words(renewal.play),
        risk(renewal.risk.level),
        words(renewal.status),
      ]),
      "None yet.",
    ),
  );
}

async function one(renewal) {
  const packet = await page(at("/v1/renewals/{renewalId}/packet", renewal.renewalId));
  const start = async () => {
    await post(at("/v1/renewals/{renewalId}/start", renewal.renewalId));
    section.replaceWith(await one(await get(at("/v1/renewals/{renewalId}", renewal.renewalId))));
  };
  const section = el(
    "section",
    {},
    el("h1", {}, renewal.account ?? renewal.accountId),
    el("p", { class: "soft" }, `${words(renewal.play)}, ${renewal.tier}, risk `, risk(renewal.risk.level), `, ${words(renewal.status)}`),
    renewal.remedies.length > 0 && el("ul", {}, renewal.remedies.map((remedy) => el("li", { class: "warn" }, remedy))),
    renewal.status === "draft" && form([], "Start", start, { line: true }),
    el("h2", {}, "Checkpoints"),
    table(
      ["", "Due", "Owner", "Status"],
      renewal.checkpoints.map((checkpoint) => [String(checkpoint.number), ago(checkpoint.dueAt), words(checkpoint.owner), words(checkpoint.status)]),
      "None.",
    ),
    el("h2", {}, "Packet"),
    paper(packet, "The packet of the renewal"),
  );
  return section;
}
