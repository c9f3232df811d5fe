/** From probabilities to an answer, as every other way to serve decides. */

/** @import { Contract } from "./contract.js" */

/**
 * The position of the class that is answered: the positive one from the threshold on; without a
 * threshold the most probable one. Both are compared as 32-bit floats, which is what the model gives.
 * @param {Contract} contract
 * @param {number[]} scores
 */
export function decide(contract, scores) {
  if (contract.threshold === null || contract.positive === null) {
    return scores.indexOf(Math.max(...scores));
  }
  const positive = contract.classes.indexOf(contract.positive);
  const reached = Math.fround(scores[positive]) >= Math.fround(contract.threshold);
  return reached ? positive : 1 - positive;
}
