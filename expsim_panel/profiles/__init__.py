"""Profiles of judges and raters, one TOML file each: numbers, where each comes from, what is assumed."""
