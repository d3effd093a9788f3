"""Does the suite notice when a mechanism is missing? Each mechanism is switched off, and a named test must go red.

A **mutant** is jobqueue with a small piece of its source replaced, so that one mechanism does nothing. The tests that
fail for that are its **killers**. ``JOBQUEUE_MUTANT=fence python -m pytest tests/races`` tries tests on one by hand;
``make mutants`` runs every killer on its mutant and prints what it did.

::

    mutant     what a mutant and a killer are
    table/     all of them, by what they protect
    hook       loads the changed source in place of the real one; tests/settings.py installs it
    verdicts   a pytest plugin that writes down how each test ended, and by which error
    databases  which databases there are, and which of them a killer runs on
    runs       one pytest process for each mutant, database and settings
    page       docs/mutants.md, made from the table

Nothing here imports jobqueue: what is loaded cannot be changed any more.
"""
