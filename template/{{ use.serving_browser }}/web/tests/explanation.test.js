/** An explanation says what each input's own value did to the prediction. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../app/explanation.js";
import { contract, row } from "./contract.js";

/** @import { Row } from "../app/contract.js" */

/** @param {Row[]} rows */
const score = async (rows) =>
  rows.map((each) => {
    const yes = 0.1 + 0.05 * Number(each.size) - (each.plan === "b" ? 0.3 : 0);
    return [1 - yes, yes];
  });

test("each input is set to its typical value in turn, and the largest effect comes first", async () => {
  const { scores, effects } = await explain(contract, row, score, () => 1);

  assert.ok(Math.abs(scores[1] - 0.275) < 1e-12);
  assert.deepEqual(
    effects.map(({ feature, change }) => [feature.name, Math.round(change * 1000)]),
    [
      ["plan", -300],
      ["size", 275],
      ["is new", 0],
      ["way", 0],
      ["seen", 0],
    ],
  );
});

test("an input without a typical value, or at it, is not asked about", async () => {
  let asked = 0;
  const counting = (/** @type {Row[]} */ rows) => ((asked = rows.length), score(rows));
  const usual = { ...row, size: 4, "is new": true, plan: "a", way: null };

  const { effects } = await explain(contract, usual, counting, () => 1);

  assert.deepEqual([asked, effects.map(({ feature }) => feature.name)], [2, ["seen"]]);
});
