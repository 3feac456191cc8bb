"""Compilers: find one, build a project's program with it, read the sizes from the result."""
