/** What `contract.json` holds: the contract as far as a page needs it, written by the export. */

export type Value = number | boolean | string | null;
export type Row = Record<string, Value>;

export interface Feature {
  name: string;
  type: "number" | "integer" | "boolean" | "category" | "datetime";
  nullable: boolean;
  low: number;
  high: number;
  bounded: { low: boolean; high: boolean };
  values: string[];
  open: boolean;
  unit: string;
  description: string;
  typical: Value | undefined;
}

export interface Contract {
  target: string;
  description: string;
  task: "classification" | "regression";
  unit: string;
  classes: string[];
  positive: string | null;
  threshold: number | null;
  features: Feature[];
  inputs: { plain: string[]; datetimes: string[]; categories: string[] };
  fallback: number[] | null;
  version: number;
  made: string;
  rows: number;
  quality: { metric: string; model: number | null; baseline: number | null };
  files: { runtime: Download; model: Download };
}

export interface Download {
  path: string;
  bytes: number;
  integrity: string;
}

/** Rows in, one list of scores for each row out: a probability for each class, or one value. */
export type Score = (rows: Row[]) => Promise<number[][]>;
