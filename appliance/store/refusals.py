"""Why the appliance refuses to start with the data it finds. Each says what is wrong and how to mend it."""

from appliance.home import CannotStart


class StoreRefused(CannotStart):
    """The data folder can't be used as it stands. Read by whoever starts the program, never by a caller."""


class DatabaseUnusable(StoreRefused):
    """The database's address or file is not one this version can work with."""


class SchemaTooNew(StoreRefused):
    """A newer Gatehouse has written this database."""


class MasterKeyUnavailable(StoreRefused):
    """The master key can't be had: missing, locked away, or readable by others."""


class MasterKeyWrong(StoreRefused):
    """There is a master key, but not the one that this vault was made with."""
