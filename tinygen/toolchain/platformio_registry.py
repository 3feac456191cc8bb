"""What PlatformIO has of a board's platform, and whether its registry can be asked for what it lacks."""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path

from ..errors import MissingTool
from ..processes import run

#: The environment of every ahead-of-time project that needs nothing of the registry.
SIM = "sim"
_PROBE_TIMEOUT_S = 60.0


def require_platform(project: Path, ini: str, environment: str, core: Path) -> None:
    """MissingTool where an environment's platform is not here and the registry does not answer: no waiting for it."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(ini)
        name = environment or parser.get("platformio", "default_envs").split(",")[0].strip()
        wanted = parser.get(f"env:{name}", "platform")
    except configparser.Error:
        return  # edited: PlatformIO reads it in its own way
    if _is_installed(wanted, core) or registry_answers():
        return
    has_sim = f"[env:{SIM}]" in ini
    raise MissingTool(
        f"{project}: PlatformIO's registry cannot be reached, and the platform {wanted[:120]} is not installed here.",
        f"`tinygen build {project} --env {SIM}` builds the model for the simulator, and asks no registry."
        if has_sim
        else "Build once where the registry can be reached; PlatformIO keeps what it fetched.",
    )


def _is_installed(platform: str, core: Path) -> bool:
    """Whether PlatformIO has a platform: by its name, or by the address that it was fetched from."""
    folder = Path(os.environ.get("PLATFORMIO_PLATFORMS_DIR") or core / "platforms")
    found = [p for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    if "://" not in platform:
        name = platform.split("@")[0].split("/")[-1].strip()
        return any(p.name.split("@")[0] == name for p in found)
    address = platform.split("#")[0]
    markers = [p / ".piopm" for p in found]
    return any(address in marker.read_text("utf-8", "replace") for marker in markers if marker.is_file())


def registry_answers() -> bool:
    """Whether PlatformIO's registry can be reached, through the proxy that the environment names."""
    code = (
        "import sys, requests, platformio\n"
        "try:\n"
        "    requests.head('https://api.' + platformio.__registry_mirror_hosts__[0], timeout=(5, 15))\n"
        "except requests.RequestException:\n"
        "    sys.exit(3)\n"
    )
    return run([sys.executable, "-c", code], timeout_s=_PROBE_TIMEOUT_S).code not in (3, None)
