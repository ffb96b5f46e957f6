// Decisions as they are made, and why: the answer to "why did this account get that?".

import { at, get, post } from "../api.js";
import { ago, bad, button, el, good, link, table, words } from "../dom.js";

const OUTCOMES = { executed: "good", conflict: "bad", deferred: "warn" };
const outcome = (name) => el("span", { class: OUTCOMES[name] ?? "soft" }, words(name));

export async function decisions(id) {
  if (id) return one(await get(at("/v1/decisions/{decisionId}", id)));
  const { data } = await get("/v1/decisions", { limit: 50 });
  const rows = data.map((decision) => [
    ago(decision.decidedAt),
    link(`decisions/${decision.decisionId}`, name(decision)),
    words(decision.recommendation.motion),
    outcome(decision.outcome),
    decision.recommendation.reasoning,
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Decisions"),
    el("p", { class: "soft" }, "The newest first, as they are made. Each opens to its reasons."),
    table(["When", "Account", "Motion", "Outcome", "Why"], rows, "No decision yet. Events bring them about: POST /v1/events."),
  );
}

function one(decision) {
  const { recommendation, handoff, confidence } = decision;
  const answer = el("div", { role: "status" });
  const replay = async () => {
    try {
      const said = await post(at("/v1/decisions/{decisionId}/replay", decision.decisionId));
      answer.replaceChildren(
        said.identical ? good("Computed again from what was known then: the same.") : bad({ message: said.differences.join("; ") }),
      );
    } catch (problem) {
      answer.replaceChildren(bad(problem));
    }
  };
  return el(
    "section",
    {},
    el("h1", {}, name(decision)),
    el("p", { class: "soft" }, decision.accountId, ", decided ", ago(decision.decidedAt), ` by policy ${decision.policyVersion}`),
    el("p", {}, outcome(decision.outcome), ": ", recommendation.reasoning),
    handoff &&
      el(
        "p",
        {},
        `Handed to ${words(handoff.targetTeam)}, urgency ${words(handoff.urgency)}, within ${handoff.sla}`,
        handoff.ownerId && `; the account's owner is ${handoff.ownerId}`,
        ".",
      ),
    confidence && el("p", { class: "soft" }, `Confidence ${Math.round(confidence.value * 100)} %: ${confidence.explanation}`),
    el("h2", {}, "Rules, in order"),
    table(
      ["Rule", "Verdict", "Where it failed"],
      decision.branches.map((branch) => [branch.says, words(branch.verdict), branch.failing.map((part) => el("code", {}, part))]),
      "No rule was tried.",
    ),
    el("h2", {}, "Scores"),
    table(
      ["Motion", "Score", "What spoke for it"],
      decision.scores.map((score) => [
        words(score.motion),
        String(score.score),
        score.indicators.filter((indicator) => indicator.fired).map((indicator) => words(indicator.id)).join(", ") || "nothing",
      ]),
      "Nothing was scored.",
    ),
    el("h2", {}, "Guardrails"),
    table(
      ["Guardrail", "Outcome", "Because"],
      decision.guardrails.map((guardrail) => [
        words(guardrail.id),
        el("span", { class: guardrail.outcome === "failed" ? "bad" : "soft" }, words(guardrail.outcome)),
        guardrail.detail,
      ]),
      "None.",
    ),
    el("h2", {}, "What it was decided on"),
    signals(decision.signals),
    el("div", { class: "row" }, button("Compute it again", replay)),
    answer,
  );
}

/** What was known, group by group, with its source and age. */
function signals(known) {
  return Object.entries(known ?? {}).map(([group, { provenance, ...values }]) => [
    el("h3", {}, words(group), el("span", { class: "soft" }, provenance?.asOf ? [` from ${provenance.source}, as of `, ago(provenance.asOf)] : " unknown")),
    table(["Signal", "Value"], Object.entries(values).map(([name, value]) => [spaced(name), plain(value)]), "Nothing."),
  ]);
}

const spaced = (name) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function plain(value) {
  if (value == null || value === "") return "–";
  if (Array.isArray(value)) return value.length > 0 ? value.map(plain).join(", ") : "none";
  if (typeof value === "object") return Object.entries(value).map(([name, inner]) => `${spaced(name)} ${plain(inner)}`).join(", ") || "none";
  return String(value);
}

const name = (decision) => decision.signals?.crm?.name ?? decision.accountId;
