"""Single-cell arm: count matrices of samples to cell types, their fractions, programs and expression as layers."""
