"""`python -m tests.messages`: brings the catalogs of all languages up to date with the code, and compiles them."""

from __future__ import annotations

import argparse

from tests.messages.catalogs import as_mo, as_po, brought_up_to_date, file_of, languages, read
from tests.messages.code import ROOT, template
from tests.messages.mistakes import mistakes


def main() -> int:
    """Do it, say what is left to be translated, and return 1 when something is."""
    parser = argparse.ArgumentParser(prog="make messages", description=__doc__)
    parser.add_argument("languages", nargs="*", help="of these alone; one that there is not yet is begun")
    texts, left = template(), 0
    for language in parser.parse_args().languages or languages():
        catalog = brought_up_to_date(read(language), texts)
        for kind, content in (("po", as_po(catalog)), ("mo", as_mo(catalog))):
            path = file_of(language, kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        wrong = mistakes(catalog, texts)
        left += len(wrong)
        print(
            f"{language}: {len(texts)} texts, {len(wrong)} to be seen to in {file_of(language, 'po').relative_to(ROOT)}"
        )
        print("".join(f"  {each}\n" for each in wrong), end="")
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
