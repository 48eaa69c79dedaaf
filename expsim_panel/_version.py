"""The version, and nothing else, so that packaging can read it without importing the package."""

VERSION = "0.1.0"
