"""A fully connected network as scikit-learn estimators, and as ONNX."""
