"""The wildcards of ECR's filters: ``*`` stands for any run of characters, everything else for itself."""


def matches_wildcard(wildcard: str, text: str) -> bool:
    """True when ``text`` as a whole fits the pattern.

    Works through the literal pieces from left to right, so its cost is linear in both lengths.
    """
    first, *rest = wildcard.split("*")
    if not rest:
        return text == first
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in rest:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
