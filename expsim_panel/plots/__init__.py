"""Plots, one file each; each takes results and returns Bokeh or HoloViews objects."""
