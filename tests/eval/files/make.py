"""Which files there are, by the groups in which they are judged: `python -m tests.eval.files.make FOLDER [SEED] [GROUP…]`.

The same seed gives the same bytes, whichever groups are asked for (as long as Pillow and zlib are the same).
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.eval.files import (
    clean,
    docx_places,
    hostile,
    image_places,
    made,
    pdf_beside,
    pdf_hidden,
    pdf_places,
    scans,
    text_places,
)
from tests.eval.files.made import MadeFile, Maker

MAKERS: dict[str, tuple[Maker, ...]] = {
    made.PDF_TEXT: (
        pdf_places.body_texts,
        pdf_places.many_pages,
        pdf_places.structures,
        pdf_beside.beside_the_page,
        pdf_hidden.hidden_texts,
    ),
    made.DOCX: (docx_places.body_texts, docx_places.every_part, docx_places.packages, docx_places.pictures),
    made.TEXTS: (text_places.encodings, text_places.tables, text_places.pages, text_places.wrong_names),
    made.IMAGE_TEXT: (image_places.properties, image_places.frames),
    made.SCAN_CLEAN: (scans.clean_scans, scans.pictures_in_pages),
    made.SCAN_HARD: (scans.hard_scans,),
    made.CLEAN: (clean.pdfs, clean.others, clean.scans),
    made.HOSTILE: hostile.MAKERS,
}


def files(seed: int, groups: Sequence[str] = ()) -> Iterator[MadeFile]:
    for group in groups or MAKERS:
        for maker in MAKERS[group]:
            yield from maker(random.Random(f"{seed} {maker.__module__} {maker.__name__}"))


if __name__ == "__main__":
    written = made.write(files(int([*sys.argv, "1"][2]), sys.argv[3:]), Path(sys.argv[1]))
    print(f"{len(written)} files with {sum(len(one.labels) for one in written)} values are in {sys.argv[1]}.")
