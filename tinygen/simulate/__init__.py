"""Simulators: run a program and say what came out, how many instructions and how much stack it took, and what went wrong."""
