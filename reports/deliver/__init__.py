"""Findings brought to people: routed by severity, each once, as text, page or digest, through Apprise."""
