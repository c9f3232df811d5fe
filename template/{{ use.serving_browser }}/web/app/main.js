/** The page: reads the contract, builds the form, loads the model, shows what it says and why. */

import { explain } from "./explanation.js";
import { build, element, fill, mark, read } from "./form.js";
import { download, open } from "./model.js";
import { keepOffline } from "./offline.js";
import { faults } from "./rules.js";
import { about, counts, heading, method, percent, reason, rest, sentence } from "./words.js";

/** @import { Contract, Score } from "./contract.js" */

const MOST_REASONS = 5;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Everything after the contract is there; the form can be used while the model loads.
 * @param {Contract} contract
 */
function start(contract) {
  document.title = heading(contract);
  at("title").textContent = heading(contract);
  at("lead").textContent = contract.description;
  at("about").textContent = about(contract);
  at("method").textContent = method(contract);
  build(at("fields"), contract.features);
  const megabytes = ((contract.files.runtime.bytes + contract.files.model.bytes) / 1e6).toFixed(0);
  at("status").textContent = `Loading the model, ${megabytes} MB, once ...`;
  const model = load(contract);
  model.then(
    () => (at("status").textContent = "Ready. Fill in the form, then choose Predict."),
    (error) =>
      (at("status").textContent = `The model cannot run in this browser: ${error.message}`),
  );
  let asked = false;
  const form = /** @type {HTMLFormElement} */ (at("form"));

  /** @param {boolean} loudly whether faults take the focus, as after the button */
  async function predict(loudly) {
    const row = read(contract.features);
    const found = faults(contract.features, row);
    mark(contract.features, found, at("faults"));
    if (found.size) {
      if (asked) at("status").textContent = "This answers the input before the last change.";
      if (loudly) at("faults").focus();
      return;
    }
    asked = true;
    try {
      const choose = (/** @type {number[]} */ scores) => explained(contract, scores);
      show(contract, await explain(contract, row, await model, choose));
      if (loudly) at("result").scrollIntoView({ block: "nearest" });
    } catch (error) {
      fallBack(contract, /** @type {Error} */ (error));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void predict(true);
  });
  form.addEventListener("change", () => void (asked && predict(false)));
  form.addEventListener("reset", () => {
    asked = false;
    mark(contract.features, new Map(), at("faults"));
    clear();
  });
  at("typical").addEventListener("click", () => {
    const typical = contract.features.map((f) => [f.name, f.typical]);
    fill(contract.features, Object.fromEntries(typical));
    void predict(true);
  });
}

/**
 * @param {Contract} contract
 * @returns {Promise<Score>}
 */
async function load(contract) {
  const runtime = import(new URL("runtime/ort.js", document.baseURI).href);
  const { runtime: binary, model } = contract.files;
  return open(await runtime, await download(binary), await download(model), contract);
}

/**
 * The class a prediction is explained for: the one the model is asked about, else the likeliest.
 * @param {Contract} contract
 * @param {number[]} scores
 */
function explained(contract, scores) {
  const asked = contract.positive === null ? -1 : contract.classes.indexOf(contract.positive);
  return asked >= 0 ? asked : scores.indexOf(Math.max(...scores));
}

/**
 * @param {Contract} contract
 * @param {Awaited<ReturnType<typeof explain>>} explanation
 */
function show(contract, { scores, position, effects }) {
  at("status").textContent = "";
  at("headline").textContent = sentence(contract, scores);
  at("shares").replaceChildren(...contract.classes.map((name, i) => share(name, scores[i])));
  const told = effects.filter((effect) => counts(contract, scores, effect)).slice(0, MOST_REASONS);
  const lines = told.map((effect) => {
    const way = effect.change > 0 ? "up" : "down";
    return element("li", { class: way }, reason(contract, position, effect));
  });
  at("reasons").replaceChildren(...lines);
  at("rest").textContent = rest(contract, effects.length, told.length);
  at("why").hidden = false;
}

/**
 * The answer that the contract declares for a model that fails, marked as what it is.
 * @param {Contract} contract
 * @param {Error} error
 */
function fallBack(contract, error) {
  clear();
  at("status").textContent = `The model cannot run in this browser: ${error.message}`;
  if (contract.fallback) {
    const usual = sentence(contract, contract.fallback);
    at("headline").textContent = `Not a prediction for this case, only what is usual: ${usual}`;
  }
}

function clear() {
  at("headline").textContent = "";
  at("shares").replaceChildren();
  at("why").hidden = true;
}

/**
 * @param {string} name
 * @param {number} value
 */
function share(name, value) {
  const bar = element("span", { class: "bar", "aria-hidden": "true" }, element("span", {}));
  /** @type {HTMLElement} */ (bar.firstElementChild).style.width = `${value * 100}%`;
  const words = [element("span", {}, name), element("span", { class: "value" }, percent(value))];
  return element("li", {}, ...words, bar);
}

try {
  const answer = await fetch("contract.json");
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  start(await answer.json());
  keepOffline(at("offline"), at("update"), at("take-over"));
} catch (error) {
  at("status").textContent =
    `contract.json cannot be read: ${/** @type {Error} */ (error).message}`;
}
