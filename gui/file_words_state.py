"""A file's verdict and findings in plain words, without Qt."""

from gui.files_state import Files, Found, Item, Problem, Told
from gui.lines_state import Cell, Line
from gui.plain_text import one_line, sentences
from gui.rule_words_state import ACTIONS, action_title, begun, type_title

COLUMNS = ("File", "Verdict")
FOUND_COLUMNS = ("Found", "Where", "Policy")
VALUE_CHARACTERS_MAX = 200
UNREAD_TOLD_MAX = 4
KINDS = {
    "pdf": "PDF", "docx": "Word document", "png": "PNG image", "jpeg": "JPEG image", "webp": "WebP image", "tiff": "TIFF image",
    "bmp": "BMP image", "gif": "GIF image", "text": "Text", "csv": "CSV table", "markdown": "Markdown", "html": "HTML page",
}  # fmt: skip
# A marker, a word in the list, and its tone.
VERDICTS = {
    "clean": ("ready", "Nothing found", "ok"),
    "flagged": ("warned", "Something found", "warn"),
    "blocked": ("stopped", "Stopped", "bad"),
    "unreadable": ("unread", "Can't be read", "dim"),
}
WARNINGS = {
    "TYPE_MISMATCH": "Its name says something else than its content.",
    "JAVASCRIPT": "It carries JavaScript, which some readers run.",
}
PARTS = {
    "body": "in the text", "header": "in a header", "footer": "in a footer", "footnote": "in a footnote",
    "endnote": "in an endnote", "comment": "in a comment", "text box": "in a text box", "insertion": "in a tracked insertion",
    "deletion": "in a tracked deletion", "field": "in a form field", "annotation": "in an annotation",
    "attachment": "in an attachment", "metadata": "in its properties", "xml": "in hidden data",
    "alternative text": "in a picture's description", "picture": "in a picture", "link": "in a link's address",
    "script": "in a script", "bookmark": "in a bookmark",
}  # fmt: skip
DEEDS = {"tokenise": "Hidden"}  # shorter than in a policy: what comes back does so in chats
# What the person at this app does about it, where the gateway's own words are for programs.
FIXES = {
    "ENCRYPTED": "Type its password below.",
    "EMPTY_FILE": "Choose another one: it has no content.",
    "UNSUPPORTED": "Save it as PDF, Word document, image or text, and look into that.",
}
_WHAT_FOR = (
    "Drop PDFs, Word documents, images or texts here, or choose them. They are read on this machine, pictures too, and judged by "
    "the policy that holds for everyone. You see what was found and where it stands, and can save them without it. "
    "Nothing goes to a model, and the gateway keeps nothing."
)
CHOICE = (
    "Files that can be read (*.pdf *.docx *.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif *.txt *.csv *.md *.html *.htm);;"
    "All files (*)"
)
NOTHING_NEW = "These files are here already."
EMPTY = ("Look into files", _WHAT_FOR, "&Choose files…")


# One file, in the list and above its findings


def line(item: Item) -> Line:
    marker, text, tone = state(item)
    name = item.shown_name
    return Line(
        item.id,
        (
            Cell(name, about(item), hint=f"{name} · {one_line(item.path.parent, 240)}"),
            Cell(text, _note(item), marker=marker, tone=tone, hint=headline(item)),
        ),
    )


def about(item: Item) -> str:
    """What it is, and how large."""
    told = item.told
    kind = KINDS.get(told.kind or "", "") if told is not None else ""
    pages = f"{told.pages:,} pages" if told is not None and told.pages > 1 else ""
    return " · ".join(part for part in (kind, pages, size_words(item.size)) if part)


