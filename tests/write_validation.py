"""Write docs/validation.md and docs/peer-mistakes.md anew: ``python tests/write_validation.py``.

expsim_panel must be importable: installed, or with the root of the checkout on PYTHONPATH.
"""

import peer_mistakes_page
import reference_cases

if __name__ == "__main__":
    for source in (reference_cases, peer_mistakes_page):
        source.PAGE.write_text(source.page(), encoding="utf-8", newline="\n")
        print(f"wrote {source.PAGE.name}")
