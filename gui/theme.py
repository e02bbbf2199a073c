"""Light and dark, following the system: colours through the palette, style sheets for named parts only."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Colours = dict[str, str]

LIGHT: Colours = {
    "bg": "#f4f5f8", "card": "#ffffff", "line": "#e1e4ea", "text": "#171b21", "dim": "#5b6572", "accent": "#2a62d9",
    "on_accent": "#ffffff", "soft": "#e6edfc", "warn": "#b4610b", "ok": "#157a48", "bad": "#c0342b",
}  # fmt: skip
DARK: Colours = {
    "bg": "#14171b", "card": "#1d2126", "line": "#30363e", "text": "#e9ebee", "dim": "#9ca6b2", "accent": "#7aa5ff",
    "on_accent": "#0d1526", "soft": "#25324d", "warn": "#f0a955", "ok": "#4cc38a", "bad": "#ff8078",
}  # fmt: skip

SHEET = """
#nav, #card, #bubble, #ticks {{ background: {card}; border: 1px solid {line}; border-radius: 10px; }}
#nav {{ border-width: 0 1px 0 0; border-radius: 0; outline: 0; }}
#nav::item {{ padding: 9px 12px; border-radius: 6px; margin: 1px 8px; color: {text}; border: 1px solid transparent; }}
#nav::item:selected {{ background: {soft}; color: {accent}; }}
#nav::item:focus {{ border: 1px solid {accent}; }}
#asked {{ background: {soft}; border: 1px solid {line}; border-radius: 10px; }}
#page {{ background: {bg}; }}
#dim {{ color: {dim}; }} #bad {{ color: {bad}; }} #warn {{ color: {warn}; }} #ok {{ color: {ok}; }}
#h1 {{ font-size: 17pt; font-weight: 600; }} #h2 {{ font-weight: 600; }} #big {{ font-size: 22pt; font-weight: 600; }}
#state {{ border-radius: 11px; padding: 3px 12px; font-weight: 600; border: 1px solid {line}; }}
#state[icon="running"] {{ color: {ok}; }} #state[icon="busy"] {{ color: {accent}; }}
#state[icon="degraded"] {{ color: {warn}; }} #state[icon="stopped"] {{ color: {dim}; }}
#button {{ background: {card}; color: {text}; border: 1px solid {line}; border-radius: 6px; padding: 6px 14px; }}
#button:hover, #button:focus {{ border-color: {accent}; }} #button:disabled {{ color: {dim}; }}
#primary {{ background: {accent}; color: {on_accent}; border: 1px solid {accent}; border-radius: 6px; padding: 6px 16px;
    font-weight: 600; }}
