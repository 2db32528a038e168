"""The evaluation as tasks, solvers and scorers of Inspect AI; needs the extra `inspect`."""
