"""Compiled kernels: arrays in, arrays out; they know NumPy, Numba and math, and nothing of the product."""

if __name__ != "expsim_panel.kernels":
    raise ImportError("import expsim_panel.kernels, not kernels: a second copy would have registries of its own")
