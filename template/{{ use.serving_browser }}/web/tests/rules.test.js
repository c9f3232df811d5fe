/** Rows are refused for the same reasons as in Python, in words that name field, value and rule. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { faults, fits, moment } from "../app/rules.js";
import { features, row } from "./contract.js";

test("a row that keeps the contract has no fault", () => {
  assert.deepEqual(faults(features, row), new Map());
});

for (const [name, value, message] of /** @type {const} */ ([
  ["size", 9.51, "Size is 9.51; it must be a number from 0 to 9.5 cm."],
  ["size", "wide", "Size is “wide”; it must be a number from 0 to 9.5 cm."],
  ["size", null, "Size is empty; it must be a number from 0 to 9.5 cm."],
  ["old_count", 0, "Old count is 0; it must be a whole number of at least 1, or left empty."],
  ["old_count", 1.5, "Old count is 1.5; it must be a whole number of at least 1, or left empty."],
  ["is new", "true", "Is new is “true”; it must be yes or no, or left empty."],
  ["plan", "c", "Plan is “c”; it must be one of a or b."],
  ["way", 3, "Way is 3; it must be a text, or left empty."],
  ["seen", "soon", "Seen is “soon”; it must be a complete date and time, or left empty."],
])) {
  test(`${name} may not be ${value}`, () => {
    assert.deepEqual(faults(features, { ...row, [name]: value }), new Map([[name, message]]));
  });
}

test("a text, such as an id, is neither empty nor endless", () => {
  const id = { ...features[0], name: "id", type: /** @type {const} */ ("text") };
  const message = "Id is empty; it must be a text of 1 to 200 characters.";

  assert.deepEqual(faults([id], { id: null }), new Map([["id", message]]));
  assert.deepEqual([1, 200, 201].map((n) => fits(id, "é".repeat(n))), [true, true, false]); // prettier-ignore
});

test("every field must be given, and no other", () => {
  const { size, ...rest } = row;

  const found = faults(features, { ...rest, length: size });

  assert.deepEqual([...found.keys()], ["size", "length"]);
});

for (const text of [
  "2026-01-31",
  "2026-01-31T12:00Z",
  "2026-01-31T12:00:00",
  "2026-02-30T12:00:00Z",
  "2026-01-31T24:00:00Z",
  "2026-01-31T12:00:60Z",
  "2026-01-31T12:00:00+24:00",
  "0000-01-01T00:00:00Z",
]) {
  test(`${text} is no time`, () => assert.equal(moment(text), null));
}

test("a time is one moment however it is written", () => {
  const same = ["2026-01-31T23:30:00Z", "2026-02-01 00:30:00.9+0100", "2026-01-31t18:00:00-05:30"];

  assert.deepEqual(new Set(same.map(moment)), new Set([Date.UTC(2026, 0, 31, 23, 30)]));
});
