/** The page: builds the form from the contract, asks what scores, shows what it says and why. */

import { build, element, fill, mark, read } from "./form.js";
import { faults } from "./rules.js";
import { connect } from "./scorer.js";
import { about, counts, heading, lead, method, percent } from "./words.js";
import { reason, rest, sentence } from "./words.js";

/** @import { Answer, Contract, Refusal, Scorer } from "./contract.js" */

const MOST_REASONS = 5;

/** @param {string} id */
const at = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Everything after the contract is there; the form can be used while the model loads.
 * @param {Scorer} scorer
 */
function start({ contract, loading, ready, ask }) {
  document.title = `${heading(contract)}: predict`;
  at("title").textContent = heading(contract);
  at("lead").textContent = lead(contract);
  at("about").replaceChildren(...about(contract).map(([name, text]) => fact(name, text)));
  at("model").hidden = false;
  at("method").textContent = method(contract);
  build(at("fields"), contract.features);
  at("status").textContent = loading;
  ready.then(
    () => (at("status").textContent = "Ready. Fill in the form, then choose Predict."),
    (error) => (at("status").textContent = error.message),
  );
  let asked = false;
  let latest = 0;
  const form = /** @type {HTMLFormElement} */ (at("form"));

  /** @param {boolean} loudly whether faults take the focus, as after the button */
  async function predict(loudly) {
    const row = read(contract.features);
    if (refuse(faults(contract.features, row), loudly)) return;
    asked = true;
    const number = ++latest; // an answer that was overtaken by a later question is not shown
    try {
      const answer = await ask(row);
      if (number !== latest) return;
      show(contract, answer);
      if (loudly) at("result").scrollIntoView({ block: "nearest" });
    } catch (error) {
      const refusal = /** @type {Refusal} */ (error);
      if (number !== latest) return;
      if (refusal.faults?.size) refuse(refusal.faults, loudly);
      else fallBack(contract, refusal);
    }
  }

  /**
   * Whether there are faults; they are shown, or taken away.
   * @param {Map<string, string>} found
   * @param {boolean} loudly
   */
  function refuse(found, loudly) {
    mark(contract.features, found, at("faults"));
    if (found.size && asked) {
      at("status").textContent = "This answers the input before the last change.";
    }
    if (found.size && loudly) at("faults").focus();
    return found.size > 0;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void predict(true);
  });
  form.addEventListener("change", () => void (asked && predict(false)));
  form.addEventListener("reset", () => {
    asked = false;
    latest++;
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
 * @param {Answer} answer
 */
function show(contract, { scores, answer, position, effects, isFallback }) {
  if (isFallback) return usual(contract, scores, "The model did not answer in time.");
  at("status").textContent = "";
  at("headline").textContent = sentence(contract, scores, answer);
  at("shares").replaceChildren(...contract.classes.map((name, i) => share(name, scores[i])));
  at("why").hidden = !effects;
  if (!effects) return;
  const told = effects.filter((effect) => counts(contract, scores, effect)).slice(0, MOST_REASONS);
  const lines = told.map((effect) => {
    const way = effect.change > 0 ? "up" : "down";
    return element("li", { class: way }, reason(contract, position, effect));
  });
  at("reasons").replaceChildren(...lines);
  at("rest").textContent = rest(contract, effects.length, told.length);
}

/**
 * The answer that the contract declares for a model that fails, marked as what it is.
 * @param {Contract} contract
 * @param {Error} error
 */
function fallBack(contract, error) {
  clear();
  at("status").textContent = error.message;
  if (contract.fallback) usual(contract, contract.fallback, error.message);
}

/**
 * @param {Contract} contract
 * @param {number[]} scores
 * @param {string} cause
 */
function usual(contract, scores, cause) {
  clear();
  at("status").textContent = cause;
  at("headline").textContent =
    `Not a prediction for this case, only what is usual: ${sentence(contract, scores)}`;
}

function clear() {
  at("status").textContent = "";
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

/**
 * @param {string} name
 * @param {string} text
 */
function fact(name, text) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, text));
}

try {
  start(await connect({ notices: at("notices"), foot: at("foot") }));
} catch (error) {
  at("status").textContent = /** @type {Error} */ (error).message;
}
