/** Names, values and predictions as a reader would write them. */

import { decide } from "./decision.js";

/** @import { Contract, Effect, Feature, Value } from "./contract.js" */

const LONGEST = 80;
const PLAIN = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 15, useGrouping: false });

/**
 * A column's name as a label: "usage_hours" is "Usage hours".
 * @param {string} name
 */
export function title(name) {
  const spaced = name.replaceAll("_", " ").trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/**
 * A value as a message can hold it.
 * @param {Value | undefined} value
 */
export function shown(value) {
  if (value === null || value === undefined) return "not known";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return PLAIN.format(value);
  return `“${value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value}”`;
}

/**
 * "a, b or c".
 * @param {string[]} words
 */
export function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/**
 * A probability in percent, never rounded to certainty.
 * @param {number} share
 */
export function percent(share) {
  if (share > 0.99 && share < 1) return "over 99 %";
  if (share > 0 && share < 0.01) return "under 1 %";
  return `${Math.round(share * 100)} %`;
}

/**
 * A predicted amount with its unit, to three or four figures.
 * @param {number} value
 * @param {string} unit
 */
export function amount(value, unit) {
  const digits = Math.abs(value) >= 1000 ? 4 : 3;
  const text = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: digits }).format(value);
  return unit ? `${text} ${unit}` : text;
}

/**
 * The prediction as one sentence; who scores may answer otherwise than the contract alone would.
 * @param {Contract} contract
 * @param {number[]} scores
 * @param {number} [answer] the position of the class that is answered
 */
export function sentence(contract, scores, answer = decide(contract, scores)) {
  const subject = title(contract.target);
  if (!contract.classes.length)
    return `${subject} will be about ${amount(scores[0], contract.unit)}.`;
  const likeliest = scores.indexOf(Math.max(...scores));
  if (answer !== decide(contract, scores)) {
    return `${subject} is answered with “${contract.classes[answer]}” (${percent(scores[answer])}).`;
  }
  if (contract.threshold === null || contract.positive === null) {
    return `${subject} is most likely “${contract.classes[likeliest]}” (${percent(scores[likeliest])}).`;
  }
  const asked = contract.classes.indexOf(contract.positive);
  const has = `“${contract.positive}” has ${percent(scores[asked])}, and it takes ${percent(contract.threshold)}`;
  return `${subject} is answered with “${contract.classes[answer]}”: ${has}.`;
}

/**
 * What one field did, as one sentence.
 * @param {Contract} contract
 * @param {number} position the class that is explained
 * @param {Effect} effect
 */
export function reason(contract, position, effect) {
  const { feature, value, typical, change } = effect;
  const is = `${title(feature.name)} is ${valued(feature, value)} (typical: ${valued(feature, typical)})`;
  const way = change > 0 ? "raises" : "lowers";
  if (!contract.classes.length) {
    return `${is}: this ${way} the prediction by ${amount(Math.abs(change), contract.unit)}.`;
  }
  const points = Math.round(Math.abs(change) * 100);
  const by = points === 1 ? "1 point" : `${points} points`;
  return `${is}: this ${way} the chance of “${contract.classes[position]}” by ${by}.`;
}

/**
 * Whether an effect is worth a sentence: one percentage point, or a hundredth of the prediction.
 * @param {Contract} contract
 * @param {number[]} scores
 * @param {Effect} effect
 */
export function counts(contract, scores, effect) {
  const least = contract.classes.length ? 0.01 : Math.abs(scores[0]) / 100;
  return Math.abs(effect.change) >= least && effect.change !== 0;
}

/**
 * @param {Feature} feature
 * @param {Value} value
 */
function valued(feature, value) {
  if (value === null) return "not known";
  if (feature.type === "datetime") return new Date(String(value)).toLocaleString("en-GB", SHORT);
  if (typeof value === "number" && feature.unit) return `${shown(value)} ${feature.unit}`;
  return shown(value);
}

const SHORT = /** @type {const} */ ({ dateStyle: "medium", timeStyle: "short" });

/**
 * What stands at the top of the page: the project's name, "my-model" as "My model".
 * @param {Contract} contract
 */
export function heading(contract) {
  return title(contract.project.replaceAll("-", "_"));
}

/**
 * What is predicted, and from what.
 * @param {Contract} contract
 */
export function lead(contract) {
  const { classes, description, target } = contract;
  const what = classes.length ? listed(classes.map((name) => `“${name}”`)) : contract.unit;
  const about = description && !/[.!?]$/.test(description) ? `${description}.` : description;
  return `${about} Predicted: ${title(target).toLowerCase()}${what && `, ${what}`}.`.trim();
}

/**
 * What the model is and how good it was, as pairs of a name and what there is to say.
 * @param {Contract} contract
 * @returns {[string, string][]}
 */
export function about(contract) {
  const { metric, model, baseline } = contract.quality;
  const made = new Date(contract.made).toLocaleDateString("en-GB", { dateStyle: "long" });
  const rows = new Intl.NumberFormat("en-GB").format(contract.rows);
  /** @type {[string, string][]} */
  const found = [
    ["Model", `version ${contract.version}`],
    ["Trained on", made],
    ["Learnt from", `${rows} rows`],
  ];
  if (model !== null) found.push([`Its ${metric} on unseen rows`, model.toFixed(3)]);
  if (baseline !== null) found.push(["The same, of the baseline", baseline.toFixed(3)]);
  if (contract.threshold !== null && contract.positive !== null) {
    found.push([`Answers “${contract.positive}” from`, percent(contract.threshold)]);
  }
  return found;
}

/**
 * How the reasons are found, and what they do not say.
 * @param {Contract} contract
 */
export function method(contract) {
  const rows = new Intl.NumberFormat("en-GB").format(contract.rows);
  return (
    `Each input in turn is set to its typical value in the ${rows} rows of the training data (the middle ` +
    "one of numbers, the most frequent one of the others), and the model is asked again; the difference " +
    "is what is said here. Inputs that only work together are not told apart, and what moves the model " +
    "need not be what causes the outcome. Method: removal of one feature at a time by a default value " +
    "(Covert, Lundberg and Lee, “Explaining by Removing”, JMLR 22, 2021)."
  );
}

/**
 * What is to say about the inputs that have no sentence of their own.
 * @param {Contract} contract
 * @param {number} effects how many inputs differ from their typical value
 * @param {number} told how many of them have a sentence
 */
export function rest(contract, effects, told) {
  if (!effects)
    return "Every input has its typical value, so none stands out. Change one, and predict again.";
  if (!told) return "No input moves it by much: each is typical, or changes it by less than 1 %.";
  const inputs = [...contract.features, ...contract.looked_up].filter((f) => f.type !== "text");
  const few = inputs.length - told;
  if (few === 1) return "The other input is typical or moves it less.";
  return few ? `The other ${few} inputs are typical or move it less.` : "";
}
