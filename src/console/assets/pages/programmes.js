// Programmes: how far each run is, holding it, its gates, what contradicts what, and its files.

import { at, get, post, text } from "../api.js";
import { ago, el, field, form, link, table, words } from "../dom.js";

export async function programmes(id, ...path) {
  if (id && path.length > 0) return file(id, path.join("/"));
  if (id) return one(id);
  const { data } = await get("/v1/programmes", { limit: 50 });
  const rows = data.map((run) => [link(`programmes/${run.programmeId}`, run.company), words(run.mode), run.product, ago(run.createdAt)]);
  return el(
    "section",
    {},
    el("h1", {}, "Programmes"),
    table(["Company", "Mode", "Product", "Begun"], rows, "None yet: gtm programme run --phases all --config CONFIG.md"),
  );
}

async function one(id) {
  const [run, gates, conflicts, files] = await Promise.all([
    get(at("/v1/programmes/{programmeId}", id)),
    get(at("/v1/programmes/{programmeId}/gates", id)),
    get(at("/v1/programmes/{programmeId}/conflicts", id)),
    get(at("/v1/programmes/{programmeId}/files", id)),
  ]);
  const checks = (gate) =>
    el(
      "details",
      {},
      el("summary", {}, `${gate.checks.filter((check) => check.passed).length} of ${gate.checks.length} checks hold`),
      el("ul", {}, gate.checks.map(check)),
    );
  const again = async () => section.replaceWith(await one(id));
  const section = el(
    "section",
    {},
    el("h1", {}, run.company),
    el("p", { class: "soft" }, `${words(run.mode) ?? "some phases"}, ${words(run.plan.status)}`),
    hold(id, run.plan, again),
    el("h2", {}, "Gates"),
    table(["Phase", "Status", "Checks"], gates.data.map((gate) => [gate.title, words(gate.status), checks(gate)]), "None."),
    el("h2", {}, "Conflicts"),
    conflicts.data.length > 0 ? conflicts.data.map((conflict) => contradiction(id, conflict, again)) : el("p", { class: "soft" }, "No outputs contradict each other."),
    el("h2", {}, "Tasks of people"),
    el("p", {}, link("tasks", "The queue"), " has what waits for somebody."),
    el("h2", {}, "Files"),
    table(
      ["File", "Made by", "Version"],
      files.data.map((one) => [link(`programmes/${id}/${one.path}`, one.path), words(one.agent), String(one.version)]),
      "None yet.",
    ),
  );
  return section;
}

/** Holding a run that goes on, and letting go on what is held. */
function hold(id, plan, again) {
  if (plan.paused) {
    const resume = async () => {
      await post(at("/v1/programmes/{programmeId}/resume", id));
      await again();
    };
    const since = el("p", { class: "warn" }, "Held since ", ago(plan.paused.at), ` by ${plan.paused.by}: ${plan.paused.why}`);
    return [since, form([], "Let it go on", resume, { line: true })];
  }
  const pause = async (said) => {
    await post(at("/v1/programmes/{programmeId}/pause", id), said);
    await again();
  };
  return plan.status === "running" && form([field("note", "Why", { required: true })], "Hold it", pause, { line: true });
}

/** What contradicts what, and the coordinator's decision. */
function contradiction(id, conflict, again) {
  const decide = async (said) => {
    await post(at("/v1/programmes/{programmeId}/conflicts/{number}/decide", id, conflict.number), said);
    await again();
  };
  const fields = [field("decision", "Decision", { required: true }), field("rationale", "Rationale", { required: true })];
  return el(
    "details",
    { open: conflict.status === "open" },
    el("summary", {}, `${conflict.number}, ${words(conflict.status)}: ${conflict.files.join(" and ")}`),
    el("pre", {}, conflict.description),
    conflict.decision && el("p", {}, `${conflict.decision} Because: ${conflict.rationale}`),
    conflict.status === "open" && form(fields, "Decide", decide, { line: true }),
  );
}

/** A check with what was found; one that nobody has said anything of yet is open. */
function check(one) {
  const verdict = one.passed == null ? "open" : one.passed ? "holds" : "fails";
  const findings = one.findings.map((finding) => el("li", {}, el("code", {}, finding.file), ` ${finding.message}`));
  return el("li", {}, el("span", { class: one.passed === false ? "bad" : "soft" }, verdict), ` ${one.asks}`, el("ul", {}, findings));
}

async function file(id, path) {
  const content = await text(at("/v1/programmes/{programmeId}/files/{path}", id, path));
  const drawn = path.endsWith(".svg") && el("img", { src: `data:image/svg+xml,${encodeURIComponent(content)}`, alt: path });
  return el("section", {}, el("h1", {}, path), el("p", {}, link(`programmes/${id}`, "The run")), drawn || el("pre", {}, content));
}
