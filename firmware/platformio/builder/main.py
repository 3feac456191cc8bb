"""Links the model's library and the simulation harness for the board's core, with gcc or zig, whichever is there."""

import importlib.util
import shutil
import sys
from pathlib import Path

from SCons.Script import Default, DefaultEnvironment

env = DefaultEnvironment()
build = env.BoardConfig().get("build")
project = Path(env.subst("$PROJECT_DIR"))
sys.path.insert(0, str(env.PioPlatform().get_dir()))
import simulator  # noqa: E402


def stop(message):
    """Ends the build with a line."""
    sys.stderr.write(f"Error: {message}\n")
    env.Exit(1)


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
        stop(f"no compiler for {build['core']}: install {' or '.join(build['gcc'])}, or `pip install ziglang`.")
    return found


def use_cross_compiler():
    """A program for the board's core, at the addresses of the machine that runs it."""
    compiler, archiver, indexer, target, libraries, size = find_compiler()
    script = str(project / build["script"])
    env.Replace(CC=compiler, CXX=compiler, AS=compiler, AR=archiver, RANLIB=indexer, LINK=compiler)
    env.Replace(
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
    for source in sorted((project / "sim").glob("*.S")):
        env.Append(PIOBUILDFILES=env.Object(f"$BUILD_DIR/asm/{source.stem}.o", str(source)))
    return script, size


def use_host_compiler():
    """A program for this machine: no simulator here runs the core."""
    try:
        command = simulator.host_compiler()
    except simulator.SimulatorError as error:
        stop(error)
    quoted = " ".join(f'"{word}"' if " " in word else word for word in command)
    env.Replace(CC=quoted, CXX=quoted, LINK=quoted, SIZETOOL=None)
    env.Append(CCFLAGS=["-O2"], CFLAGS=["-std=c99"], LIBS=["m"])
    print(f"No simulator here runs {build['core']}: the program is built for this machine, and runs on it.")
    return None, ""


# The harness in sim/ is the program, of a build as of a test: src/ is for the board.
env.Replace(PROJECT_SRC_DIR=str(project / "sim"), PROJECT_TEST_DIR=str(project / "sim"))
env.Replace(PROGSUFFIX=".elf", PROGNAME="firmware")
script, size = use_cross_compiler() if build["gcc"] else use_host_compiler()
program = env.BuildProgram()
if script:
    env.Depends(program, script)
targets = [program]
if size:
    targets.append(env.Alias("size", program, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE")))


def run_in_simulator(source, target, env):
    """PlatformIO's upload: the program runs in the simulator; an exit code where it fails or its outputs differ."""
    return 0 if simulator.report(str(project), build, env.subst("$PROGPATH")) else 1


env.AddPlatformTarget(
    "upload",
    program,
    env.VerboseAction(run_in_simulator, "Running in the simulator"),
    "Run in the simulator",
    "Run the model's test vectors in QEMU, or on this machine",
)
Default(targets)
