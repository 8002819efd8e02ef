"""What the workbench remembers between runs, in one SQLite file: runs, claims and scores, findings, deliveries."""
