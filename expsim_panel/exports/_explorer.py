"""The script of the static page: one state (strategy, metric, traffic, effect), drawn from precomputed cubes."""

from __future__ import annotations

import json

from expsim_panel.plots._frame import DAY_TICKS
from expsim_panel.plots._palette import DARK, LIGHT, diverging

EXPLORE = """
const nearest = (levels, x) =>
  levels.reduce((best, v, k) => Math.abs(v - x) < Math.abs(levels[best] - x) ? k : best, 0);
if (state.tags[0] === 'busy') return;
state.tags = ['busy'];
const s = all[Number(strategy.value)];
if (cb_obj === strategy) {
  traffic.options = s.unit_texts.map((text, k) => [String(k), text]);
  truth.options = s.effect_texts.map((text, k) => [String(k), text]);
  traffic.value = String(nearest(s.units, state.data.units[0]));
  truth.value = String(nearest(s.effects, state.data.effect[0]));
} else if (cb_obj.event_name === 'tap') {
  traffic.value = String(nearest(s.units, cb_obj.y));
  truth.value = String(nearest(s.effects, cb_obj.x));
}
const i = Number(truth.value), j = Number(traffic.value), m = metric.value, many = s.units.length;
if (cb_obj !== strategy) state.data = {effect: [s.effects[i]], units: [s.units[j]]};
const cube = s.cube.data[m], errors = s.errors ? s.errors.data[m] : null;

if (cb_obj === strategy || cb_obj === metric) {
  const d = s.cube.data;
  cells.data = {left: d.left, right: d.right, bottom: d.bottom, top: d.top, value: cube, says: d.says};
  iso.data = s.iso;
  iso_label.data = s.iso_label;
  own.data = s.own;
  mapper.low = 0;
  mapper.high = ceilings[m];
  curve.left[0].formatter = formats[m];
  curve.y_range.end = ceilings[m] * 1.06;
  for (const mark of targets) mark.visible = m === 'power';
}
const cell = i * many + j, d = s.cube.data;
chosen.data = {left: [d.left[cell]], right: [d.right[cell]], bottom: [d.bottom[cell]], top: [d.top[cell]]};
const y = s.effects.map((_, k) => cube[k * many + j]);
if (errors) {
  const e = s.effects.map((_, k) => 2 * errors[k * many + j]);
  const cut = m === 'power' ? 1 : Infinity;
  line.data = {x: [], y: []};
  points.data = {
    x: s.effects, y: y, low: y.map((v, k) => Math.max(0, v - e[k])), high: y.map((v, k) => Math.min(cut, v + e[k])),
    says: s.effect_texts.map((_, k) => d[m + '_text'][k * many + j])
  };
} else {
  line.data = {x: s.effects, y: y};
  points.data = {x: [], y: [], low: [], high: [], says: []};
}
const right = s.effects[i] > 0.75 * s.effects[s.effects.length - 1];
here.data = {align: [right ? 'right' : 'left'], away: [right ? -10 : 10],
  x: [s.effects[i]], y: [y[i]], text: [d[m + '_text'][cell].split(' ± ')[0]],
  lift: [lift[m === 'power' ? m : 'other']]};
const write = (id, text) => { const node = document.getElementById(id); if (node) node.textContent = text; };
write('map-title', titles[m] + ', ' + s.name);
write('curve-title', titles[m] + ' at ' + s.unit_texts[j]);
write('says', d.says[cell]);
for (const key of ['power', 'days', 'cost']) write('value-' + key, d[key + '_text'][cell]);
write('label-power', s.effects[i] === 0 ? 'false alarm without any difference' : 'chance to find this difference');
write('reach', s.reach[j]);
write('kind', s.kind);
state.tags = ['idle'];
"""
"""Run on every choice and tap. Arguments: the widgets, figures and sources by name; ``all``, one table of
levels, texts and cube per strategy; ``ceilings``, ``formats`` and ``titles`` by metric."""

SCALE = f"""
if (metric.value === 'power') return Math.round(100 * tick) + ' %';
if (metric.value === 'days') {{
{DAY_TICKS}
}}
return (metric.value === 'cost' ? '$' : '') + tick.toLocaleString('en-US');
"""
"""Numbers beside the colours."""

PAINT = (
    f"""
const bright = {json.dumps(diverging(LIGHT))}, dim = {json.dumps(diverging(DARK))};
"""
    + """
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const paint = () => {
  const ink = dark.matches ? night : day;
  for (const plot of plots) {
    for (const item of [...plot.above, ...plot.left, ...plot.below, ...plot.right, ...plot.center, plot.title]) {
      if (item.type.endsWith('Axis')) {
        item.axis_line_color = ink.grid;
        item.major_tick_line_color = ink.grid;
        item.axis_label_text_color = ink.muted;
        item.major_label_text_color = ink.muted;
      } else if (item.type === 'Grid') {
        item.grid_line_color = ink.grid;
      } else if (item.type === 'ColorBar') {
        item.major_label_text_color = ink.muted;
        if (item.color_mapper.tags.includes('difference')) item.color_mapper.palette = dark.matches ? dim : bright;
      } else if (item.type === 'Title') {
        item.text_color = ink.text;
      } else if (item.name === 'here') {
        item.text_color = ink.text;
      } else if (item.name === 'target') {
        if (item.type === 'Span') item.line_color = ink.muted; else item.text_color = ink.muted;
      }
    }
  }
  for (const glyph of glyphs) glyph.line_color = ink.text;
  for (const glyph of drawn) glyph.line_color = ink.accent;
};
paint();
dark.addEventListener('change', paint);
"""
)
"""Give the figures the colours of the reader's mode, now and when it changes."""
