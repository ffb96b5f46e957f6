// Calls of the API, with the key of whoever is signed in.
//
// Promises: the key is kept for this tab alone and goes nowhere but to this service; a call that changes something and was not
// answered goes out again under the same idempotency key, so that nothing is done twice; what goes wrong is thrown as the
// service's own problem.

const KEY = "gtm.key";

export const signedIn = () => sessionStorage.getItem(KEY) != null;
export const signOut = () => sessionStorage.removeItem(KEY);
/** Idempotency keys of calls that were not answered, by what was asked. */
const unanswered = new Map();
export const signIn = (key) => sessionStorage.setItem(KEY, key);

/** Fills the parts of a path: `at("…/tasks/{taskId}", id)`. */
export function at(template, ...parts) {
  return template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(parts.shift()));
}

export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `The service answered ${status}.`);
    this.status = status;
    this.errors = body.errors;
  }
}

async function call(method, path, { query, body, accept = "application/json" } = {}) {
  const address = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value != null && value !== "") address.searchParams.set(name, value);
  }
  const headers = { accept, authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}` };
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) headers["content-type"] = "application/json";
  const asked = `${address} ${text}`;
  if (method === "POST") {
    headers["idempotency-key"] = unanswered.get(asked) ?? fresh();
    unanswered.set(asked, headers["idempotency-key"]);
  }
  let answer;
  try {
    answer = await fetch(address, { method, headers, body: text });
    unanswered.delete(asked);
  } catch {
    throw new Problem(0, { detail: "The service did not answer. Try again: what it may have done already is not done twice." });
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    if (answer.status === 401) signOut();
    throw new Problem(answer.status, problem);
  }
  return accept === "application/json" ? answer.json() : answer.text();
}

/** 128 random bits; `crypto.randomUUID` exists on encrypted connections only. */
const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const get = (path, query) => call("GET", path, { query });
export const page = (path) => call("GET", path, { accept: "text/html" });
export const text = (path) => call("GET", path, { accept: "text/markdown, image/svg+xml" });
export const post = (path, body = {}) => call("POST", path, { body });
