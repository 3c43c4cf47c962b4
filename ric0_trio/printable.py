"""Text that a stranger chose, made safe to show: nothing in it moves a cursor or forges a line."""


def make_printable(text: str) -> str:
    """Escape every character of `text` that does not show as itself."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