#primary:focus {{ border-color: {text}; }} #primary:disabled {{ background: {line}; border-color: {line}; color: {dim}; }}
#field {{ background: {card}; border: 1px solid {line}; border-radius: 6px; padding: 6px 8px; }}
#field:focus {{ border-color: {accent}; }}
#field[wrong="true"] {{ border-color: {bad}; }}
#button:checked {{ background: {soft}; border-color: {accent}; color: {accent}; }}
#button::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center; right: 7px; }}
#small {{ background: transparent; color: {accent}; border: 1px solid transparent; border-radius: 6px; padding: 3px 9px; }}
#small:hover, #small:focus {{ border-color: {accent}; }} #small:disabled {{ color: {dim}; }}
#danger {{ background: {bad}; color: {card}; border: 1px solid {bad}; border-radius: 6px; padding: 6px 16px; font-weight: 600; }}
#danger:focus {{ border-color: {text}; }} #danger:disabled {{ background: {line}; border-color: {line}; color: {dim}; }}
#choice::indicator {{ width: 8px; height: 8px; border: 4px solid {card}; border-radius: 8px; background: {card}; }}
#choice::indicator:unchecked {{ border: 1px solid {dim}; width: 14px; height: 14px; }}
#choice::indicator:checked {{ border-color: {accent}; }} #choice:focus {{ color: {accent}; }}
#check::indicator {{ width: 13px; height: 13px; border: 1px solid {dim}; border-radius: 3px; background: {card}; }}
#check::indicator:checked {{ background: {accent}; border-color: {accent}; }} #check:focus {{ color: {accent}; }}
#ticks::indicator {{ width: 13px; height: 13px; border: 1px solid {dim}; border-radius: 3px; background: {card}; }}
#ticks::indicator:checked {{ background: {accent}; border-color: {accent}; }} #ticks:focus {{ border-color: {accent}; }}
#ticks::item {{ color: {text}; }} #ticks::item:selected {{ background: {soft}; color: {text}; }}
#hint {{ background: {soft}; border: 1px solid {accent}; border-radius: 10px; }}
#clear, #rows {{ background: transparent; }}
#mono {{ font-family: monospace; background: {bg}; border: 1px solid {line}; border-radius: 6px; padding: 6px; }}
#mono:focus {{ border-color: {accent}; }}
#progress {{ background: {line}; border: 0; border-radius: 3px; }}
#progress::chunk {{ background: {accent}; border-radius: 3px; }}
#table {{ background: {card}; border: 1px solid {line}; border-radius: 10px; outline: 0; }}
#table:focus {{ border-color: {accent}; }}
#table QHeaderView {{ background: transparent; border: 0; }}
#table QHeaderView::section {{ background: transparent; color: {dim}; border: 0; border-bottom: 1px solid {line};
    padding: 7px 6px 7px 12px; }}
#table QScrollBar, #card QScrollBar, #ticks QScrollBar, #mono QScrollBar,
#rows QScrollBar {{ background: transparent; border: 0; width: 10px; margin: 2px; }}
#table QScrollBar::handle, #card QScrollBar::handle, #ticks QScrollBar::handle, #mono QScrollBar::handle,
#rows QScrollBar::handle {{ background: {line}; border-radius: 3px; min-height: 28px; }}
#table QScrollBar::handle:hover, #card QScrollBar::handle:hover, #ticks QScrollBar::handle:hover,
#mono QScrollBar::handle:hover, #rows QScrollBar::handle:hover {{ background: {dim}; }}
#table QScrollBar::add-line, #card QScrollBar::add-line, #ticks QScrollBar::add-line, #mono QScrollBar::add-line,
#rows QScrollBar::add-line, #table QScrollBar::sub-line, #card QScrollBar::sub-line, #ticks QScrollBar::sub-line,
#mono QScrollBar::sub-line, #rows QScrollBar::sub-line {{ width: 0; height: 0; }}
#table QScrollBar::add-page, #card QScrollBar::add-page, #ticks QScrollBar::add-page, #mono QScrollBar::add-page,
#rows QScrollBar::add-page, #table QScrollBar::sub-page, #card QScrollBar::sub-page, #ticks QScrollBar::sub-page,
#mono QScrollBar::sub-page, #rows QScrollBar::sub-page {{ background: transparent; }}
"""


_applied: Colours = LIGHT


def colours() -> Colours:
    """The set in force, for what is drawn by hand."""
    return _applied


def system_colours() -> Colours:
    return DARK if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT


def apply(app: QApplication, chosen: Colours | None = None) -> None:
    """Dress everything in one set: the system's, unless one is given."""
    global _applied
    chosen = _applied = chosen or system_colours()
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: "bg",
        QPalette.ColorRole.Base: "card",
        QPalette.ColorRole.Button: "card",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.PlaceholderText: "dim",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Link: "accent",
    }
    for role, name in roles.items():
        palette.setColor(role, QColor(chosen[name]))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(chosen["dim"]))  # a menu's items too
    app.setPalette(palette)
    app.setStyleSheet(SHEET.format(**chosen))


def follow(app: QApplication) -> None:
    apply(app)
    app.styleHints().colorSchemeChanged.connect(lambda _: apply(app))
