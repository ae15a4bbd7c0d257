"""Secrets in running text, told by their form: what an exception quotes, an address, a header."""

from __future__ import annotations

import re

__all__ = ["REDACTED", "may_hold_secrets", "scrub"]

REDACTED = "[redacted]"

# The longer ones wherever a name ends with them, such as DB_PASSWORD and operator_key.
_WORDS = (
    r"\b(?:pass|pwd|signature|auth)|password|passwd|passphrase|passcode|token|secret|credentials?|"
    r"cookie|(?:api|access|private|signing|account|shared|operator|masking)[_-]?key"
)
# Where notifications are sent to, whoever knows the address may send too.
_NOTIFIERS = (
    r"discord|slack|tgram|telegram|pover|pbul|pushbullet|gotifys?|matrixs?|mmosts?|msteams|workflows?|rockets?|"
    r"ifttt|twilio|zulip|wxteams|guilded|ntfys?|pagerduty|opsgenie|signals?|join|spontit|bark|"
    r"mailtos?|sendgrid|mailgun"
)
_FORMS = (
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)"
            r"(?:(?:bearer|basic|digest|token|apikey)\s+)?[^\s,;'\"]{1,4000}"
        ),
        rf"\1{REDACTED}",
    ),
    # A pair of a header's name and value, as libraries show them.
    (
        re.compile(r"(?i)\b((?:authorization|cookie|x-api-key)['\"]\s*,\s*b?)(\"[^\"]*\"|'[^']*')"),
        rf"\1{REDACTED}",
    ),
    # A word of small letters alone is one of a sentence: "basic information".
    (
        re.compile(
            r"\b((?i:bearer|basic))\s+(?=[a-z]*(?:[\dA-Z_~+/=-]|\.\w)|[a-z]{16})[\w.~+/=-]{6,}"
        ),
        rf"\1 {REDACTED}",
    ),
    # user:password@ and token@ before a host.
    (
        re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s:/@'\"]{0,200}):[^\s@/'\"]{1,200}@"),
        rf"\1:{REDACTED}@",
    ),
    (
        re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[\w~%+=-]{16,200}@"),
        rf"\1{REDACTED}@",
    ),
    (re.compile(rf"(?i)\b({_NOTIFIERS})://[^\s'\"<>]+"), rf"\1://{REDACTED}"),
    (re.compile(r"(?i)(/webhooks?(?:/v\d+)?/)[^\s'\"<>]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(hooks\.slack\.com/\w+/)[^\s'\"<>]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)(/bot)\d{5,}:[\w-]{20,}"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(hc-ping\.com/|ping\.\w+\.\w+/)[^\s'\"<>]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)([?&;](?:key|code|t|auth|k|sid|sig)=)[^\s&;#'\"<>]+"), rf"\1{REDACTED}"),
    (
        re.compile(rf"(?i)({_WORDS})(['\"]?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&'\"]+)"),
        rf"\1\2{REDACTED}",
    ),
    # A key of ours keeps its public part, by which it is found in `keys list`.
    (re.compile(r"\b(sw_[0-9a-f]{12}_)[\w-]{20,}"), rf"\1{REDACTED}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{5,}"), REDACTED),
)
# One of these is in every form above.
_MARKS = (
    "://",
    "token",
    "secret",
    "pass",
    "pwd",
    "key",
    "auth",
    "bearer ",
    "basic ",
    "sw_",
    "eyj",
    "/webhook",
    "/bot",
    "hooks.slack",
    "hc-ping",
    "ping.",
    "credential",
    "cookie",
    "signature",
    "?",
    "&",
    ";",
)


def scrub(text: str) -> str:
    """Running text without the secrets that can be told by their form.

    >>> scrub("GET https://ann:pa55@example.org/?api_key=123&x=1")
    'GET https://ann:[redacted]@example.org/?api_key=[redacted]&x=1'
    >>> scrub("POST https://discord.com/api/webhooks/123/abcDEF failed")
    'POST https://discord.com/api/webhooks/[redacted] failed'
    """
    for pattern, replacement in _FORMS:
        text = pattern.sub(replacement, text)
    return text


def may_hold_secrets(text: str) -> bool:
    """Whether text is worth a look by `scrub`; quick, for every line is asked."""
    # A word or two, such as a callsign, are no secret but where they are a key of ours.
    if f"_{text}".isidentifier() and "sw_" not in text:
        return False
    lower = text.lower()
    return any([mark in lower for mark in _MARKS])  # noqa: C419 - quicker than a generator
