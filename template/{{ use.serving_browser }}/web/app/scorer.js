/** What scores: the model itself, in this page. */

import { decide } from "./decision.js";
import { asked, explain } from "./explanation.js";
import { element } from "./form.js";
import { download, open } from "./model.js";
import { keepOffline } from "./offline.js";

/** @import { Answer, Places, Row, Scorer } from "./contract.js" */
/** @import { AppContract } from "./downloads.js" */

/**
 * Read the contract and begin to load the model.
 * @param {Places} places
 * @returns {Promise<Scorer>}
 */
export async function connect({ notices, foot }) {
  const offline = element("span", {});
  const stays = "The model runs in this page: what you enter never leaves your device. ";
  foot.append(element("p", {}, stays, offline));
  const answer = await fetch("contract.json");
  if (!answer.ok) throw new Error(`contract.json cannot be read: the server says ${answer.status}`);
  /** @type {AppContract} */
  const contract = await answer.json();
  const { runtime, model } = contract.files;
  const megabytes = ((runtime.bytes + model.bytes) / 1e6).toFixed(0);
  const score = load(contract);
  document.head.append(element("link", { rel: "manifest", href: "app.webmanifest" }));
  keepOffline(offline, notices);

  /**
   * @param {Row} row
   * @returns {Promise<Answer>}
   */
  async function ask(row) {
    const explained = await explain(contract, row, await score, (scores) =>
      asked(contract, scores),
    );
    const answered = contract.classes.length ? decide(contract, explained.scores) : 0;
    return { ...explained, answer: answered, isFallback: false };
  }
  return { contract, loading: `Loading the model, ${megabytes} MB, once ...`, ready: score, ask };
}

/** @param {AppContract} contract */
async function load(contract) {
  try {
    const runtime = import(new URL("runtime/ort.js", document.baseURI).href);
    const { runtime: binary, model } = contract.files;
    return await open(await runtime, await download(binary), await download(model), contract);
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    throw new Error(`The model cannot run in this browser: ${reason}`);
  }
}
