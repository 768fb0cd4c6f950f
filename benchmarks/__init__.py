"""Measures ours side by side with its peers: scripts/bench, docs/PERFORMANCE.md."""
