"""Plasma metabolome: mzML or a finished table to a trusted layer."""
