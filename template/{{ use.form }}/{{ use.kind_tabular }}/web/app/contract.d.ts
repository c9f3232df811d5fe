/** What a page must know of contract and model, and what it gets from what scores. */

export type Value = number | boolean | string | null;
export type Row = Record<string, Value>;

export interface Feature {
  name: string;
  type: "number" | "integer" | "boolean" | "category" | "datetime" | "text";
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
  project: string;
  target: string;
  description: string;
  task: "classification" | "regression";
  unit: string;
  classes: string[];
  positive: string | null;
  threshold: number | null;
  /** The fields of the form. */
  features: Feature[];
  /** What the model sees beside them. */
  looked_up: Feature[];
  fallback: number[] | null;
  version: number;
  made: string;
  rows: number;
  quality: { metric: string; model: number | null; baseline: number | null };
}

/** What one value did to the score that is explained. */
export interface Effect {
  feature: Feature;
  value: Value;
  typical: Value;
  change: number;
}

export interface Answer {
  /** A probability for each class, or one value. */
  scores: number[];
  /** The position of the class that is answered. */
  answer: number;
  /** Which score is explained. */
  position: number;
  /** The largest first; null where nothing was explained. */
  effects: Effect[] | null;
  /** Only what is usual: the model did not look at this row. */
  isFallback: boolean;
}

/** Faults that only what scores can find, by field. */
export interface Refusal extends Error {
  faults?: Map<string, string>;
}

/** What scores: in this page or behind it. `scorer.js` makes one. */
export interface Scorer {
  contract: Contract;
  /** Shown until it can answer. */
  loading: string;
  /** Fails with a whole sentence when it cannot answer any row. */
  ready: Promise<unknown>;
  /** Fails with a whole sentence, as a Refusal where fields are wrong. */
  ask: (row: Row) => Promise<Answer>;
}

/** Where a scorer has something to say of its own. */
export interface Places {
  /** Above the form. */
  notices: HTMLElement;
  /** Below everything. */
  foot: HTMLElement;
}
