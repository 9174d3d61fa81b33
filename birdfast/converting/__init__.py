"""Converting: checkpoints of torch to ONNX, so that what runs them afterwards needs no torch."""
