"""Runs in MicroPython, for micropython_firmware.py: imports what was sent as _model.mpy, with no file system there."""

import binascii
import io
import sys

import vfs

content = bytearray()


def more(text):
    content.extend(binascii.a2b_base64(text))


class File(io.IOBase):
    def __init__(self):
        self.at = 0

    def ioctl(self, request, argument):
        return 0 if request == 4 else -1  # closed

    def readinto(self, buffer):
        buffer[:] = memoryview(content)[self.at : self.at + len(buffer)]
        self.at += len(buffer)
        return len(buffer)


class Folder:
    def mount(self, readonly, make):
        pass

    def chdir(self, path):
        pass

    def stat(self, path):
        if path != "/_model.mpy":
            raise OSError(2)
        return (0,) * 10

    def open(self, path, mode):
        return File()


def load():
    global model, arena, out
    vfs.mount(Folder(), "/sent")
    sys.path.insert(0, "/sent")
    model = __import__("_model")
    arena, out = bytearray(model.ARENA_BYTES), bytearray(model.OUTPUT_BYTES)


def run(text):
    model.run(binascii.a2b_base64(text), out, arena)
    print(binascii.hexlify(out).decode())
