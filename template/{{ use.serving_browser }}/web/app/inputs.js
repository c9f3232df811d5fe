/** Rows as the model takes them: numbers (missing is NaN) and texts (missing is empty). */

import { moment } from "./rules.js";

/** @import { Row } from "./contract.js" */
/** @import { AppContract } from "./downloads.js" */

/**
 * Encode rows that keep the contract.
 * @param {AppContract} contract
 * @param {Row[]} rows
 * @returns {{ numbers: Float32Array, categories: string[] }} row after row
 */
export function encode(contract, rows) {
  const { plain, datetimes, categories } = contract.inputs;
  const open = new Map(
    contract.features.filter((f) => f.open).map((f) => [f.name, new Set(f.values)]),
  );
  const numbers = rows.flatMap((row) => [
    ...plain.map((name) => (row[name] === null ? NaN : Number(row[name]))),
    ...datetimes.flatMap((name) => clock(row[name])),
  ]);
  const texts = rows.flatMap((row) =>
    categories.map((name) => {
      const text = String(row[name] ?? "");
      return open.get(name)?.has(text) === false ? "" : text;
    }),
  );
  return { numbers: Float32Array.from(numbers), categories: texts };
}

/**
 * Hour of the day (0 to 24), day of the week (Monday is 0) and of the year (1 to 366) in UTC; NaN
 * when missing.
 * @param {unknown} value
 * @returns {[number, number, number]}
 */
export function clock(value) {
  const at = typeof value === "string" ? moment(value) : null;
  if (at === null) return [NaN, NaN, NaN];
  const date = new Date(at);
  const hour = date.getUTCHours() + date.getUTCMinutes() / 60 + date.getUTCSeconds() / 3600;
  const yearStart = new Date(date);
  yearStart.setUTCMonth(0, 1);
  yearStart.setUTCHours(0, 0, 0, 0);
  const yearday = Math.floor((date.getTime() - yearStart.getTime()) / 86_400_000) + 1;
  return [hour, (date.getUTCDay() + 6) % 7, yearday];
}
