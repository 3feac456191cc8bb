"""The ESP-IDF side of a project: the library as a component, the application as `main`, settings, README."""

from __future__ import annotations

from typing import Any

from ..application import AppPlan
from ..boards import BoardProfile
from ..errors import BadInput
from ..project import Manifest
from .project_context import SIM_FILES, application_context, application_files, library_sources
from .templating import render

#: Chips that `idf.py set-target` of ESP-IDF 5.5 takes.
_TARGETS = frozenset("esp32 esp32s2 esp32s3 esp32c2 esp32c3 esp32c5 esp32c6 esp32c61 esp32h2 esp32p4".split())
#: ESP-IDF 5.5's components beside those that begin with esp_ or idf_: one of the project's own would replace it.
_COMPONENTS = frozenset(
    """app_trace app_update bootloader bootloader_support bt cmock console cxx driver efuse espcoredump
    esptool_py fatfs freertos hal heap http_parser ieee802154 json log lwip main mbedtls mqtt newlib nvs_flash
    nvs_sec_provider openthread partition_table perfmon protobuf_c protocomm pthread riscv rt sdmmc soc
    spi_flash spiffs tcp_transport touch_element ulp unity usb vfs wear_levelling wifi_provisioning
    wpa_supplicant xtensa""".split()
)


def idf_target(board: BoardProfile) -> str:
    """The chip as ESP-IDF names it; BadInput for a board of another family."""
    target = board.mcu.lower().replace("-", "")
    if target not in _TARGETS:
        raise BadInput(
            f"{board.name}: ESP-IDF builds for Espressif's chips, not for {board.mcu}.",
            "--project platformio, arduino or cmake.",
        )
    return target


def espidf_files(board: BoardProfile, manifest: Manifest, sources: tuple[str, ...], app: AppPlan) -> dict[str, str]:
    """The files of an ESP-IDF project by path; `sources` are the paths of the model's own in lib/<name>/src.

    Raises BadInput for a board of another family, and for a model whose name is a component's of ESP-IDF.
    """
    target, name = idf_target(board), manifest.model.name
    if name in _COMPONENTS or name.startswith(("esp_", "idf_")):
        raise BadInput(f"{name}: ESP-IDF has a component of that name, which this one would replace.",
                       f"--name model_{name}")  # fmt: skip
    context = application_context(board, manifest, app, "espidf")
    context |= {"target": target, "sources": library_sources(manifest, sources)}
    context["component"] = context["library"].component if context["library"] else ""
    application = application_files("espidf", context)
    files = {f"main/{file}": text for file, text in application.items()}
    files |= idf_files(context, "main", ["esp_timer", name])
    files[f"lib/{name}/CMakeLists.txt"] = render("espidf/component_CMakeLists.txt.j2", **context)
    files[f"lib/{name}/idf_component.yml"] = render("espidf/idf_component.yml.j2", **context)
    files["README.md"] = render(
        "espidf/README.md.j2",
        **context,
        speaker="the board",
        app_dir="main",
        traced_in=f"lib/{name}/CMakeLists.txt",
        own_files=[
            ("`main/`", "an application around it"),
            ("`CMakeLists.txt`, `sdkconfig.defaults`", "how ESP-IDF builds it"),
        ],
        our_files=SIM_FILES if context["has_sim"] else [],
        check_how="`target_compile_definitions(${COMPONENT_LIB} PRIVATE TG_CHECK_WEIGHTS=1)` in `main/CMakeLists.txt`",
    )
    return files


def idf_files(context: dict[str, Any], folder: str, requires: list[str], *, remark: str = "") -> dict[str, str]:
    """What ESP-IDF reads around an application in `folder`; `src` is PlatformIO's, which builds the library itself."""
    by_pio = folder == "src"
    sources = [name for name in application_files("espidf", context) if name.endswith(".c")]
    files = {
        "CMakeLists.txt": render("platformio/CMakeLists.txt.j2", **context, components="" if by_pio else "lib"),
        f"{folder}/CMakeLists.txt": render(
            "platformio/src_CMakeLists.txt.j2", sources=sorted(sources), requires=requires, remark=remark
        ),
        "sdkconfig.defaults": render(
            "platformio/sdkconfig.defaults.j2", **context, idf_target="" if by_pio else context["target"]
        ),
    }
    if by_pio and context["library"]:
        library = context["library"]
        files[f"{folder}/idf_component.yml"] = render(
            "platformio/idf_component.yml.j2", dependency=library.component, version=library.version
        )
    return files
