"""The hub of a class: what the recipe names is there, and its settings go with the recipe."""

import re
import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "book" / "for_teachers.md").read_text(encoding="utf-8")
(RECIPE,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_what_the_recipe_names_is_there() -> None:
    subprocess.run(["bash", "-n"], input=RECIPE, text=True, check=True)
    for name in ("requirements.lock", "chapters", "book", "book/_classroom/jupyterhub_config.py"):
        assert name in RECIPE
        assert (ROOT / name).exists()
    for package, version in re.findall(r"(jupyterhub|proxy)[=@]+(\S+)", RECIPE):
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), package


def test_the_hub_finds_what_the_recipe_has_installed() -> None:
    parts = ("JupyterHub", "ConfigurableHTTPProxy", "LocalAuthenticator", "Spawner")
    wanted = SimpleNamespace(**{part: SimpleNamespace() for part in parts})
    config = ROOT / "book" / "_classroom" / "jupyterhub_config.py"
    runpy.run_path(str(config), {"get_config": lambda: wanted})
    node, proxy = wanted.ConfigurableHTTPProxy.command
    assert subprocess.run([node, "--version"], capture_output=True, check=True).stdout[:1] == b"v"
    assert "node_modules/configurable-http-proxy/" in proxy
    (group,) = wanted.LocalAuthenticator.allowed_groups
    assert f"groupadd {group}\n" in RECIPE
    assert "//127.0.0.1:" in wanted.JupyterHub.bind_url
    opened = wanted.Spawner.default_url.removeprefix("/lab/tree/")
    assert (ROOT / opened).is_file()
