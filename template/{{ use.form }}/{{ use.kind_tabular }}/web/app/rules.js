/** What a value may be: the rules of the contract, in words that name field, value and rule. */

import { listed, shown, title } from "./words.js";

/** @import { Feature, Row, Value } from "./contract.js" */

const MOMENT =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;
const MOST_NAMED = 12;
const LONGEST = 200; // characters of a text, such as an id

/**
 * Every fault of a row, by field; a field without a fault is not in it.
 * @param {Feature[]} features
 * @param {Row} row
 * @returns {Map<string, string>}
 */
export function faults(features, row) {
  const found = new Map();
  for (const feature of features) {
    const value = row[feature.name];
    if (value === undefined) {
      found.set(feature.name, `${title(feature.name)} is missing; every field must be given.`);
    } else if (!fits(feature, value)) {
      const given = value === null ? "empty" : shown(value);
      found.set(feature.name, `${title(feature.name)} is ${given}; it must be ${rule(feature)}.`);
    }
  }
  for (const name of Object.keys(row)) {
    if (!features.some((feature) => feature.name === name)) {
      found.set(name, `${shown(name)} is not a field of this model.`);
    }
  }
  return found;
}

/**
 * Whether the contract allows a value.
 * @param {Feature} feature
 * @param {Value} value
 */
export function fits(feature, value) {
  if (value === null) return feature.nullable;
  switch (feature.type) {
    case "boolean":
      return typeof value === "boolean";
    case "category":
      return typeof value === "string" && (feature.open || feature.values.includes(value));
    case "text":
      return typeof value === "string" && value.length > 0 && [...value].length <= LONGEST;
    case "datetime":
      return typeof value === "string" && moment(value) !== null;
    default:
      return (
        typeof value === "number" &&
        value >= feature.low &&
        value <= feature.high &&
        (feature.type === "number" || Number.isInteger(value))
      );
  }
}

/**
 * What the contract asks of a field, as the end of "it must be ...".
 * @param {Feature} feature
 */
export function rule(feature) {
  const { type, values } = feature;
  const fixed = {
    boolean: "yes or no",
    datetime: "a complete date and time",
    text: `a text of 1 to ${LONGEST} characters`,
  };
  let words = type in fixed ? fixed[/** @type {keyof typeof fixed} */ (type)] : "";
  if (type === "category") {
    const more = values.length > MOST_NAMED ? ["..."] : [];
    words = feature.open ? "a text" : `one of ${listed([...values.slice(0, MOST_NAMED), ...more])}`;
  }
  if (type === "number" || type === "integer") {
    const range = span(feature);
    words = `${type === "number" ? "a number" : "a whole number"}${range && " "}${range}`;
  }
  return feature.nullable ? `${words}, or left empty` : words;
}

/**
 * The range of a numeric field in words; empty when it has none.
 * @param {Feature} feature
 */
export function span(feature) {
  const { low, high, bounded, unit } = feature;
  const [least, most] = [shown(low), `${shown(high)}${unit && " "}${unit}`];
  if (bounded.low && bounded.high) return `from ${least} to ${most}`;
  if (bounded.low) return `of at least ${least}${unit && " "}${unit}`;
  return bounded.high ? `of at most ${most}` : "";
}

/**
 * A time such as 2026-01-31T12:00:00Z as milliseconds since 1970 in UTC; null when it is none.
 *
 * Fractions of a second are dropped, as the model never sees them.
 * @param {string} text
 */
export function moment(text) {
  const match = MOMENT.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [hours, minutes] = [Number(match[8] ?? 0), Number(match[9] ?? 0)];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year > 0;
  if (!isDay || hour > 23 || minute > 59 || second > 59 || hours > 23 || minutes > 59) return null;
  const offset = (match[7] === "-" ? -1 : 1) * (hours * 60 + minutes);
  return date.setUTCHours(hour, minute - offset, second);
}
