#!/usr/bin/env python3
"""Django's command line, on the demo project's settings unless DJANGO_SETTINGS_MODULE names others."""

import os
import sys


def main() -> None:
    """Run the command named in the arguments."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
