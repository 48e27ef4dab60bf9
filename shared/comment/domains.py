"""Tell domains from file names in a text, so that a bare one (`evil.example`) is no link where it is shown."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Not complete: a program that makes links of words knows these, too, or needs a scheme.
_GENERIC = (
    "com org net edu gov mil int info biz xyz top online site website club shop store space live icu vip work cloud pro tech digital"
    " dev onion example invalid arpa click fun host cyou rest bond buzz monster cfd sbs quest lol lat today world life agency center"
    " solutions services media network systems company blog"
)
_COUNTRIES = (
    "ae af ag al ao aq ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo bs bt bw by ca cf cg ch ci ck cl cm cn co cr cu cv cw cx cy"
    " cz de dj dk dm dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gq gr gt gu gw gy hk hm hn hr ht hu ie il"
    " im io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz lb li lk lr ls lt lu lv ly ma mc me mg mh mn mp mq mr mt mu mv mw"
    " mx my mz na ne nf ng ni nl no np nu nz om pe pf pg pn pr pt pw qa ro ru rw sa sb sd se sg si sk sl sm sn sr ss sv sx sy sz td tg"
    " th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz vc ve vg vn vu wf ws ye za zm zw"
)
_TOP = _words(f"{_GENERIC} {_COUNTRIES}")

#: Top-level domains that files end in as well: scripts, libraries, archives, sources, applications, locales.
_FILES_TOO = _words(
    "ac ad ai am app as ax bar br bz cab cc cd do gp gs id in la lc link md mk ml mm mo mov ms name nc nr pa ph pk pl pm ps py re"
    " rs sc sh so st tc tf va vi zip"
)
_SECOND = frozenset(("ac", "co", "com", "edu", "gov", "net", "org"))

#: What looks like a domain, and is a program or a library.
_NO_DOMAINS = _words(
    "asp.net ado.net vb.net microsoft.net system.net system.io socket.io java.net chcp.com command.com diskcomp.com diskcopy.com"
    " edit.com format.com graftabl.com keyb.com loadfix.com mode.com more.com tree.com win.com"
)

# A run is read once: the next one begins behind it.
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?:\.[\w-]++)++")


def defang_domains(text: str) -> str:
    """Write the dots of domains as `[.]`; names of files and versions stay as they are."""
    return _DOTTED.sub(_defang, text)


def _defang(found: re.Match[str]) -> str:
    name, whole = found[0], found.string
    before, behind = whole[found.start() - 1 : found.start()], whole[found.end() : found.end() + 1]
    return name.replace(".", "[.]") if _is_domain(name.lower(), before, behind) else name


def _is_domain(name: str, before: str, behind: str) -> bool:
    if name in _NO_DOMAINS:
        return False
    *labels, top = name.split(".")
    if top in _TOP or top.startswith("xn--"):
        return True
    if top not in _FILES_TOO:
        return False
    return (behind == "/" and before not in ("/", ".")) or (len(labels) > 1 and labels[-1] in _SECOND)
