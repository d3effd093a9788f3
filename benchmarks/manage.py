"""Django's command line on the settings of the benchmarks: ``python -m benchmarks.manage COMMAND``."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    execute_from_command_line(["manage.py", *sys.argv[1:]])
