"""The scenario library, one TOML file each."""
