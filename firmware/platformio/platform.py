"""A PlatformIO development platform without packages: the compiler is the one on PATH."""

from platformio.public import PlatformBase


class TinygensimPlatform(PlatformBase):
    def is_embedded(self):
        """False: programs run on this machine, in a simulator."""
        return False
