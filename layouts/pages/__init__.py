"""Pages of the application, one file each; each reads the session and nothing else."""
