"""What twenty people do at once."""

TWENTY = 20

#: Texts that a careless renderer takes long for; at most 8,000 characters of each may be posted.
HOSTILE = [
    "://" * 2600,
    "[" * 7900,
    "*a _b " * 1300,
    "> " * 3900,
    "|a" * 3900,
    "`" * 7999,
    "![](" * 1900,
]
