"""`pio test -e sim`: the model in the simulator, held to what the reference made of the same inputs (vectors.json)."""

import sys
from pathlib import Path

import click
from platformio.public import TestCase, TestRunnerBase, TestStatus

_PLATFORM = Path(__file__).resolve().parent.parent / "sim" / "platformio"
sys.path.insert(0, str(_PLATFORM))
import simulator  # noqa: E402


class CustomTestRunner(TestRunnerBase):
    """A case a vector. The program under test is the harness in sim/, as it is uploaded."""

    def configure_build_env(self, env):
        """The harness takes the place of C files in test/: see sim/platformio/builder/main.py."""
        env.Replace(PIOTEST_SRC_FILTER=env.GetProjectOption("build_src_filter"))
        return env

    def stage_testing(self):
        """Runs all vectors in order and adds a case for each."""
        if self.options.without_testing:
            return
        click.secho("Testing...", bold=True)
        config = self.project_config
        section = f"env:{self.test_suite.env_name}"
        build = self.platform.board_config(config.get(section, "board")).get("build")
        elf = Path(config.get("platformio", "build_dir")) / self.test_suite.env_name / "firmware.elf"
        project = _PLATFORM.parent.parent
        told = simulator.load_vectors(project)
        if told["reference"] is None:
            raise simulator.SimulatorError(f"test/test_model/vectors.json has no expected outputs: {told['reason']}.")
        samples = [vector["input"] for vector in told["vectors"]]
        outcome = simulator.run(project, build, elf.resolve(), samples)
        click.echo(f"{told['model']} on {outcome.machine.name}, expected as by {told['reference']}")
        self.judge(simulator.CONSTANTS, "" if outcome.intact else simulator.DAMAGED)
        for vector, output in zip(told["vectors"], outcome.outputs):
            self.judge(f"{told['model']}, {vector['name']}", simulator.compare(vector, output))

    def judge(self, name, wrong):
        """Adds a case: passed where nothing is wrong."""
        case = TestCase(name, TestStatus.FAILED if wrong else TestStatus.PASSED, message=wrong or None)
        self.test_suite.add_case(case)
        click.echo(case.humanize())
