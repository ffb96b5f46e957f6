// The queue of tasks, for people: take the next one, see what it needs, hand it in.

import { at, get, post } from "../api.js";
import { ago, el, field, form, good, lines, link, table, words } from "../dom.js";

const NAME = "gtm.name";
const TAKEN = "gtm.taken";
const SIGN_OF_LIFE_MS = 10 * 60 * 1000;

/** Tasks that this tab has taken, by id: what they need, and the lease that proves whose they are. They outlive a reload. */
const taken = new Map(JSON.parse(sessionStorage.getItem(TAKEN) ?? "[]"));
const keep = () => sessionStorage.setItem(TAKEN, JSON.stringify([...taken]));

// As long as the tab is open, its tasks are worked on.
setInterval(async () => {
  for (const [id, { lease }] of taken) {
    try {
      await post(at("/v1/tasks/{taskId}/heartbeat", id), { lease, for: "1h" });
    } catch (problem) {
      // It is somebody else's by now, or done; handing it in would be refused.
      if (problem.status === 409 || problem.status === 404) taken.delete(id);
    }
  }
  keep();
}, SIGN_OF_LIFE_MS);

export async function tasks(id) {
  if (id) return one(id);
  const [ready, claimed] = await Promise.all([
    get("/v1/tasks", { status: "ready", limit: 100 }),
    get("/v1/tasks", { status: "claimed", limit: 100 }),
  ]);
  const rows = [...claimed.data, ...ready.data].map((task) => [
    link(`tasks/${task.taskId}`, task.title),
    words(task.work),
    words(task.owner),
    task.heldBy ?? words(task.status),
    ago(task.endAt),
  ]);
  const take = async ({ agent, kind }) => {
    localStorage.setItem(NAME, agent);
    const { tasks } = await post("/v1/tasks/claim", { agent, kinds: kind ? [kind] : undefined, lease: "1h" });
    if (tasks.length === 0) return "Nothing of that kind waits.";
    for (const task of tasks) taken.set(task.taskId, task);
    keep();
    location.hash = `#/tasks/${tasks[0].taskId}`;
  };
  const kinds = [...new Set(ready.data.map((task) => task.work))].map((kind) => [kind, words(kind)]);
  const fields = [
    field("agent", "Your name", { required: true, pattern: "[A-Za-z0-9_.:\\-]+", value: localStorage.getItem(NAME) ?? "", hint: "Letters, digits, _ . : -" }),
    field("kind", "Work", { options: [["", "any"], ...kinds] }),
  ];
  return el(
    "section",
    {},
    el("h1", {}, "Tasks"),
    form(fields, "Take the next", take, { line: true }),
    table(["Task", "Work", "Owner", "With", "Due"], rows, "Nothing waits."),
  );
}

async function one(id) {
  const task = await get(at("/v1/tasks/{taskId}", id));
  const mine = taken.get(id);
  const lease = mine?.lease ?? null;
  const done = (what) => {
    taken.delete(id);
    keep();
    section.replaceWith(el("section", {}, good(what), link("tasks", "The queue")));
  };
  const complete = async ({ note, outputs, path, text }) => {
    const data = path && text ? { files: [{ path, text }] } : undefined;
    await post(at("/v1/tasks/{taskId}/complete", id), { lease, note, outputs: lines(outputs), data });
    done("Handed in.");
  };
  const fail = async ({ reason }) => {
    await post(at("/v1/tasks/{taskId}/fail", id), { lease, reason });
    done("Given back: it is tried again, or goes up the ladder.");
  };
  const of = (title, list) => list?.length > 0 && [el("h2", {}, title), el("ul", {}, list.map((item) => el("li", {}, item)))];
  const open = ["ready", "claimed", "escalated"].includes(task.status);
  const fields = [
    field("outputs", "What is there now", { tag: "textarea", value: mine?.outputs?.join("\n"), hint: "By the names that the task has for it, one on each line." }),
    field("path", "File", { hint: "For a deliverable of a programme: its path, and the whole file below." }),
    field("text", "Text", { tag: "textarea" }),
    field("note", "Note"),
  ];
  const section = el(
    "section",
    {},
    el("h1", {}, task.title),
    el("p", { class: "soft" }, `${words(task.status)}, ${words(task.owner)}`, task.heldBy && `, with ${task.heldBy}`, ", due ", ago(task.endAt)),
    mine?.detail && el("p", {}, mine.detail),
    of("It needs", mine?.inputs),
    of("It brings", mine?.outputs),
    mine && el("details", {}, el("summary", {}, "What the plan passes on"), el("pre", {}, JSON.stringify({ ...mine.data, ...mine.context }, null, 2))),
    task.result && el("p", {}, `Result: ${task.result}`),
    open && [el("h2", {}, "Hand in"), form(fields, "Complete", complete)],
    open && [el("h2", {}, "It cannot be done"), form([field("reason", "Why", { required: true })], "Give back", fail, { line: true })],
  );
  return section;
}
