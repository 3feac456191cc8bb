# main.py for a board with MicroPython: a digit out of a buffer, 8x8 pixels of 0 to 16 as the data set has them.
import digits

THREE = (
    "..7FD1...8D6F4...21DD.....2FB1.....1CC1.....1A8...845E9...7DD9.."  # a digit of the data set: "." is 0, "G" is 16
)

arena = bytearray(digits.ARENA_BYTES)
samples = bytearray(digits.INPUT_BYTES)
out = bytearray(digits.OUTPUT_BYTES)


def classify(pixels):
    """(label, score) of 64 pixels."""
    digits.quantize(pixels, samples)
    digits.run(samples, out, arena)
    return digits.top(out)


print("digits:", *classify([0.0 if c == "." else float(int(c, 17)) for c in THREE]))
