/** Rows become the arrays that Python makes of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, encode } from "../app/inputs.js";
import { contract, row } from "./contract.js";

test("numbers stand in the model's order, missing is NaN, a time is its hour, weekday and day of the year", () => {
  const { numbers } = encode(contract, [row, { ...row, "is new": true, seen: null }]);

  assert.deepEqual([...numbers], [9.5, NaN, 0, 9.5, 6, 32, 9.5, NaN, 1, NaN, NaN, NaN]);
});

test("an unseen value of an open category is missing, and missing is an empty text", () => {
  const { categories } = encode(contract, [row, { ...row, way: "x" }, { ...row, way: null }]);

  assert.deepEqual(categories, ["b", "", "b", "x", "b", ""]);
});

test("the week begins on Monday, the hour counts minutes and seconds", () => {
  assert.deepEqual(clock("2026-01-05T06:30:36Z"), [6 + 30 / 60 + 36 / 3600, 0, 5]);
  assert.deepEqual(clock("2026-01-05T00:30:00+01:00"), [23.5, 6, 4]);
  assert.deepEqual(clock("2024-12-31T23:30:00Z"), [23.5, 1, 366]);
});
