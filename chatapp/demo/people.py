"""Who is in the demo team: Ferrywise, a dozen people and a bot who sell tickets to islands."""

from __future__ import annotations

from typing import NamedTuple


class Person(NamedTuple):
    """One of the team; the rest of them is in what they say."""

    name: str
    display_name: str
    is_admin: bool = False


TEAM = (
    Person("ingrid", "Ingrid Solheim", is_admin=True),
    Person("mateus", "Mateus Carvalho"),
    Person("yuki", "Yuki Tanaka 田中由紀"),
    Person("amara", "Amara Okafor"),
    Person("noor", "Noor Haddad"),
    Person("priya", "Priya Raman"),
    Person("arjun", "Arjun Mehta"),
    Person("tomasz", "Tomasz Wiśniewski"),
    Person("liat", "Liat Ben-David"),
    Person("wei", "Wei Chen 陈伟"),
    Person("sofia", "Sofía de los Ángeles Herrera Rodríguez"),
    Person("kai", "Kai Kealoha"),
    Person("lighthouse", "Lighthouse"),
)

#: Whose sign-ins are printed, to try side by side: they share a direct message and most groups.
GUESTS = ("ingrid", "mateus")