def size_words(size: int) -> str:
    if size < 1_000:
        return f"{size} bytes"
    for unit in ("kB", "MB", "GB"):
        size_in_unit = size / {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
        if size_in_unit < 999.5 or unit == "GB":
            return f"{size_in_unit:.0f} {unit}" if size_in_unit >= 9.95 else f"{size_in_unit:.1f} {unit}"
    raise AssertionError


def state(item: Item) -> tuple[str, str, str]:
    """A marker, a word, and its tone."""
    if item.step == "failed":
        return "failed", "Not looked into", "bad"
    if item.step == "waiting":
        return "", "Waiting", "dim"
    if item.step == "sending":
        return "working", f"Sending {round(item.sent * 100)}%", "dim"
    if item.step == "reading":
        return "working", "Reading…", "dim"
    assert item.told is not None
    return VERDICTS.get(item.told.verdict, ("warned", one_line(item.told.verdict, 30), "warn"))


def _note(item: Item) -> str:
    count = count_of(item.told) if item.step == "done" else 0
    return things(count) if count else ""


def count_of(told: Told | None) -> int:
    return len(told.findings) + told.findings_left_out if told is not None else 0


def things(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def headline(item: Item) -> str:
    """The verdict, as one says it."""
    told = item.told
    if item.step == "failed":
        return "The gateway didn't look into it"
    if item.step in ("waiting", "sending", "reading") or told is None:
        return {"waiting": "It waits for its turn", "sending": "It is being sent to the gateway on this machine…"}.get(
            item.step, "It is being read…"
        )
    found = things(count_of(told))
    if told.verdict == "clean":
        return "Nothing was found in it"
    if told.verdict == "blocked":
        return f"The policy stops it: {found}"
    if told.verdict == "unreadable":
        return "It can't be read" if told.error is None or not told.unread else "Not all of it can be read"
    return f"{begun(found)} in it"


def details(item: Item) -> str:
    """What follows from that, what is wrong, and the way out."""
    told = item.told
    if item.problem is not None:
        return sentences(item.problem.message, item.problem.fix)
    if told is None or item.step != "done":
        return ""
    told_parts = [
        _error(told.error, is_tried=bool(item.password)) if told.error is not None else _follows(told),
        _unread(told),
        *(WARNINGS.get(one, one_line(one, 60)) for one in told.warnings),
        f"{told.findings_left_out:,} more are not listed." if told.findings_left_out else "",
    ]
    return " ".join(part for part in told_parts if part)


def _follows(told: Told) -> str:
    if told.verdict == "clean":
        return ""
    if told.unread:
        return "There is no redacted version: nobody knows what stands in the parts that weren't read."
    if told.verdict == "blocked":
        return "A request with it would be refused. The redacted version has none of it."
    return "The redacted version has none of it."


def _error(error: Problem, *, is_tried: bool) -> str:
    if error.code == "ENCRYPTED" and is_tried:
        return "That password doesn't open it. Try another one."
    return sentences(error.message, FIXES.get(error.code) or error.fix)


def _unread(told: Told) -> str:
    if not told.unread:
        return ""
    more = f"; and {len(told.unread) - UNREAD_TOLD_MAX:,} more parts" if len(told.unread) > UNREAD_TOLD_MAX else ""
    return f"Not read: {'; '.join(one_line(one, 160) for one in told.unread[:UNREAD_TOLD_MAX])}{more}."


def judged_by(item: Item) -> str:
    """Which policy, and what read its pictures."""
    if item.told is None or item.step != "done" or item.told.kind is None:
        return ""
    names = " and ".join(f"{name}, version {version}" for name, _, version in _policies(item.policy))
    read_by = f"Its pictures were read by {one_line(item.told.engine, 120)}." if item.told.engine else ""
    return " ".join(part for part in (f"Judged by the policy {names}." if names else "", read_by) if part)


def _policies(policy: str) -> list[tuple[str, str, str]]:
    named = [one_line(one, 64).rpartition("@") for one in policy.split("+") if one]
    return [(name or version, at, version if name else "?") for name, at, version in named]


# Findings


def found_lines(told: Told | None) -> list[Line]:
    return [_found_line(place, one) for place, one in enumerate(told.findings)] if told is not None else []


def _found_line(place: int, one: Found) -> Line:
    title, where = begun(type_title(one.type)), where_words(one)
    hidden = f"nobody sees it: {one_line(one.hidden, 80)}" if one.hidden else ""
    tone = {"block": "bad", "mask": "accent", "tokenise": "accent", "flag": "warn"}.get(one.action, "dim")
    value = one_line(one.value, VALUE_CHARACTERS_MAX) if one.value is not None else ""
    sure = f"{round(one.score * 100)}% sure"
    hint = " · ".join(part for part in (one_line(one.type, 80), sure, one_line(one.detector, 80)) if part)
    return Line(
        str(place),
        (
            Cell(title, value or hidden or sure, hint=" · ".join(each for each in (title, value, hidden, hint) if each)),
            Cell(*where, hint=" ".join(part for part in where if part)),
            Cell(
                DEEDS.get(one.action) or action_title(one.action),
                tone=tone,
                hint=ACTIONS[one.action][1] if one.action in ACTIONS else "",
            ),
        ),
    )


def where_words(one: Found) -> tuple[str, str]:
    """The page, or the part where it belongs to none; and what there is to say of the place."""
    part = PARTS.get(one.part, f"in: {one_line(one.part, 40)}")
    name = f"“{one_line(one.name, 60)}”" if one.name else ""
    part = f"{part} {name}".strip() if not one.in_name else f"{part}, in its name"
    read = "read in a picture" if one.engine and one.part != "picture" else ""
    if not one.page:
        return begun(part), read
    beside = part if one.part != "body" else ""
    return f"Page {one.page:,}", ", ".join(each for each in (beside, read) if each)


def page_note(item: Item | None) -> str:
    """What stands where no page can be drawn."""
    told = item.told if item is not None else None
    if item is None or told is None or item.step in ("waiting", "sending", "reading"):
        return "Its pages are shown here when it is read." if item is not None and item.is_under_way else ""
    if told.error is not None and told.kind is None:
        return "There is no page to show."
    if not item.pages:
        return "This kind of file has no pages to show: the list says where each finding stands."
    return ""


def page_name(item: Item, page: int, marks: int) -> str:
    """For screen readers."""
    return f"Page {page:,} of {item.pages:,} of {item.shown_name}, {things(marks) if marks else 'no findings'} marked on it"


# All of them


def summary(files: Files) -> str:
    """How far it is; then how it came out."""
    whole, over = len(files.items), files.count("done", "failed")
    if not whole:
        return ""
    if over < whole:
        return f"{over:,} of {whole:,} files are read" if whole > 1 else ""
    verdicts = {name: sum(one.told is not None and one.step == "done" and one.told.verdict == name for one in files.items)
                for name in VERDICTS}  # fmt: skip
    told = [
        (verdicts["blocked"], "stopped by the policy"),
        (verdicts["flagged"], "with findings"),
        (verdicts["unreadable"], "unreadable"),
        (verdicts["clean"], "clean"),
        (files.count("failed"), "not looked into"),
    ]
    return ", ".join(f"{count:,} {word}" for count, word in told if count)


def saved_words(names: list[str], where: str, missing: list[tuple[str, str]]) -> tuple[str, str]:
    """What was saved, and what wasn't with the reason."""
    place = one_line(where, 200)
    done = "" if not names else f"Saved as {place}." if len(names) == 1 else f"{len(names):,} files are saved in {place}."
    told = [f"{one_line(name, 80)}: {one_line(why, 160).removesuffix('.')}." for name, why in missing[:3]]
    more = f" And {len(missing) - 3:,} more." if len(missing) > 3 else ""
    return done, f"Not saved: {' '.join(told)}{more}" if missing else ""


def saving_words(done: int, whole: int) -> str:
    return "The redacted file is being made…" if whole == 1 else f"{done:,} of {whole:,} redacted files are made…"


def without_words(left: list[Item]) -> str:
    """Of files that have no redacted version."""
    names = ", ".join(one.shown_name for one in left[:3])
    more = f" and {len(left) - 3:,} more" if len(left) > 3 else ""
    return f"There is no redacted version of {names}{more}: not all of it could be read."


def why_not_saved(item: Item | None, *, is_there: bool) -> str:
    if item is None or item.can_be_saved:
        return "" if is_there or item is None else "The gateway is stopped."
    return "There is no redacted version of a file that isn't read whole." if not item.is_under_way else "It isn't read yet."


def left_out_words(count: int, most: int) -> str:
    told = "1 file is" if count == 1 else f"{count:,} files are"
    return f"{told} left out: the page takes {most:,}. Clear it, and choose them again."


def no_findings(item: Item | None) -> str:
    """What stands where the list of findings is empty."""
    if item is None or item.is_under_way or item.told is None:
        return ""
    return "Nothing was found." if item.told.error is None else "Nothing is known of it."


def waiting_words(phase: str, waiting: int) -> str:
    """Why nothing goes on; empty where it does."""
    if phase == "running":
        return ""
    state = {"starting": "The gateway is starting…", "stopping": "The gateway is stopping…"}.get(phase, "The gateway is stopped.")
    return f"{state} {'Files that wait' if waiting else 'Files'} are read as soon as it runs."
