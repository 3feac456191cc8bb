# main.py for a board with MicroPython: an inertial sensor is read ten times a second, the last ten seconds go to the
# model each second, and an activity is told where two of three windows agree on it.
import math
import time
from array import array

import motions

AXES, WINDOW, STRIDE, PERIOD_MS = 6, 100, 10, 100
THRESHOLD = 0.6


class Sensor:
    """Stands in for an IMU's driver: read(into) is to give three axes of acceleration and three of rotation."""

    def __init__(self):
        self.t = 0

    def read(self, into):
        for axis in range(AXES):
            into[axis] = 3.0 * math.sin(0.5 * self.t + axis)
        self.t += 1


def watch(sensor, windows, wait):
    """Prints an activity whenever it begins, for so many windows; wait() returns when the next sample is due."""
    arena = bytearray(motions.ARENA_BYTES)
    samples = bytearray(motions.INPUT_BYTES)
    out = bytearray(motions.OUTPUT_BYTES)
    history = array("f", [0.0] * (AXES * WINDOW))
    now = array("f", [0.0] * AXES)
    last, told = [None, None, None], None
    for n in range(WINDOW + STRIDE * (windows - 1)):
        wait()
        sensor.read(now)
        history[:] = history[AXES:] + now
        if n + 1 < WINDOW or (n + 1 - WINDOW) % STRIDE:
            continue
        motions.quantize(history, samples)
        motions.run(samples, out, arena)
        label, score = motions.top(out)
        last.append(label if score >= THRESHOLD else None)
        last.pop(0)
        if last.count(label) >= 2 and label != told:
            told = label
            print("motions:", label, score)


if __name__ == "__main__":
    watch(Sensor(), 1000, lambda: time.sleep_ms(PERIOD_MS))
