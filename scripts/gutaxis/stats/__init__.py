"""Statistics written once for every layer: designs, models, permutations, diversity, differential abundance."""
