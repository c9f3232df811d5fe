/** A small contract for tests: one feature of each kind. */

/** @import { Feature } from "../app/contract.js" */
/** @import { AppContract } from "../app/downloads.js" */

/** @type {Feature} */
const any = {
  name: "",
  type: "number",
  nullable: false,
  low: -3.4e38,
  high: 3.4e38,
  bounded: { low: false, high: false },
  values: [],
  open: false,
  unit: "",
  description: "",
  typical: undefined,
};

/** @type {Feature[]} */
export const features = [
  {
    ...any,
    name: "size",
    low: 0,
    high: 9.5,
    bounded: { low: true, high: true },
    unit: "cm",
    typical: 4,
  },
  { ...any, name: "old_count", type: "integer", nullable: true, low: 1, bounded: { low: true, high: false } }, // prettier-ignore
  { ...any, name: "is new", type: "boolean", nullable: true, typical: true },
  { ...any, name: "plan", type: "category", values: ["a", "b"], typical: "a" },
  { ...any, name: "way", type: "category", values: ["x"], nullable: true, open: true, typical: null }, // prettier-ignore
  { ...any, name: "seen", type: "datetime", nullable: true, typical: "2026-01-05T10:00:00Z" },
];

/** @type {AppContract} */
export const contract = {
  project: "who-leaves",
  target: "left_us",
  description: "Customers",
  task: "classification",
  unit: "",
  classes: ["no", "yes"],
  positive: "yes",
  threshold: null,
  features,
  looked_up: [],
  inputs: { plain: ["size", "old_count", "is new"], datetimes: ["seen"], categories: ["plan", "way"] }, // prettier-ignore
  fallback: [0.7, 0.3],
  version: 3,
  made: "2026-01-31T12:00:00+00:00",
  rows: 5000,
  quality: { metric: "roc_auc", model: 0.8, baseline: 0.5 },
  files: {
    runtime: { path: "runtime/ort.wasm", bytes: 1, integrity: "" },
    model: { path: "model.onnx", bytes: 1, integrity: "" },
  },
};

export const row = {
  size: 9.5,
  old_count: null,
  "is new": false,
  plan: "b",
  way: "never seen",
  seen: "2026-02-01T10:30:00+01:00",
};
