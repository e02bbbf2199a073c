"""Whose certificates are believed: the system's authorities, and one more where a site has its own."""

import ssl

from appliance.home import CannotStart


def trusting(ca_file: str) -> ssl.SSLContext:
    """The context for connections to upstreams; `ca_file` is upstream_ca_file. Errors: CannotStart."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not ca_file:
        return context
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError as error:
        raise CannotStart(
            f"upstream_ca_file names {ca_file}, which holds no certificate in PEM form",
            "Write the authority's certificate there; it begins with -----BEGIN CERTIFICATE-----.",
        ) from error
    except OSError as error:
        raise CannotStart(
            f"upstream_ca_file names {ca_file}, which can't be read ({error.strerror})",
            "Check the path, and that the user who runs Gatehouse may read it.",
        ) from error
    return context
