// The queue of RevOps: two motions want one account, and somebody has to say which.

import { at, get, post } from "../api.js";
import { ago, el, field, form, link, table, words } from "../dom.js";

export async function conflicts(id) {
  if (id) return one(await get(at("/v1/conflicts/{conflictId}", id)));
  const { data } = await get("/v1/conflicts", { status: "open", limit: 100 });
  const rows = data.map((conflict) => [
    ago(conflict.openedAt),
    link(`conflicts/${conflict.conflictId}`, conflict.accountId),
    words(conflict.holder.motion),
    words(conflict.wanted.motion),
  ]);
  return el(
    "section",
    {},
    el("h1", {}, "Conflicts"),
    el("p", { class: "soft" }, "One motion owns the account, another is wanted. Nothing was sent."),
    table(["Since", "Account", "Owned by", "Wanted"], rows, "None is open."),
  );
}

function one(conflict) {
  const side = (title, motion) => [el("h2", {}, title), el("p", {}, el("b", {}, words(motion.motion)), ": ", motion.reasoning)];
  const fields = [
    field("resolution", "Decision", {
      options: [
        ["keep", "Keep what owns it"],
        ["switch", "Switch to what is wanted"],
        ["pause", "Pause both"],
      ],
    }),
    field("note", "Why", { tag: "textarea", required: true, hint: "Kept with the conflict and in the audit log." }),
  ];
  const resolve = async (said) => {
    await post(at("/v1/conflicts/{conflictId}/resolve", conflict.conflictId), said);
    location.hash = "#/conflicts";
  };
  return el(
    "section",
    {},
    el("h1", {}, conflict.accountId),
    el("p", { class: "soft" }, `${words(conflict.status)}, opened `, ago(conflict.openedAt)),
    side("Owns the account", conflict.holder),
    side("Is wanted", conflict.wanted),
    link(`decisions/${conflict.decisionId}`, "The decision that found it"),
    conflict.status === "open"
      ? form(fields, "Decide", resolve)
      : el("p", {}, `${words(conflict.resolution)}: ${conflict.note ?? "nobody had to decide"}`),
  );
}
