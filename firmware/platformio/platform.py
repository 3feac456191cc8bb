"""A PlatformIO development platform without packages: the compiler is the one on PATH."""

import os
import sys

from platformio.public import PlatformBase

_NO_SCONS = """PlatformIO has no tool-scons yet and fetches it now, once. Where its registry cannot be reached, that
fails after some minutes: `tinygen doctor --setup-offline` makes the package out of pip's scons instead.
"""


class TinygensimPlatform(PlatformBase):
    """The one platform, whatever a project calls it."""

    def is_embedded(self):
        """False: programs run on this machine, in a simulator."""
        return False

    def configure_default_packages(self, options, targets):
        """Nothing is needed but PlatformIO's own tool-scons: says so where a look-up for it is about to begin."""
        folder = self.config.get("platformio", "packages_dir")
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        if not any(name.startswith("tool-scons") for name in names):
            sys.stderr.write(_NO_SCONS)
        return super().configure_default_packages(options, targets)


def __getattr__(name):
    """PlatformIO asks for a class by the name under which platformio.ini links this folder."""
    if name.startswith("Tinygensim") and name.endswith("Platform"):
        return TinygensimPlatform
    raise AttributeError(name)
