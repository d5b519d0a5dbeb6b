"""Collected only where the server is installed: `nox -s azure` sees to it, and says where by BIDE_AZURE."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("BIDE_AZURE") else ["test_*.py"]
