"""A PlatformIO development platform without packages: the compiler is the one on PATH."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

from platformio.dependencies import get_core_dependencies
from platformio.public import PlatformBase

_FETCHED = """PlatformIO has no tool-scons yet and fetches it now, once. Where its registry cannot be reached, that
fails after a minute: `pip install scons` beside PlatformIO, and the next run makes the package of it.
"""
_ENTRY = "import SCons.Script\n\nif __name__ == '__main__':\n    SCons.Script.Main.main()\n"


class TinygensimPlatform(PlatformBase):
    """The one platform, whatever a project calls it."""

    def is_embedded(self):
        """False: programs run on this machine, in a simulator."""
        return False

    def configure_default_packages(self, options, targets):
        """Nothing is needed but PlatformIO's own tool-scons, which comes from the registry or from pip's scons."""
        provide_scons(self.config)
        return super().configure_default_packages(options, targets)


def provide_scons(config):
    """Where PlatformIO has no tool-scons: makes one out of pip's scons in the project, else says what comes."""
    folder = config.get("platformio", "packages_dir")
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    if any(name.startswith("tool-scons") for name in names):
        return
    version = re.search(r"\d+\.\d+\.\d+", get_core_dependencies().get("tool-scons", ""))
    if version is None or importlib.util.find_spec("SCons") is None:
        sys.stderr.write(_FETCHED)
        return
    own = Path(config.get("platformio", "workspace_dir")) / "packages"
    if not (own / "tool-scons" / ".piopm").is_file():
        sys.stderr.write("PlatformIO has no tool-scons: made out of pip's scons in .pio/packages, for this project.\n")
        write_scons(own / "tool-scons", version[0])
    os.environ["PLATFORMIO_PACKAGES_DIR"] = str(own)  # of this run


def write_scons(package, version):
    """PlatformIO's package around pip's scons; the marker comes last, so that a broken copy is made again."""
    manifest = {"name": "tool-scons", "version": version, "system": "*", "description": "pip's scons"}
    spec = {"owner": "platformio", "id": None, "name": "tool-scons", "requirements": None, "uri": None}
    marker = {"type": "tool", "name": "tool-scons", "version": version, "spec": spec}
    package.mkdir(parents=True, exist_ok=True)
    (package / "package.json").write_text(json.dumps(manifest) + "\n", "utf-8")
    (package / "scons.py").write_text(_ENTRY, "utf-8")
    (package / ".piopm").write_text(json.dumps(marker), "utf-8")


def __getattr__(name):
    """PlatformIO asks for a class by the name under which platformio.ini links this folder."""
    if name.startswith("Tinygensim") and name.endswith("Platform"):
        return TinygensimPlatform
    raise AttributeError(name)
