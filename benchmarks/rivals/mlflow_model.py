"""Fit and save what `mlflow models serve` serves: a scikit-learn pipeline on the same columns.

python mlflow_model.py PROJECT MODEL_FOLDER BODIES
"""

import json
import sys
import tomllib
from pathlib import Path

import mlflow.sklearn
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

project, model, bodies = map(Path, sys.argv[1:])
contract = tomllib.loads((project / "contract.toml").read_text(encoding="utf-8"))
columns = {n: c for n, c in contract["columns"].items() if c.get("role", "feature") == "feature"}
numbers = [n for n, c in columns.items() if c["type"] in ("number", "integer", "boolean")]
texts = [n for n, c in columns.items() if c["type"] in ("category", "datetime")]
frame = pd.read_csv(project / contract["dataset"]["source"])
flags = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
for name in numbers:
    values = frame[name].map(lambda v: flags.get(str(v).lower(), v))
    frame[name] = pd.to_numeric(values, errors="coerce").astype(float)
frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), "")
pipeline = make_pipeline(
    make_column_transformer(
        (SimpleImputer(strategy="median"), numbers),
        (OneHotEncoder(handle_unknown="ignore", max_categories=20), texts),
    ),
    LogisticRegression(max_iter=1000),
)
pipeline.fit(frame[numbers + texts], frame[contract["dataset"]["target"]].astype(str))
mlflow.sklearn.save_model(
    pipeline, model, pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
)
lines = []
for line in bodies.read_text(encoding="utf-8").splitlines():
    [row] = json.loads(line)["rows"]
    values = [None if row[n] is None else float(row[n]) for n in numbers]
    values += [row[n] or "" for n in texts]
    split = {"columns": numbers + texts, "data": [values]}
    lines.append(json.dumps({"dataframe_split": split}))
model.with_suffix(".bodies").write_text("\n".join(lines) + "\n", encoding="utf-8")
