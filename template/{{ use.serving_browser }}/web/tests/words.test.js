/** What the page says is what the model said. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { about, amount, counts, heading, lead } from "../app/words.js";
import { percent, reason, rest, sentence } from "../app/words.js";
import { contract, features } from "./contract.js";

const regression = { ...contract, classes: [], positive: null, unit: "minutes", target: "time" };

test("a prediction is one sentence", () => {
  assert.equal(sentence(contract, [0.132, 0.868]), "Left us is most likely “yes” (87 %).");
  assert.equal(sentence(regression, [31.27]), "Time will be about 31.3 minutes.");
});

test("with a threshold the sentence says what it takes", () => {
  const strict = { ...contract, threshold: 0.3 };

  assert.equal(
    sentence(strict, [0.65, 0.35]),
    "Left us is answered with “yes”: “yes” has 35 %, and it takes 30 %.",
  );
  assert.equal(
    sentence(strict, [0.75, 0.25]),
    "Left us is answered with “no”: “yes” has 25 %, and it takes 30 %.",
  );
});

test("what answers otherwise than the contract would is taken at its word", () => {
  assert.equal(sentence(contract, [0.9, 0.1], 1), "Left us is answered with “yes” (10 %).");
  assert.equal(sentence(contract, [0.9, 0.1], 0), "Left us is most likely “no” (90 %).");
});

test("the page is called after the project, and says what is predicted from what", () => {
  assert.equal(heading(contract), "Who leaves");
  assert.equal(lead(contract), "Customers. Predicted: left us, “no” or “yes”.");
  assert.equal(lead({ ...regression, description: "Ways!" }), "Ways! Predicted: time, minutes.");
  assert.equal(lead({ ...regression, description: "", unit: "" }), "Predicted: time.");
});

test("what answers is described by what is known of it", () => {
  assert.deepEqual(about({ ...contract, threshold: 0.3 }), [
    ["Model", "version 3"],
    ["Trained on", "31 January 2026"],
    ["Learnt from", "5,000 rows"],
    ["Its roc_auc on unseen rows", "0.800"],
    ["The same, of the baseline", "0.500"],
    ["Answers “yes” from", "30 %"],
  ]);
  const unmeasured = { metric: "roc_auc", model: null, baseline: null };
  assert.equal(about({ ...contract, quality: unmeasured }).length, 3);
});

test("nothing is certain because of rounding", () => {
  const shares = [0, 0.004, 0.015, 0.5, 0.985, 0.996, 1];

  assert.deepEqual(shares.map(percent), ["0 %", "under 1 %", "2 %", "50 %", "99 %", "over 99 %", "100 %"]); // prettier-ignore
});

test("amounts keep three or four figures", () => {
  assert.deepEqual([0.01234, 12345].map((value) => amount(value, "")), ["0.0123", "12,350"]); // prettier-ignore
});

test("a reason names input, value, typical value, direction and size", () => {
  const effect = { feature: features[0], value: 9, typical: 4, change: -0.124 };

  assert.equal(
    reason(contract, 1, effect),
    "Size is 9 cm (typical: 4 cm): this lowers the chance of “yes” by 12 points.",
  );
  assert.equal(
    reason(regression, 0, { ...effect, change: 2.5 }),
    "Size is 9 cm (typical: 4 cm): this raises the prediction by 2.5 minutes.",
  );
});

test("what moves nothing gets no sentence", () => {
  const effect = { feature: features[0], value: 9, typical: 4, change: 0.009 };

  assert.equal(counts(contract, [0.5, 0.5], effect), false);
  assert.equal(counts(contract, [0.5, 0.5], { ...effect, change: -0.011 }), true);
  assert.equal(counts(regression, [200], { ...effect, change: 1.9 }), false);
  assert.equal(counts(regression, [0], { ...effect, change: 0 }), false);
});

test("the inputs without a sentence are counted", () => {
  assert.match(rest(contract, 0, 0), /^Every input has its typical value.* Change one/);
  assert.match(rest(contract, 3, 0), /^No input moves it by much/);
  assert.equal(rest(contract, 3, 5), "The other input is typical or moves it less.");
  assert.equal(rest(contract, 5, 4), "The other 2 inputs are typical or move it less.");
  assert.equal(rest(contract, 6, 6), "");
  const more = { ...contract, looked_up: [features[0]] };
  assert.equal(rest(more, 6, 6), "The other input is typical or moves it less.");
});
