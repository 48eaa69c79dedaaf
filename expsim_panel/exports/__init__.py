"""Exports, one file each."""
