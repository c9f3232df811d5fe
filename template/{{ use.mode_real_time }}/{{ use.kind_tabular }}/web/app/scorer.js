/** What scores: the server that handed out this page. */

import { element } from "./form.js";
import { shown, title } from "./words.js";

/** @import { Answer, Contract, Feature, Places, Refusal, Row, Scorer } from "./contract.js" */
/** @typedef {{ row?: number, column?: string, rule: string, value?: any, detail: string }} Problem */

let key = ""; // of the server, if it asks for one; it is kept nowhere else

/**
 * Read the contract; where the server asks for a key, once the right one was given.
 * @param {Places} places
 * @returns {Promise<Scorer>}
 */
export async function connect({ notices, foot }) {
  const answer = await call("v1/form");
  const allowed = answer.status === 401 ? await keyGiven(notices) : answer;
  if (!allowed.ok) throw await refusal(allowed);
  /** @type {Contract & { pages: [string, string][] }} */
  const contract = await allowed.json();
  const links = contract.pages.map(([href, text]) => element("a", { href }, text));
  foot.append(element("nav", { "aria-label": "More about this model" }, ...links));
  const own = "What you enter goes to the server of this page, and to nobody else.";
  foot.append(element("p", {}, own));
  return { contract, loading: "", ready: Promise.resolve(), ask: (row) => ask(contract, row) };
}

/**
 * @param {Contract} contract
 * @param {Row} row
 * @returns {Promise<Answer>}
 */
async function ask(contract, row) {
  const reply = await call("v1/predict?explain=true", JSON.stringify({ rows: [row] }));
  if (!reply.ok) throw await refusal(reply);
  const [found] = (await reply.json()).predictions;
  const { classes } = contract;
  const known = new Map([...contract.features, ...contract.looked_up].map((f) => [f.name, f]));
  /** @type {{ feature: string, value: any, typical: any, change: number }[] | undefined} */
  const changes = found.explanation?.changes;
  return {
    scores: classes.length ? classes.map((name) => found.probabilities[name]) : [found.value],
    answer: classes.length ? classes.indexOf(found.label) : 0,
    position: classes.length ? classes.indexOf(found.explanation?.of) : 0,
    effects: changes?.map((each) => ({ ...each, feature: feature(known, each.feature) })) ?? null,
    isFallback: found.fallback,
  };
}

/**
 * @param {Map<string, Feature>} known
 * @param {string} name
 */
function feature(known, name) {
  return /** @type {Feature} */ (known.get(name));
}

/**
 * Ask the server; fails with a whole sentence where it cannot be reached.
 * @param {string} path
 * @param {string} [body]
 */
async function call(path, body) {
  /** @type {Record<string, string>} */
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (key) headers["X-API-Key"] = String.fromCharCode(...new TextEncoder().encode(key));
  try {
    return await fetch(path, { method: body ? "POST" : "GET", headers, body });
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    throw new Error(`The server does not answer (${reason}). Is it running?`);
  }
}

/**
 * What a problem document (RFC 9457) says, by field where it names one.
 * @param {Response} reply
 * @returns {Promise<Refusal>}
 */
async function refusal(reply) {
  const said = await reply.json().catch(() => ({}));
  /** @type {Problem[]} */
  const problems = said.problems ?? [];
  /** @type {[string, string][]} */
  const faults = problems.flatMap(({ column, value, rule, detail }) => {
    if (column === undefined) return [];
    if (value === undefined) return [[column, `${title(column)}: ${detail}.`]];
    return [[column, `${title(column)} is ${shown(value)}; it must be ${rule}.`]];
  });
  const text = `The server refuses (${reply.status}): ${said.detail ?? reply.statusText}.`;
  return Object.assign(new Error(text), { faults: new Map(faults) });
}

/**
 * A field for the key above the form, until the server takes what stands in it.
 * @param {HTMLElement} notices
 * @returns {Promise<Response>} what the server says to the right one
 */
function keyGiven(notices) {
  const about = {
    id: "key",
    type: "password",
    autocomplete: "off",
    "aria-describedby": "key-said",
  };
  const input = /** @type {HTMLInputElement} */ (element("input", about));
  const said = element("p", { id: "key-said", role: "status", class: "hint" });
  said.textContent = "This server asks for a key. It is kept until you leave the page.";
  const label = element("label", { for: "key" }, "API key");
  const button = element("button", { type: "submit" }, "Use this key");
  const form = element("form", { class: "card key" }, label, said, input, button);
  notices.append(form);
  return new Promise((resolve, reject) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      key = input.value;
      call("v1/form").then((reply) => {
        if (reply.status !== 401) {
          form.remove();
          resolve(reply);
          return;
        }
        said.className = "fault";
        said.textContent = "The server does not take this key.";
        input.focus();
      }, reject);
    });
  });
}
