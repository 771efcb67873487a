"""Batches: what a finished run keeps of itself, and what a new batch changes."""
