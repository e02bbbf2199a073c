"""`gatehouse-tray`: the desktop app. Arguments are read before Qt is loaded."""

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="gatehouse-tray", description="Gatehouse's desktop app: a tray icon and a window.")
    parser.add_argument("--no-tray", action="store_true", help="no icon: the window is the app")
    parser.add_argument("--hidden", action="store_true", help="start in the tray, without the window")
    parser.add_argument("--no-start", action="store_true", help="don't start the gateway where none runs")
    parser.add_argument("--announce", action="store_true", help=argparse.SUPPRESS)  # prints when the window is first painted
    chosen = parser.parse_args(arguments)
    try:
        from gui.desktop import run
    except ImportError as problem:
        print(f"Error: the desktop app's parts are missing: {problem}\nFix: pip install 'gatehouse[gui]'", file=sys.stderr)
        return 1
    return run(chosen)


if __name__ == "__main__":
    sys.exit(main())
