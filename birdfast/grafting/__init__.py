"""Grafting: a network's front end is found in its graph, cut off, and computed by our kernels, with proof.

flatbuffer -> graph -> validate -> fold -> recognise -> graft -> verification -> cache
onnxgraph -> onnxpieces -> onnxrecognise -> onnxgraft -> verification -> onnxcache
"""
