/** An answer is what every other way to serve would say. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { decide } from "../app/decision.js";
import { contract } from "./contract.js";

test("without a threshold the most probable class is the answer", () => {
  assert.deepEqual([decide(contract, [0.4, 0.6]), decide(contract, [0.6, 0.4])], [1, 0]);
});

test("from the threshold on the positive class is the answer, compared as 32-bit floats", () => {
  const strict = { ...contract, threshold: 0.3 };
  const other = { ...strict, positive: "no" };
  const least = Math.fround(0.3);

  assert.deepEqual(
    [least, least - 1e-7, 0.9].map((share) => decide(strict, [1 - share, share])),
    [1, 0, 1],
  );
  assert.deepEqual([decide(other, [0.31, 0.69]), decide(other, [0.29, 0.71])], [0, 1]);
});
