"""Whatever is typed, only the listed tags and attributes reach a page.

Two judges: Python's HTML parser lists what is there, and html5ever (in nh3), which reads as
browsers do, must read the same out of it again.
"""

from __future__ import annotations

import random
from html.parser import HTMLParser

import pytest

from chatapp.text import MAX_LENGTH, render
from chatapp.text.render import GROWTH_ALLOWANCE, MAX_GROWTH
from chatapp.text.sanitize import TAGS, sanitize

ALLOWED = {
    "a": {"href", "rel", "target"},
    "ol": {"start"},
    "p": {"class"},
    "pre": {"tabindex"},
    "span": {"class"},
}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src onerror=x&gt;'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>@import 'http://evil'</style>",
    "<base href='//evil'><form action='//evil'><input name=q></form>",
    "<!--><script>alert(1)</script-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script/>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "</p></li></ol><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](<\x01javascript:alert(1)>)",
    "[x](\u00a0javascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1))",
    "[x](java%73cript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/x)",
    "[x](/sign-out)",
    "[x](http:evil)",
    "[x](https:\\\\evil.example)",
    '[x](http://a "onmouseover=alert(1)")',
    "[x](http://a' onmouseover='alert(1))",
    '[x](http://a"onmouseover="alert(1))',
    '[x](<http://a" onmouseover="alert(1)>)',
    "![x](http://evil/pixel.png)",
    '![x](x"onerror="alert(1))',
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    '<http://a"onmouseover=alert(1)>',
    'http://a"onmouseover="alert(1)',
    "http://a'onmouseover='alert(1)",
    "http://a/<script>alert(1)</script>",
    "https://a/`<img src=x onerror=alert(1)>`",
    "mailto:a@b.c?body=<script>alert(1)</script>",
    'mailto:a@b"onclick=alert(1)',
    '```"><script>alert(1)</script>\nx\n```',
    '```python" onclick="alert(1)\nx = 1\n```',
    "```<img/src=x/onerror=alert(1)>\nx\n```",
    "```html\n<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n```",
    "```../../../etc/passwd\nx\n```",
    "~~~js\n</code></pre><script>alert(1)</script>\n~~~",
    "`<script>alert(1)</script>`",
    "# <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "1. <script>alert(1)</script>",
    "<div style='background:url(javascript:alert(1))'>",
    "a\u2028<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<a\x0bhref=javascript:alert(1)>",
    "<x" + " a" * 500 + " onclick=alert(1)>",
]


class Judge(HTMLParser):
    """Collect what does not belong into a message."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(tag)
        for name, value in attrs:
            if name not in ALLOWED.get(tag, set()):
                self.faults.append(f"{tag} {name}")
            if name == "href" and not (value or "").lower().startswith(
                ("http://", "https://", "mailto:")
            ):
                self.faults.append(f"href {value}")
        if tag == "a" and dict(attrs).get("rel") != "nofollow noopener noreferrer":
            self.faults.append("a without rel")
        if tag not in {"br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"unbalanced {tag}")

    def handle_comment(self, data: str) -> None:  # noqa: ARG002
        self.faults.append("comment")

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002
        self.faults.append("declaration")

    def handle_pi(self, data: str) -> None:  # noqa: ARG002
        self.faults.append("instruction")


def faults_in(html: str) -> list[str]:
    judge = Judge()
    judge.feed(html)
    judge.close()
    if html != sanitize(html):
        judge.faults.append("a browser reads it otherwise")
    return judge.faults + [f"left open {tag}" for tag in judge.open]


def test_the_judge_sees_what_it_must() -> None:
    for html in ["<script></script>", "<p onclick='x'></p>", "<a href='javascript:x'></a>", "<p>"]:
        assert len(faults_in(html)) > 1


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_text_is_inert(source: str) -> None:
    assert faults_in(render(source)) == []


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_text_is_inert_within_other_marks(source: str) -> None:
    for around in ("**{}**", "> - {}", "[{}](http://a)", "a `{}", "```html\n{}\n```", "*a [b {}"):
        assert faults_in(render(around.format(source))) == []


@pytest.mark.parametrize("source", HOSTILE)
def test_the_sanitiser_alone_stops_raw_html(source: str) -> None:
    assert faults_in(sanitize(source)) == []


def test_random_marks_stay_inert_and_bounded() -> None:
    pieces = [
        *"*_`~[]()<>!#>&\\\n \"'=:/|-+.1a\té",
        *("```", "http://a.b", "](", "<a href=", "javascript:", "onerror=", "</p>", "&lt;", "- "),
        *("> ", "mailto:a@b.c", "<!--", "-->", "<script>", "```js\n", "\n\n", "**", "~~", "😀"),
    ]
    chance = random.Random(2)
    for _ in range(400):
        source = "".join(chance.choices(pieces, k=chance.randrange(1, 60)))
        html = render(source)
        assert faults_in(html) == [], source
        assert len(html) <= MAX_GROWTH * len(source) + GROWTH_ALLOWANCE, source


PATHOLOGICAL = [
    *("[", "[[[[a", "](", "[a](", "[a](http://b)", "[a](((((", "![", "*", "**a ", "*a_", "**a *b "),
    *("_", "~", "~~a ", "`", "``a`b", "```\n", "```js\n(", "> ", "> a\n", ">>>>>>>>>>a\nb\n", "- "),
    *(
        "- a\n",
        "* a\n  * b\n",
        "- > ",
        "1) a\n2. b\n",
        "#\n",
        "# a\n",
        "---\n",
        "\\",
        "&#",
        "&amp;",
    ),
    *(
        "://",
        "http://",
        "http://a ",
        "a@a@",
        "mailto:",
        "<http://a>",
        "<a",
        "<!--",
        "|a",
        "\n",
        " ",
    ),
    *("a|b\n-|-\n", "[a]: b\n", "x  \n", "😀", "\u0301", "(", '"', "http://a(", "http://a.)", "'"),
]


@pytest.mark.parametrize("pattern", PATHOLOGICAL)
def test_pathological_text_at_the_cap_is_whole_and_bounded(pattern: str) -> None:
    source = (pattern * MAX_LENGTH)[:MAX_LENGTH]
    html = render(source)
    assert faults_in(html) == []
    assert len(html) <= MAX_GROWTH * MAX_LENGTH + GROWTH_ALLOWANCE
