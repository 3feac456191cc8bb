"""MicroPython: our own linker for native modules, and the .mpy files that it fills."""
