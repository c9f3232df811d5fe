/** The model in ONNX Runtime Web: one thread of WebAssembly, so no special headers are needed. */

import { encode } from "./inputs.js";

/** @import { AppContract, Download, Score } from "./downloads.js" */
/** @typedef {typeof import("onnxruntime-web/wasm")} Runtime */

/**
 * Open a model; the promise fails with the runtime's own words when it cannot be opened.
 * @param {Runtime} runtime
 * @param {ArrayBuffer} binary the WebAssembly of the runtime
 * @param {ArrayBuffer} model
 * @param {AppContract} contract
 * @returns {Promise<Score>}
 */
export async function open(runtime, binary, model, contract) {
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = binary;
  runtime.env.logLevel = "error";
  const session = await runtime.InferenceSession.create(new Uint8Array(model), {
    executionProviders: ["wasm"],
  });
  const last = session.outputNames.at(-1) ?? "";

  /** @type {Score} */
  async function score(rows) {
    const { numbers, categories } = encode(contract, rows);
    const shape = (/** @type {ArrayLike<unknown>} */ values) => [
      rows.length,
      values.length / rows.length,
    ];
    const tensors = {
      numbers: new runtime.Tensor("float32", numbers, shape(numbers)),
      categories: new runtime.Tensor("string", categories, shape(categories)),
    };
    const feed = Object.fromEntries(
      Object.entries(tensors).filter(([name]) => session.inputNames.includes(name)),
    );
    const answer = (await session.run(feed, [last]))[last];
    const flat = Array.from(/** @type {Float32Array} */ (answer.data));
    const width = flat.length / rows.length;
    return rows.map((_, i) => flat.slice(i * width, (i + 1) * width));
  }
  return score;
}

/**
 * Load a file and refuse it unless its hash is the one that was exported.
 * @param {Download} file
 * @returns {Promise<ArrayBuffer>}
 */
export async function download(file) {
  const answer = await fetch(file.path, { integrity: file.integrity });
  if (!answer.ok) throw new Error(`${file.path}: the server answers ${answer.status}`);
  return answer.arrayBuffer();
}
