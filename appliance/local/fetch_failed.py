"""How fetching a model fails."""

from appliance.home import CannotStart


class FetchFailed(CannotStart):
    """The model did not come; the message says why, the fix how to mend it. No file that could be taken for it is there."""


class FetchCancelled(FetchFailed):
    """Somebody stopped it."""
