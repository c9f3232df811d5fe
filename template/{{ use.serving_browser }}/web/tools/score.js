/**
 * The app's own code and runtime outside a browser: scores and faults for the rows of a file, and
 * what moved those at the places in `explained`.
 *
 *     node score.js SITE ROWS.json
 *     {"rows": [...], "explained": [0, 9]} -> {"answers": [{scores, answer, effects} or {faults}]}
 */

/** @import { Effect, Row } from "../app/contract.js" */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [site, file] = process.argv.slice(2);
const bytes = async (/** @type {string} */ path) =>
  new Uint8Array(await readFile(join(site, path))).buffer;
const load = (/** @type {string} */ path) => import(pathToFileURL(join(site, path)).href);

const contract = JSON.parse(await readFile(join(site, "contract.json"), "utf8"));
const { rows, explained } = JSON.parse(await readFile(file, "utf8"));
const [{ open }, { faults }, { decide }, { asked, explain }, runtime] = await Promise.all(
  ["model.js", "rules.js", "decision.js", "explanation.js", "../runtime/ort.js"].map((name) =>
    load(`app/${name}`),
  ),
);
const { runtime: binary, model } = contract.files;
const score = await open(runtime, await bytes(binary.path), await bytes(model.path), contract);

/** What each field did to the score that the page explains, by name. */
async function moved(/** @type {Row} */ row) {
  const choose = (/** @type {number[]} */ scores) => asked(contract, scores);
  /** @type {{ effects: Effect[] }} */
  const { effects } = await explain(contract, row, score, choose);
  return Object.fromEntries(effects.map(({ feature, change }) => [feature.name, change]));
}

const answers = [];
for (const [place, row] of rows.entries()) {
  const found = faults(contract.features, row);
  if (found.size) {
    answers.push({ faults: Object.fromEntries(found) });
    continue;
  }
  const [scores] = await score([row]);
  const answer = contract.classes.length ? decide(contract, scores) : 0;
  const effects = explained.includes(place) ? await moved(row) : undefined;
  answers.push({ scores, answer, effects });
}
process.stdout.write(JSON.stringify({ answers }));
