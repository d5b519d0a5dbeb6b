"""A Chromium without a window, which says where it has drawn what: whichever there is on this machine.

It is driven by its own command line, so no package is needed, and no port: a script that measures is put at the end
of the page, and the browser prints the page as it is once the script has run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_FLAGS = (
    "--headless",
    "--no-sandbox",  # the page is our own, and in a container of root's no sandbox can be made
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1320,900",
)
_LONGEST = 120  # seconds
_MEASURED = re.compile(r'<pre id="measured">(.*?)</pre>', re.DOTALL)
_POLICY = re.compile(r"<meta http-equiv.*?>")


def found() -> str:
    """The browser: `BIDE_BROWSER`, or the first of the usual names; raises `FileNotFoundError` where there is none."""
    names = [os.environ["BIDE_BROWSER"]] if "BIDE_BROWSER" in os.environ else _NAMES
    browser = next((path for name in names if (path := shutil.which(name))), None)
    if browser is None:
        raise FileNotFoundError(
            f"none of {', '.join(names)} is on this machine: install Chromium (on Debian: "
            "apt-get install chromium-headless-shell), or name a browser of its kind in BIDE_BROWSER"
        )
    return browser


def measured(page: str, script: str, folder: Path, *, dark: bool = False) -> Any:
    """What the body of a function in JavaScript returns, called in `page` once it is drawn; `folder` is a fresh one."""
    call = f"JSON.stringify((() => {{ {script} }})())"
    put = "const pre = document.createElement('pre'); pre.id = 'measured'; pre.textContent = "
    run = f"<script>{put}{call}; document.body.append(pre);</script></body>"
    file = folder / "page.html"
    # The page's own policy forbids this script too: it is taken out here, and nowhere else.
    file.write_text(_POLICY.sub("", page, count=1).replace("</body>", run), "utf-8")
    drawn = _run(file, folder, "--dump-dom", dark=dark)
    return json.loads(unescape(_MEASURED.findall(drawn)[-1]))


def as_it_is(page: str, folder: Path) -> str:
    """The page, untouched, as the browser has it after it was drawn and every script in it had its turn."""
    file = folder / "page.html"
    file.write_text(page, "utf-8")
    return _run(file, folder, "--dump-dom")


def _run(file: Path, folder: Path, *words: str, dark: bool = False) -> str:
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    command = [found(), *_FLAGS, *scheme, f"--user-data-dir={folder / 'profile'}", *words, file.as_uri()]
    done = subprocess.run(command, capture_output=True, check=True, timeout=_LONGEST)
    return done.stdout.decode("utf-8")
