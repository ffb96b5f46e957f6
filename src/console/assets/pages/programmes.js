// Programmes: how far each run is, its gates, and its files.

import { at, get, text } from "../api.js";
import { ago, el, link, table, words } from "../dom.js";

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
  const [run, gates, files] = await Promise.all([
    get(at("/v1/programmes/{programmeId}", id)),
    get(at("/v1/programmes/{programmeId}/gates", id)),
    get(at("/v1/programmes/{programmeId}/files", id)),
  ]);
  const checks = (gate) =>
    el(
      "details",
      {},
      el("summary", {}, `${gate.checks.filter((check) => check.passed).length} of ${gate.checks.length} checks hold`),
      el("ul", {}, gate.checks.map(check)),
    );
  return el(
    "section",
    {},
    el("h1", {}, run.company),
    el("p", { class: "soft" }, `${words(run.mode) ?? "some phases"}, ${words(run.plan.status)}`),
    el("h2", {}, "Gates"),
    table(["Phase", "Status", "Checks"], gates.data.map((gate) => [gate.title, words(gate.status), checks(gate)]), "None."),
    el("h2", {}, "Tasks of people"),
    el("p", {}, link("tasks", "The queue"), " has what waits for somebody."),
    el("h2", {}, "Files"),
    table(
      ["File", "Made by", "Version"],
      files.data.map((one) => [link(`programmes/${id}/${one.path}`, one.path), words(one.agent), String(one.version)]),
      "None yet.",
    ),
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
