"""Benchmarks are no part of the package, so they are not installed: they are imported from the project's folder."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
