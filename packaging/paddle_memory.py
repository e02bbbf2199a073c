"""What reading a page with PaddleOCR's models takes of memory, at most: `make test-paddle` ends with it."""

import resource

import numpy as np

from appliance.files.ocr import cascade
from tests.unit.files.scans import page


def main() -> None:
    one = page(dpi=200)
    image = np.full((2339, 1654), 255, np.uint8)
    image[: one.shape[0], : one.shape[1]] = one[: image.shape[0], : image.shape[1]]
    cascade.engines_of("paddleocr", ()).see(image)
    with open("/proc/self/status", encoding="ascii") as file:
        said = dict(line.split(":", 1) for line in file)
    print(f"figure files_paddle_memory_bytes {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024} bytes")
    print(f"figure files_paddle_address_space_bytes {int(said['VmPeak'].split()[0]) * 1024} bytes")


if __name__ == "__main__":
    main()
