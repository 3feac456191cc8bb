"""Hardware-aware search: students of many shapes under a board's budgets, found by Optuna."""
