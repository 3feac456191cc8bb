"""A raw REPL for MicroPython on standard input and output, as a board's; it misbehaves as its argument says."""

import io
import sys
import time


def read_until(mark):
    found = bytearray()
    while True:
        byte = sys.stdin.buffer.read(1)
        if not byte:
            sys.exit(0)
        if byte == mark:
            return bytes(found)
        found.append(byte[0])


def execute(code):
    failed = io.StringIO()
    try:
        exec(code, globals())
    except Exception as error:
        sys.print_exception(error, failed)
    print(end="\x04" + failed.getvalue() + "\x04>")


mode = sys.argv[1] if len(sys.argv) > 1 else ""
if mode == "silent":
    time.sleep(60)
if mode == "dies":
    print("HardFault at 0x1234")
    sys.exit(3)
if mode == "floods":
    while True:
        print("nothing that anyone asked for" * 100)
read_until(b"\x01")
print(end="raw REPL; CTRL-B to exit\r\n>")
if mode == "deaf":
    time.sleep(60)
while True:
    code = read_until(b"\x04")
    if mode == "hangs":
        print(end="OK")
        time.sleep(60)
    if mode == "resets":
        print(end="OK\r\nMPY: soft reboot\r\n")
        sys.exit(0)
    print(end="OK")
    execute(code)
