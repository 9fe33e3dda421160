"""Tries one input again, without atheris: the traceback is the finding.

Run: .venv/bin/python -m fuzz.once response var/fuzz/crash-response-...
"""

import sys
from pathlib import Path

from fuzz.targets import TARGETS

if __name__ == "__main__":
    TARGETS[sys.argv[1]](Path(sys.argv[2]).read_bytes())
