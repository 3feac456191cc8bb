"""Links the model's library and the simulation harness for the board, with gcc or zig, whichever is there."""

import importlib.util
import shutil
import sys
from pathlib import Path

from SCons.Script import Default, DefaultEnvironment

env = DefaultEnvironment()
build = env.BoardConfig().get("build")


def find_gcc():
    """(compiler, archiver, indexer, target flags, libraries, size tool) of the first gcc for the core, or None."""
    for gcc in filter(shutil.which, build["gcc"]):
        prefix = gcc[: -len("gcc")]
        size = f"{prefix}size" if shutil.which(f"{prefix}size") else ""
        return gcc, f"{prefix}ar", f"{prefix}ranlib", build["gcc_flags"], ["gcc"], size
    return None


def find_zig():
    """The same for zig, on PATH or as the Python package ziglang."""
    zig = "zig" if shutil.which("zig") else ""
    if not zig and importlib.util.find_spec("ziglang"):
        zig = f'"{sys.executable}" -m ziglang'
    return (f"{zig} cc", f"{zig} ar", f"{zig} ranlib", build["zig_flags"], ["compiler_rt"], "") if zig else None


def find_compiler():
    """The preferred compiler, else the other one; ends the build where there is none."""
    order = (find_zig, find_gcc) if build["prefer"] == "zig" else (find_gcc, find_zig)
    found = order[0]() or order[1]()
    if found is None:
        names = " or ".join(build["gcc"])
        sys.stderr.write(f"Error: no compiler for {build['core']}: install {names}, or `pip install ziglang`.\n")
        env.Exit(1)
    return found


compiler, archiver, indexer, target, libraries, size = find_compiler()
script = str(Path(env.subst("$PROJECT_DIR")) / build["script"])
env.Replace(
    CC=compiler,
    CXX=compiler,
    AS=compiler,
    AR=archiver,
    RANLIB=indexer,
    LINK=compiler,
    PROGSUFFIX=".elf",
    PROGNAME="firmware",
    SIZETOOL=size or None,
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
    SIZEPROGREGEXP=r"^(?:\.text|\.data)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.data|\.bss|\.stack|\.fault_stack)\s+(\d+).*",
)
env.Append(
    ASFLAGS=target,
    ASPPFLAGS=target,
    CCFLAGS=[*target, "-O2", "-ffreestanding", "-fbuiltin", "-ffunction-sections", "-fdata-sections"],
    CFLAGS=["-std=c99"],
    LINKFLAGS=[*target, "-nostdlib", "-static", "-Wl,--gc-sections", "-Wl,-T," + script],
    LIBS=libraries,
)

# Assembly beside C of the same name: objects of its own, since PlatformIO would give both the same one.
for source in sorted(Path(env.subst("$PROJECT_SRC_DIR")).glob("*.S")):
    env.Append(PIOBUILDFILES=env.Object(f"$BUILD_DIR/asm/{source.stem}.o", str(source)))

program = env.BuildProgram()
env.Depends(program, script)
targets = [program]
if size:
    targets.append(env.Alias("size", program, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE")))
Default(targets)
