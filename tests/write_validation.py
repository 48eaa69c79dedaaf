"""Write docs/validation.md anew: ``python tests/write_validation.py`` where expsim_panel can be imported."""

from reference_cases import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    print(f"wrote {PAGE.name}")
