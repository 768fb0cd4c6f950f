"""Messages as they look: the marks that chat knows, and the ones that it leaves alone."""

from __future__ import annotations

from html import escape

import pytest

from chatapp.text import MAX_LENGTH, code, excerpt, parser, render
from chatapp.text.plain import as_plain, is_plain
from chatapp.text.render import _render_markdown

LINK = '<a href="{0}" target="_blank" rel="nofollow noopener noreferrer">{1}</a>'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("hello", "<p>hello</p>"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("# big", "<p><strong>big</strong></p>"),
        ("a\n---", "<p>a</p>\n<hr>"),
        ("a < b && c > d", "<p>a &lt; b &amp;&amp; c &gt; d</p>"),
        ("&copy; &amp;", "<p>&amp;copy; &amp;amp;</p>"),
        ("snake_case_name 2 * 3 * 4", "<p>snake_case_name 2 * 3 * 4</p>"),
        ("    four blanks", "<p>four blanks</p>"),
        ("|a|b|\n|-|-|", "<p>|a|b|<br>\n|-|-|</p>"),
        (r"\*not\*", "<p>*not*</p>"),
    ],
)
def test_marks(source: str, html: str) -> None:
    assert render(source).strip() == html


@pytest.mark.parametrize(
    ("source", "url", "rest"),
    [
        ("https://a.example", "https://a.example", ""),
        ("HTTP://a.example/B", "HTTP://a.example/B", ""),
        ("https://a.example/x_y_z*", "https://a.example/x_y_z", "*"),
        ("https://a.example/x.", "https://a.example/x", "."),
        ("https://a.example/a_(b)", "https://a.example/a_(b)", ""),
        ("https://a.example/x)", "https://a.example/x", ")"),
        ("https://a.example/?q=1#top!", "https://a.example/?q=1#top", "!"),
        ("https://bücher.example/ü", "https://bücher.example/ü", ""),
        ("https://a.example。", "https://a.example", "。"),
        ("mailto:a.b+c@d.example,", "mailto:a.b+c@d.example", ","),
    ],
)
def test_bare_addresses_become_links(source: str, url: str, rest: str) -> None:
    assert render(source).strip() == f"<p>{LINK.format(url, url)}{rest}</p>"


@pytest.mark.parametrize(
    "source", ["http://", "https:// x", "xhttp://a.b", "ftp://a.b", "a://b", "://", "a@b.example"]
)
def test_what_is_no_address_stays_text(source: str) -> None:
    assert "<a" not in render(source)


@pytest.mark.parametrize("unseen", ["\u200b", "\u202e", "\u00ad", "\U000e0041"])
def test_an_address_with_what_nobody_sees_is_no_link(unseen: str) -> None:
    address = f"https://a.example/{unseen}x"
    for source in (address, f"[x]({address})", f"[x](<{address}>)"):
        assert "<a " not in render(source)


def test_links_keep_their_words() -> None:
    assert render("[a **b**](https://c.example)").strip() == (
        f"<p>{LINK.format('https://c.example', 'a <strong>b</strong>')}</p>"
    )
    assert render("**https://c.example**").count("<a ") == 1
    assert render("[https://a.example](https://b.example)").count("<a ") == 1
    assert "<a" not in render("`https://c.example`")


def test_named_code_is_coloured_and_other_code_is_not() -> None:
    html = render("```python\ndef f(): return 'a' # why\n```")
    assert '<span class="k">def</span> <span class="nf">f</span>' in html
    assert '<span class="s">\'a\'</span> <span class="c"># why</span>' in html
    for language in ("", "nosuch", "text", "brainfuck"):
        html = render(f"```{language}\ndef f(): pass\n```")
        assert html.strip() == '<pre tabindex="0"><code>def f(): pass\n</code></pre>'


@pytest.mark.parametrize("language", sorted(set(code.LANGUAGES.values())))
def test_colours_change_no_character(language: str) -> None:
    source = 'class A { /* b */ "c" \'d\' 1.5 } # e\n\n-f\n+<g a="b">&amp;</g>'
    html = code.highlight(source, language, code.Allowance(pieces=1000, seconds=60))
    assert "<span" in html
    bare = html.replace("</span>", "")
    for name in set(code.CLASSES.values()):
        bare = bare.replace(f'<span class="{name}">', "")
    assert bare == escape(source, quote=False)


