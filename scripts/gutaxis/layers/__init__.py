"""Layers: every arm ends in one feature table per layer, samples x features, read, checked and written here."""
