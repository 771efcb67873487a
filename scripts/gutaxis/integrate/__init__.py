"""Integration: what the layers say together, patient by patient, and one table of the evidence for every feature."""
