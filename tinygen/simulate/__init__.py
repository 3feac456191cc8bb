"""Simulators: run a program; tell its outputs, its instructions, its stack, and what went wrong."""
