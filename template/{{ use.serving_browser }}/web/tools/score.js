/**
 * The app's own code and runtime outside a browser: scores and faults for the rows of a file.
 *
 *     node score.js SITE ROWS.json     {"rows": [...]} -> {"answers": [{scores, answer} or {faults}]}
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [site, file] = process.argv.slice(2);
const bytes = async (/** @type {string} */ path) =>
  new Uint8Array(await readFile(join(site, path))).buffer;
const load = (/** @type {string} */ path) => import(pathToFileURL(join(site, path)).href);

const contract = JSON.parse(await readFile(join(site, "contract.json"), "utf8"));
const { rows } = JSON.parse(await readFile(file, "utf8"));
const [{ open }, { faults }, { decide }, runtime] = await Promise.all(
  ["app/model.js", "app/rules.js", "app/decision.js", "runtime/ort.js"].map(load),
);
const { runtime: binary, model } = contract.files;
const score = await open(runtime, await bytes(binary.path), await bytes(model.path), contract);

const answers = [];
for (const row of rows) {
  const found = faults(contract.features, row);
  if (found.size) {
    answers.push({ faults: Object.fromEntries(found) });
    continue;
  }
  const [scores] = await score([row]);
  answers.push({ scores, answer: contract.classes.length ? decide(contract, scores) : 0 });
}
process.stdout.write(JSON.stringify({ answers }));
