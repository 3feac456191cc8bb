"""The Arduino side of a project: library.properties and an example sketch make lib/<name> an Arduino library."""

from __future__ import annotations

from ..application import AppPlan
from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Manifest
from .project_context import SIM_FILES, application_context, application_files
from .templating import render

_USB_NOTE = "The board's USB is the chip's own: in the Arduino IDE, `USB CDC On Boot` (menu Tools) has to be `Enabled`."

#: Headers of libraries that cores bring: a library of that name would be taken in their place.
_LIBRARIES = frozenset(
    """adafruit_tinyusb arduinoble ble eeprom ethernet ffat fs httpclient i2s keyboard littlefs mouse pdm preferences
    rtc scheduler sd sd_mmc servo softwareserial spi spiffs ticker update usb webserver wifi wire""".split()
)


def require_arduino(board: BoardProfile) -> None:
    """BadInput where the board's profile does not list Arduino among its frameworks."""
    frameworks = board.platformio.frameworks if board.platformio else ()
    if "arduino" not in frameworks:
        known = f"only for {', '.join(frameworks)}" if frameworks else "it exists in a simulator alone or on bare metal"
        raise BadInput(f"{board.name}: no Arduino core is known for it, {known}.", "--project platformio or cmake.")


def arduino_files(board: BoardProfile, manifest: Manifest, app: AppPlan) -> dict[str, str]:
    """The files of an Arduino library by path from the project's root; BadInput where the board has no Arduino.

    A sketch compiles the files beside it, so the application's lie there; the model's own come from the library.
    """
    require_arduino(board)
    name = manifest.model.name
    if name.lower() in _LIBRARIES:
        raise BadInput(f"{name}: Arduino's cores have a library of that name.", f"--name model_{name}")
    context = application_context(board, manifest, app, "arduino")
    library = context["library"]
    if board.platformio and board.platformio.console:
        context["notes"] = (*context["notes"], _USB_NOTE)
    fqbn = board.arduino.fqbn if board.arduino else ""
    sketch = f"lib/{name}/examples/{name}"
    application = application_files("arduino", context, main=f"{name}.ino")
    files = {f"{sketch}/{file}": text for file, text in application.items()}
    files[f"lib/{name}/library.properties"] = render("arduino/library.properties.j2", **context)
    files["README.md"] = render(
        "arduino/README.md.j2",
        **context,
        sketch=sketch,
        fqbn=fqbn,
        core=":".join(fqbn.split(":")[:2]),
        dependency=f"{library.name}@{library.version}" if library else "",
        speaker="the board",
        app_dir=sketch,
        traced_in="",
        own_files=[(f"`{sketch}/`", "an application around it, as the library's example sketch")],
        our_files=SIM_FILES if context["has_sim"] else [],
        check_how=f"`#define TG_CHECK_WEIGHTS 1` as the first line of `{name}.ino`",
    )
    return files
