import asyncio
import os
import sys
from pathlib import Path

from tests.entrypoints.pages import ROOT, fences, page


async def test_the_script_that_tries_a_flow_prints_what_the_page_shows(tmp_path: Path) -> None:
    text = page("simulation.md")
    script = tmp_path / "try_a_flow.py"
    script.write_text(fences(text)["try_a_flow.py"])
    flow = ROOT / "entrypoints" / "simulation" / "flows" / "echo.yaml"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)}
    running = await asyncio.create_subprocess_exec(
        sys.executable, script, flow, "echo hello", env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await running.communicate()
    assert printed.decode() in text
    assert "you said" in printed.decode()
