"""The texts of the admin in other languages: read from the code, put into catalogs, compiled, and checked.

`make messages` does it with nothing but Python; no GNU gettext has to be installed.
"""
