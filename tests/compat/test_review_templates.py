# SPDX-License-Identifier: MIT
"""The steps of the GitHub action and the GitLab job, run as these systems run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mptcp_series.cli.main import cli

from .conftest import Git

ROOT = Path(__file__).parents[2]
PROGRAM = f"{sys.executable} -m mptcp_series"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("review") / "demo"
    assert CliRunner().invoke(cli, ["demo", "--to", str(directory)]).exit_code == 0
    return directory


@pytest.fixture
def project(demo: Path, tmp_path: Path) -> Path:
    """The demo's series and overrides in a repository, with a change of an override that is not in main."""
    directory = tmp_path / "project"
    subprocess.run(["cp", "-r", str(demo), str(directory)], check=True)
    git = Git(directory)
    git.run("init", "-q", "-b", "main")
    git.run("add", "series", "overrides")
    git.run("commit", "-q", "-m", "queue")
    override = directory / "overrides" / "mini-5.15" / "busy-poll-options.patch"
    override.write_text(override.read_text().replace("Reason: ", "Reason: once more: ", 1))
    return directory


def shell(script: str, directory: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def expanded(value: str, inputs: Mapping[str, str], temporary: Path) -> str:
    """`${{ ... }}` as far as the action uses it."""

    def replace(match: re.Match[str]) -> str:
        for name in match[1].split("||"):
            word = name.strip()
            found = inputs.get(word.removeprefix("inputs.")) if word.startswith("inputs.") else None
            if word == "runner.temp":
                return str(temporary)
            if found:
                return found
        return ""

    return re.sub(r"\$\{\{ (.*?) \}\}", replace, value)


def steps(project: Path, tmp_path: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    action: Any = yaml.safe_load((ROOT / "contrib" / "github" / "action.yml").read_text())
    inputs = {
        **{name: str(found.get("default", "")) for name, found in action["inputs"].items()},
        "source": "linux.git",
        "repo": "bsp.git",
        "base": "bsp-5.10",
        "series": "series/mini-5.15",
        "against": "main",
        "program": PROGRAM,
    }
    done = {}
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        environment = {name: expanded(value, inputs, tmp_path) for name, value in step["env"].items()}
        environment |= {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output")}
        done[step["name"]] = shell(step["run"], project, environment)
    return done


def test_the_action_on_a_good_change(project: Path, tmp_path: Path) -> None:
    done = steps(project, tmp_path)
    assert {name: step.returncode for name, step in done.items()} == {
        "Overrides fit the queue": 0,
        "What changes": 0,
        "Nobody is needed": 0,
    }, done
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("### mini-5.15 on bsp-5.10, against main\n")
    assert "override <code>mini-5.15/busy-poll-options.patch</code> changed (used)" in summary
    assert (tmp_path / "output").read_text() == f"comment={tmp_path}/mptcp-series.md\n"


def test_the_action_on_a_bad_change(project: Path, tmp_path: Path) -> None:
    override = project / "overrides" / "mini-5.15" / "busy-poll-options.patch"
    override.write_text(re.sub(r"#[0-9a-f]{12}", "#000000000000", override.read_text(), count=1))
    done = steps(project, tmp_path)
    assert {name: step.returncode for name, step in done.items()} == {
        "Overrides fit the queue": 1,
        "What changes": 0,
        "Nobody is needed": 1,
    }
    assert "::error file=overrides/mini-5.15/busy-poll-options.patch,line=" in done["Overrides fit the queue"].stdout
    assert "**New, and a person is needed**" in (tmp_path / "summary").read_text()


GITLAB = {
    "MPTCP_SERIES_SOURCE": "linux.git",
    "MPTCP_SERIES_REPO": "bsp.git",
    "MPTCP_SERIES_BASE": "bsp-5.10",
    "PROGRAM": PROGRAM,
    "AGAINST": "main",
}


def test_the_gitlab_job(project: Path) -> None:
    job: Any = yaml.safe_load((ROOT / "contrib" / "gitlab" / "mptcp-series.yml").read_text())["mptcp-series"]
    done = shell("\n".join(job["script"]), project, GITLAB)
    assert done.returncode == 0, done.stderr
    assert json.loads((project / "gl-code-quality-report.json").read_text()) == []
    for path in job["artifacts"]["paths"]:
        assert (project / path).stat().st_size > 0


def test_the_gitlab_job_on_a_bad_change(project: Path) -> None:
    """What drifted fails the job, and its comment and its page are there: they are wanted most then."""
    job: Any = yaml.safe_load((ROOT / "contrib" / "gitlab" / "mptcp-series.yml").read_text())["mptcp-series"]
    override = project / "overrides" / "mini-5.15" / "busy-poll-options.patch"
    override.write_text(re.sub(r"#[0-9a-f]{12}", "#000000000000", override.read_text(), count=1))
    done = shell("\n".join(job["script"]), project, GITLAB)
    assert done.returncode == 1, done.stderr
    (found,) = json.loads((project / "gl-code-quality-report.json").read_text())
    assert found["location"]["path"] == "overrides/mini-5.15/busy-poll-options.patch"
    assert "**New, and a person is needed**" in (project / "mptcp-series.md").read_text()
    assert "<strong>A person is needed</strong>" in (project / "mptcp-series.html").read_text()


def test_the_hook_names_a_command_there_is(project: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    words = hook["entry"].split()
    assert words[0] == "mptcp-series"
    assert re.search(hook["files"], "overrides/mini-5.15/x.patch")
    settings = {"MPTCP_SERIES_SERIES": "series/mini-5.15"}
    assert shell(" ".join([PROGRAM, *words[1:]]), project, settings).returncode == 0
