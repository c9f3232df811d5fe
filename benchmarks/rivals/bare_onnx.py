"""The loop a user would write: Parquet in, strings into onnxruntime, probabilities out; no checks.

python bare_onnx.py MODEL SOURCE TARGET COLUMNS      # COLUMNS: JSON of names by kind
"""

import json
import sys

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq

model, source, target, columns = *sys.argv[1:4], json.loads(sys.argv[4])
names = [name for kind in columns.values() for name in kind]
options = ort.SessionOptions()
options.intra_op_num_threads = 1
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
writer = None
for batch in pq.ParquetFile(source).iter_batches(65_536, columns=names):
    plain = [
        batch.column(name).cast(pa.float32()).to_numpy(zero_copy_only=False)
        for name in columns["numbers"]
    ]
    for name in columns["moments"]:
        stamps = batch.column(name).to_numpy(zero_copy_only=False).astype("datetime64[s]")
        days = stamps.astype("datetime64[D]")
        known = np.where(np.isnat(stamps), np.nan, 1.0)
        plain.append(known * (stamps - days).astype(np.int64) / 3600)
        plain.append(known * ((days.astype(np.int64) + 3) % 7))
        new_year = days.astype("datetime64[Y]").astype("datetime64[D]")
        plain.append(known * ((days - new_year).astype(np.int64) + 1))
    texts = [
        batch.column(name).fill_null("").to_numpy(zero_copy_only=False)
        for name in columns["categories"]
    ]
    feed = {"numbers": np.stack(plain, axis=1).astype(np.float32), "categories": np.stack(texts, 1)}
    scores = session.run(["probabilities"], feed)[0]
    table = pa.table({"probability": np.ascontiguousarray(scores[:, 1])})
    writer = writer or pq.ParquetWriter(target, table.schema, compression="zstd")
    writer.write_table(table)
writer.close()
