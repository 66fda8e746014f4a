"""MovieLens writes "Usual Suspects, The (1995)"; people say "The Usual Suspects"."""

import re

# Articles that MovieLens moves behind the comma. A closed list, because "Paris, France" must stay as it is.
_ARTICLES = "The|A|An|La|Le|Les|L'|Il|Lo|Gli|El|Los|Las|Un|Une|Una|Der|Die|Das|Det|Den|De|En|Et|O|Os|I"
_MOVED = re.compile(rf"^(?P<rest>.+), (?P<article>{_ARTICLES})$")
_YEAR = re.compile(r"^(?P<title>.*?)\s*\((?P<year>\d{4})(?:[-–]\d{0,4})?\)\s*$")
_GROUP = re.compile(r"\(([^()]*)\)")


def article_first(title: str) -> str:
    """The article back in front, also in parentheses: "Postino, Il (Postman, The)" -> "Il Postino (The Postman)"."""

    def front(text: str) -> str:
        moved = _MOVED.match(text.strip())
        if not moved:
            return text
        gap = "" if moved["article"].endswith("'") else " "
        return f"{moved['article']}{gap}{moved['rest']}"

    main, bracket, others = title.partition(" (")
    alternatives = _GROUP.sub(lambda m: f"({front(m[1])})", bracket + others)
    return " ".join(f"{front(main)}{alternatives}".split())


def split_year(title: str) -> tuple[str, int | None]:
    """ "Heat (1995)" -> ("Heat", 1995); a span "(2006–2007)" gives its first year; no year gives None."""
    found = _YEAR.match(title)
    return (found["title"], int(found["year"])) if found else (" ".join(title.split()), None)
