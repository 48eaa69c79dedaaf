"""The Panel application: widgets derived from Params, panes that show plots."""

if __name__ != "expsim_panel.layouts":
    raise ImportError("import expsim_panel.layouts, not layouts: a second copy would have registries of its own")
