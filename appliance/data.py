"""Where the data files that ship with the program lie: `models/`, `policies/`.

In a checkout they stand beside the package; in an installed wheel they are inside it (pyproject.toml puts them there).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder `name` of shipped data.

    Errors:  FileNotFoundError when the installation is incomplete.
    """
    for place in (_PACKAGE.parent / name, _PACKAGE / "data_files" / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the installation lacks its folder {name!r}; install Gatehouse again")
