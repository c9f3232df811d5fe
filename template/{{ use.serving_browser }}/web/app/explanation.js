/**
 * What moved a prediction: each field in turn is set to its typical value, and the model is asked
 * again. The difference is what this field's own value did, all else as it is.
 *
 * Removal of one feature at a time by a default value, as in Covert, Lundberg and Lee, "Explaining by
 * Removing", Journal of Machine Learning Research 22 (2021). It tells what moves the model, not what
 * causes the outcome, and fields that only act together are not told apart.
 */

/** @import { Contract, Effect, Row, Value } from "./contract.js" */
/** @import { AppContract, Score } from "./downloads.js" */

/**
 * Score a row, and say what each field did to the score at `position`, the largest first.
 * @param {Contract} contract
 * @param {Row} row
 * @param {Score} score
 * @param {(scores: number[]) => number} choose which score is explained
 * @returns {Promise<{ scores: number[], position: number, effects: Effect[] }>}
 */
export async function explain(contract, row, score, choose) {
  const moved = contract.features.filter(
    (f) => f.typical !== undefined && row[f.name] !== f.typical,
  );
  const probes = moved.map((f) => ({ ...row, [f.name]: /** @type {Value} */ (f.typical) }));
  const [scores, ...others] = await score([row, ...probes]);
  const position = choose(scores);
  const effects = moved.map((feature, i) => ({
    feature,
    value: row[feature.name],
    typical: /** @type {Value} */ (feature.typical),
    change: scores[position] - others[i][position],
  }));
  effects.sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  return { scores, position, effects };
}

/**
 * The class a prediction is explained for: the one the model is asked about, else the likeliest.
 * @param {AppContract} contract
 * @param {number[]} scores
 */
export function asked(contract, scores) {
  const positive = contract.positive === null ? -1 : contract.classes.indexOf(contract.positive);
  return positive >= 0 ? positive : scores.indexOf(Math.max(...scores));
}
