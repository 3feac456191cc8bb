"""Techniques that make a model smaller, one a file, and the runner that chains them."""
