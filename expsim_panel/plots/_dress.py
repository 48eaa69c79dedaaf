"""What every figure looks like around its data."""

from __future__ import annotations

from bokeh.plotting import figure

from expsim_panel.plots._palette import Ink

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

SHADES = (
    "background: linear-gradient(to right, var(--paper) 80%, transparent) left / 18px 100% no-repeat local,"
    " linear-gradient(to left, var(--paper) 80%, transparent) right / 18px 100% no-repeat local,"
    " linear-gradient(to right, var(--edge), transparent) left / 14px 100% no-repeat scroll,"
    " linear-gradient(to left, var(--edge), transparent) right / 14px 100% no-repeat scroll;"
)
"""Style of a frame that scrolls sideways: a shade at the edge where there is more; `--paper` and `--edge` colour it."""


def dress(plot: figure, ink: Ink) -> None:
    """Give a figure the house's fonts, colours and spacing; the toolbar hides until the pointer comes."""
    plot.background_fill_color = plot.border_fill_color = ink.panel
    plot.outline_line_color = None
    plot.min_border_right = 12
    plot.toolbar.autohide = True
    plot.toolbar.logo = None
    plot.title.text_color, plot.title.text_font, plot.title.text_font_size = ink.text, FONT, "14px"
    plot.grid.grid_line_color = ink.grid
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = ink.grid
        axis.minor_tick_line_color = None
        axis.axis_label_text_color = axis.major_label_text_color = ink.muted
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_size, axis.major_label_text_font_size = "12px", "12px"
        axis.axis_label_text_font_style = "normal"
    for side in (plot.left, plot.right):
        for bar in side:
            if hasattr(bar, "color_mapper"):
                bar.background_fill_color = ink.panel
                bar.major_label_text_color, bar.major_label_text_font = ink.muted, FONT
                bar.title_text_color = ink.muted
