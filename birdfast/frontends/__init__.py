"""Front ends: what a network computes of its samples first, as tables, and those handed to the kernels."""