def test_long_code_is_shown_plain() -> None:
    assert "<span" in render("```json\n" + "[1]," * 100 + "\n```")
    html = render("```json\n" + "[1]," * 1100 + "\n```")
    assert "<span" not in html
    assert html.count("[1],") == 1100


def test_what_colouring_costs_is_charged_to_the_whole_message() -> None:
    allowance = code.Allowance(pieces=10, seconds=60)
    assert "<span" in code.highlight("1", "json", allowance)
    assert allowance.pieces < 10
    assert "<span" not in code.highlight("[1,2,3,4,5,6,7,8]", "json", allowance)
    assert "<span" not in code.highlight("1", "json", code.Allowance(pieces=10, seconds=-1))


@pytest.mark.parametrize("source", ["😀", "👍🏽", "👩‍👩‍👧 🇩🇪", "❤️", "1️⃣", "😀" * 12])
def test_emoji_alone_are_marked(source: str) -> None:
    assert render(source) == f'<p class="emoji-only">{source}</p>\n'


@pytest.mark.parametrize("source", ["😀 a", "1", "12", "#", "*", "😀" * 13, "a", "© 2026"])
def test_emoji_beside_text_are_not(source: str) -> None:
    assert "emoji-only" not in render(source)


@pytest.mark.parametrize(
    "source",
    [
        *(
            "a",
            "Hello, how are you?",
            "Wait… it's 5 o'clock – really!",
            "Привет",
            "你好",
            "a-b c; d.",
        ),
        *("It says: done", "at 10:30, or so", 'a "quoted" word', "x = (a + b) / 2 # not 100 %"),
        *("I see :)", "mailto: whom", "ann@host and/or bob", "a | b {c} ^d $5", "end:", "a:(b)"),
        *("so+so", "a (b) !", "http:", "C#", "a--b", "one .. two", "a: - b", "x:  1. y"),
    ],
)
def test_the_quick_way_gives_what_the_parser_gives(source: str) -> None:
    assert is_plain(source)
    assert render(source) == _render_markdown(source)


@pytest.mark.parametrize(
    "source",
    [
        "1. a",
        "- a",
        "a_b",
        "*a",
        "a\nb",
        "a <b",
        "a&b",
        "a ",
        " a",
        "http://a",
        "`a",
        "#a",
        "see http://a",
        "mailto:1@b",
        "a:b",
        "[a](b)",
        "a~",
    ],
)
def test_the_quick_way_is_not_taken_where_a_mark_may_be(source: str) -> None:
    assert not is_plain(source)


@pytest.mark.parametrize(
    "source",
    [
        "> " * 40 + "deep",
        "- " * 40 + "deep",
        "*a **b " * 30 + "b** a*" * 30,
        "[" * 3000,
        "a" + "*" * 3000 + "b",
        "# a\n" * 1500,
        "x" * (MAX_LENGTH + 1),
    ],
)
def test_what_is_too_much_is_shown_as_typed(source: str) -> None:
    assert render(source) == as_plain(source)


def test_plain_text_keeps_lines_and_escapes() -> None:
    assert as_plain("<a>\n'\"&") == "<p>&lt;a&gt;<br>'\"&amp;</p>\n"


def test_a_long_lively_message_is_within_the_budget() -> None:
    line = "Prose as people write it, *one* emphasis in a line, the next an item.\n- `x`, too\n"
    source = (line * 200)[:MAX_LENGTH]
    env = parser.steps()
    parser.markdown.parse(source, env)
    assert env["steps"] > parser.MAX_STEPS // 5
    assert "<em>" in render(source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("hello", "hello"),
        ("**a** _b_ ~~c~~ `d`", "a b c d"),
        ("# Title\n\n> quoted\n- item", "Title quoted item"),
        ("```python\nx = 1\n```", "x = 1"),
        ("see [the docs](https://a.example/b)", "see the docs"),
        ("https://a.example/x_(y)_z", "https://a.example/x_(y)_z"),
        ("snake_case 2 * 3", "snake_case 2 * 3"),
        ("one two three four", "one two three…"),
        ("x" * 30, "x" * 15 + "…"),
    ],
)
def test_excerpts(source: str, words: str) -> None:
    assert excerpt(source, 30 if len(words) > 15 and "…" not in words else 16) == words


def test_an_excerpt_is_never_longer_than_asked() -> None:
    for length in (1, 2, 10, 120):
        assert len(excerpt("a **b** c " * 800, length)) <= length
