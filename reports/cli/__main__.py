"""``python -m reports.cli`` is ``capacity``."""

import sys

from reports.cli import main

if __name__ == "__main__":
    sys.exit(main())
