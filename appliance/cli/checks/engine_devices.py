"""Which processors an engine computes on: asked in a process of its own, for code that doesn't fit the processor ends it.

    python engine_devices.py llama_cpp|xllamacpp

prints [[description, kind], …], kind being CPU, GPU, IGPU (one that shares the machine's memory) or ACCEL (a faster library
for the processor). Imports nothing of the appliance, so that an engine can be tried before it is installed.
"""

import ctypes
import json
import sys

KINDS = ("CPU", "GPU", "IGPU", "ACCEL")  # ggml-backend.h, enum ggml_backend_dev_type


def llama_cpp() -> list[tuple[str, str]]:
    import llama_cpp  # noqa: F401 -- all of it must load, not only the library below
    from llama_cpp._ggml import libggml

    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_description.argtypes = libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    libggml.ggml_backend_dev_type.restype = ctypes.c_int
    devices = [libggml.ggml_backend_dev_get(number) for number in range(libggml.ggml_backend_dev_count())]
    return [
        (
            libggml.ggml_backend_dev_description(device).decode("utf-8", "replace").strip(),
            KINDS[libggml.ggml_backend_dev_type(device)],
        )
        for device in devices
    ]


def xllamacpp() -> list[tuple[str, str]]:
    import xllamacpp

    return [(device["description"].strip(), device["type"].name.rpartition("_")[2]) for device in xllamacpp.get_device_info()]


if __name__ == "__main__":
    print(json.dumps({"llama_cpp": llama_cpp, "xllamacpp": xllamacpp}[sys.argv[1]]()))
