"""What the house knows at one moment: keys, names and policies, frozen. A request keeps the state it began with."""

import msgspec

from appliance.guardrails.policy_book import PolicyBook
from appliance.identity.key_table import KeyTable
from appliance.routing.names import Names


class State(msgspec.Struct, frozen=True):
    """One consistent view. A change makes a new one and swaps it in; nobody edits it."""

    keys: KeyTable
    names: Names
    policies: PolicyBook = PolicyBook()


class StateHolder:
    """The current state. Read it once a request; replacing a part is one assignment, so nobody sees half a change."""

    def __init__(self, state: State) -> None:
        self.current = state

    def publish_keys(self, keys: KeyTable) -> None:
        self.current = msgspec.structs.replace(self.current, keys=keys)

    def publish_policies(self, policies: PolicyBook) -> None:
        self.current = msgspec.structs.replace(self.current, policies=policies)

    def publish_names(self, names: Names) -> None:
        self.current = msgspec.structs.replace(self.current, names=names)
