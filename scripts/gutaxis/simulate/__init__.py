"""The simulated trial: everything in here is made up, says so, and comes from one seed and one truth file."""
