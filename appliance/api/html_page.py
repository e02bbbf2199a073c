"""Pages for people: plain HTML in one style, without scripts and without anything from elsewhere."""

import base64
import hashlib
import html

ICON = (
    '<svg class="icon" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="#1f4e5f"/>'
    '<path d="M6 26V14a10 10 0 0 1 20 0v12h-4V14a6 6 0 0 0-12 0v12z" fill="#f4efe6"/>'
    '<path d="M15 14h2v12h-2z" fill="#f2a541"/></svg>'
)

STYLE = """:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#f5f6f8;--card:#fff;--line:#d0d7de;--field:#858f99;
--blue:#1f58c7;--on-blue:#fff;--wrong:#b3261e;--good:#e7f1ff}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a4abb3;--paper:#15181c;--card:#1e2227;--line:#343a42;--field:#7d8690;
--blue:#8fb3ff;--on-blue:#10151d;--wrong:#ffa69e;--good:#1d2a40}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--ink);background:var(--paper);margin:0}
main{max-width:44rem;margin:0 auto;padding:1.5rem 1rem 4rem}
header{display:flex;align-items:center;gap:.6rem;max-width:44rem;margin:0 auto;padding:1rem 1rem 0;font-weight:600}
header form{margin-left:auto}
.icon{width:1.75rem;height:1.75rem;flex:none}
h1{font-size:1.6rem;line-height:1.25;margin:.2rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:1.4rem 0 .3rem}
p{margin:.4rem 0}
a{color:var(--blue)}
.soft,.hint{color:var(--soft)}
.hint{font-size:.9rem;margin:.15rem 0 .3rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.2rem;margin:1rem 0}
.card>:first-child{margin-top:0}
.narrow{max-width:26rem}
label{display:block;font-weight:600;margin:1rem 0 0}
input[type=hidden]:first-child+label,input[hidden]+label{margin-top:0}
button+.hint{margin-top:.6rem}
input,select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--field);border-radius:8px;
padding:.55rem .7rem;width:100%;margin-top:.25rem}
input[readonly]{color:var(--soft);border-style:dashed}
input[aria-invalid]{border-color:var(--wrong);border-width:2px}
.wrong{color:var(--wrong);font-weight:600;margin:.25rem 0 0;overflow-wrap:anywhere}
button{font:inherit;font-weight:600;color:var(--on-blue);background:var(--blue);border:1px solid var(--blue);border-radius:8px;
padding:.6rem 1.1rem;margin-top:1.2rem;min-height:2.75rem;cursor:pointer}
button.quiet{color:var(--blue);background:transparent;margin-top:0;padding:.35rem .9rem}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
pre{font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--card);border:1px solid var(--line);
border-radius:8px;
padding:.7rem .9rem;margin:.4rem 0;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all;-webkit-user-select:all}
pre.key{font-size:1rem;background:var(--good);border-color:var(--blue)}
.done{background:var(--good);border:1px solid var(--blue);border-radius:8px;padding:.6rem .9rem}
.buttons{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.2rem 0 0}
.buttons button{margin:0}
.qr svg{display:block;width:15rem;max-width:100%;border-radius:8px;margin:.8rem 0}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
ul.keys{list-style:none;padding:.2rem 1.2rem}
ul.keys li{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem 1rem;padding:.8rem 0;border-bottom:1px solid var(--line)}
ul.keys li:last-child{border-bottom:0}
ul.keys div{flex:1 1 16rem;min-width:0;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.3rem 1rem;margin:.4rem 0}
time{white-space:nowrap}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:right;padding:.4rem .8rem .4rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}
th:last-child,td:last-child{padding-right:0}
tfoot td,tfoot th{font-weight:600;border-bottom:0}
@media(max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}th,td{font-size:.9rem;padding-right:.6rem}
thead th{white-space:normal;vertical-align:bottom}}"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",  # an invitation's token stands in the address
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
}


def quoted(text: object) -> str:
    """For an element's text or an attribute in double quotes."""
    return html.escape(str(text))


def sentence(text: str) -> str:
    """An error's words as a sentence of a page, quoted."""
    return quoted(text[:1].upper() + text[1:].rstrip(".") + ".") if text else ""


def page(title: str, body: str, corner: str = "") -> str:
    """A whole page. `body` and `corner` (at the top right) are HTML; `title` is text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f'<title>{quoted(title)}</title><link rel="icon" type="image/svg+xml" href="/favicon.ico"><style>{STYLE}</style></head>'
        f"<body><header>{ICON}<span>Gatehouse</span>{corner}</header><main>{body}</main></body></html>"
    )


def notice(title: str, *paragraphs: str, link: tuple[str, str] | None = None) -> str:
    """A page that only says something; the paragraphs are text. `link`: where to go from there, and its words."""
    told = "".join(f"<p>{quoted(text)}</p>" for text in paragraphs if text)
    onward = f'<p><a href="{quoted(link[0])}">{quoted(link[1])}</a></p>' if link else ""
    return page(title, f'<section class="card"><h1>{quoted(title)}</h1>{told}{onward}</section>')


def pre(text: str, kind: str = "", label: str = "") -> str:
    """Lines to copy: a click selects all of them. They wrap where they are long, which is not copied."""
    named = f' aria-label="{quoted(label)}" role="group"' if label else ""
    marked = f' class="{kind}"' if kind else ""
    return f"<pre{marked}{named}>{quoted(text)}</pre>"


class Field:
    """One field of a form, with its label, and at it what was wrong."""

    def __init__(
        self,
        name: str,
        label: str,
        kind: str = "text",
        *,
        autocomplete: str = "off",
        hint: str = "",
        required: bool = True,
        more: str = "",
    ) -> None:
        self.name = name
        self._label = label
        self._kind = kind
        self._autocomplete = autocomplete
        self._hint = hint
        self._more = f"{' required' if required else ''} {more}".rstrip()

    def html(self, value: str = "", wrong: str = "", *, readonly: bool = False) -> str:
        """`wrong`: HTML of the reason why it was refused."""
        name = self.name
        told = [f"{name}-hint"] * bool(self._hint) + [f"{name}-wrong"] * bool(wrong)
        described = f' aria-describedby="{" ".join(told)}"' if told else ""
        state = (' aria-invalid="true" autofocus' if wrong else "") + (" readonly" if readonly else "")
        shown = f' value="{quoted(value)}"' if value else ""
        return (
            f'<label for="{name}">{quoted(self._label)}</label>'
            + (f'<p class="hint" id="{name}-hint">{quoted(self._hint)}</p>' if self._hint else "")
            + f'<input id="{name}" name="{name}" type="{self._kind}" autocomplete="{self._autocomplete}"'
            + f"{shown}{described}{state}{self._more}>"
            + (f'<p class="wrong" id="{name}-wrong" role="alert">{wrong}</p>' if wrong else "")
        )
