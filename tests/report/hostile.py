"""Forty texts that a name, an id, an error or a log line may hold, each of which something obeys."""

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "<iframe src=javascript:alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<meta http-equiv=refresh content='0;url=http://evil.invalid'>",
    "<base href=http://evil.invalid/>",
    "<!--<script>alert(1)//-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "]]></failure><testcase name='x'/>",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&lt;b&gt;&bogus;&#0;",
    "{{ 7*7 }}{% raw %}${7*7}",
    "[/foo][link=http://evil.invalid]x[/link][bold red]",
    "[x](javascript:alert(1))",
    "![x](http://evil.invalid/x.png)",
    "<http://evil.invalid> http://evil.invalid www.evil.invalid",
    "@everyone #1 GH-1 owner/repo#2",
    "| a | b |\n|---|---|\n| c | d |",
    "```\n# heading\n```",
    "\n\n# heading\n\n- list\n\n> quote\n\n    code",
    "$\\text{x}$ ~~x~~ **b** __b__ `c`",
    "::error file=x::pwned",
    "\n::set-output name=x::y\n##[error]x",
    "%0A::warning::x\r\n::stop-commands::x",
    '=HYPERLINK("http://evil.invalid")',
    "\x1b[31mred\x1b]8;;http://evil.invalid\x07x\x1b]8;;\x07",
    "\x00\x01\x08\x0b\x0c\x0e\x1f\x7f\x85\x9b31m",
    "\u202egnp.exe\u2066\u2069\u200b\u200f\ufeff",
    "\u2028\u2029\ufffe\uffff\U0001fffe",
    "\ud800lone\udfff",
    "../../etc/passwd\0.png",
    '"""; import os; """',
    "x" * 100_000,
    "\u0300" * 500 + "Z\u0351\u036b\u0343" * 50,
]


def writable(text: str) -> str:
    """A lone surrogate cannot be in a record, which is UTF-8; all else can."""
    return text.encode("utf-8", "replace").decode()
