"""scikit-learn's boosting and LightGBM, with their defaults, on rows that are split already.

    python boosting.py FOLDER    # train.parquet and test.parquet, the target last; prints JSON

Categories are of pandas' type for them, so that both handle them in their own way.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn import ensemble, metrics


def main(folder: Path) -> dict[str, dict[str, float]]:
    """The metrics and seconds of each rival on the test rows."""
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    texts = [name for name in train.columns[:-1] if not pd.api.types.is_numeric_dtype(train[name])]
    for name in texts:
        kind = pd.CategoricalDtype(sorted(train[name].dropna().unique()))
        train[name], test[name] = train[name].astype(kind), test[name].astype(kind)
    rows, target = train.iloc[:, :-1], train.iloc[:, -1].to_numpy()
    classify = target.dtype.kind == "i"
    end = "Classifier" if classify else "Regressor"
    boosting = getattr(ensemble, f"HistGradientBoosting{end}")
    rivals = {
        "scikit-learn": boosting(categorical_features="from_dtype", random_state=0),
        "LightGBM": getattr(lightgbm, f"LGBM{end}")(random_state=0, verbosity=-1),
    }
    found = {}
    for name, model in rivals.items():
        start = time.process_time()
        model.fit(rows, target)
        spent = time.process_time() - start
        found[name] = measured(model, test.iloc[:, :-1], test.iloc[:, -1].to_numpy(), classify)
        found[name]["seconds"] = spent
    return found


def measured(model: object, rows: pd.DataFrame, truth: np.ndarray, classify: bool) -> dict:
    if not classify:
        said = model.predict(rows)
        return {
            "r2": metrics.r2_score(truth, said),
            "mae": metrics.mean_absolute_error(truth, said),
        }
    shares = model.predict_proba(rows)
    if shares.shape[1] == 2:
        return {"roc_auc": metrics.roc_auc_score(truth, shares[:, 1])}
    return {"roc_auc": metrics.roc_auc_score(truth, shares, multi_class="ovr")}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
