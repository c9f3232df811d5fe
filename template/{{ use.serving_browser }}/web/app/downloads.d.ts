/** What `contract.json` holds beside what every page needs: what the model is loaded with. */

import type { Contract, Row } from "./contract.js";

export interface Download {
  path: string;
  bytes: number;
  integrity: string;
}

export interface AppContract extends Contract {
  inputs: { plain: string[]; datetimes: string[]; categories: string[] };
  files: { runtime: Download; model: Download };
}

/** Rows in, one list of scores for each row out: a probability for each class, or one value. */
export type Score = (rows: Row[]) => Promise<number[][]>;
