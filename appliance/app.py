"""The composition root: settings in, a running house out. The only file that knows every room.

Read `Appliance.open` from top to bottom: rooms are built in the order in which they need each other.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from appliance import __version__
from appliance.api import anthropic as anthropic_api
from appliance.api import openai as openai_api
from appliance.api.addresses import Addresses
from appliance.api.admin.events import Feed
from appliance.api.admin.features import Features
from appliance.api.admin.overview import Overview, Parts
from appliance.api.admin.requests import LiveRequestFeeds, request_shown
from appliance.api.chat_surface import ChatSurface
from appliance.api.door import ASGIApp, Door
from appliance.api.exchange import Bounds
from appliance.api.files import FilesRoutes
from appliance.api.files_page import FilesPageRoutes
from appliance.api.join import JoinPage
from appliance.api.me import Me
from appliance.api.me_security import MeSecurity
from appliance.api.me_session import MeSessions
from appliance.api.operations import Operations
from appliance.api.raw import handlers
from appliance.api.responses import ResponsesRoutes
from appliance.api.uploaded import UploadedRoutes
from appliance.api.web import web_application
from appliance.clock import Clock
from appliance.data import data_folder
from appliance.files.confined import how_of
from appliance.files.pool import FilePool
from appliance.gateway.compliance import Compliance
from appliance.gateway.counting import VendorCounts
from appliance.gateway.deployment_facts import DeploymentFacts
from appliance.gateway.file_pages import FilePages
from appliance.gateway.file_references import FileReferences
from appliance.gateway.file_scans import FileScans
from appliance.gateway.files_as_text import FilesAsText
from appliance.gateway.guarding import Guarding
from appliance.gateway.images import Images
from appliance.gateway.live_requests import LiveRequests
from appliance.gateway.local_engine import LocalChat
from appliance.gateway.offers import Offers
from appliance.gateway.pipeline import Pipeline
from appliance.gateway.sending import Sender
from appliance.gateway.state import State, StateHolder
from appliance.gateway.stored_responses import StoredResponses
from appliance.gateway.uploaded_files import Keeping, UploadedFiles
from appliance.guardrails.policies import Policies
from appliance.guardrails.policy_book import EVERYONE
from appliance.home import Home
from appliance.identity.identity import Identity
from appliance.identity.key_format import well_formed
from appliance.identity.key_table import load_key_table
from appliance.identity.own_keys import OwnKeys
from appliance.identity.subject_names import subject_names
from appliance.lan.addresses import url_host
from appliance.lan.hosts import Hosts
from appliance.lan.lan import Lan
from appliance.local.changes import ModelChanges
from appliance.local.models import LocalModels
from appliance.local.tasks import Tasks
from appliance.local.vllm import Vllm
from appliance.metering import recent
from appliance.metering.ledger import Ledger
from appliance.metering.own_usage import OwnUsage
from appliance.metering.prices import Prices
from appliance.metering.reconcile.reconciliation import Reconciler
from appliance.metering.requests import Requests
from appliance.metering.retention import Retention
from appliance.routing.catalog import Catalog
from appliance.routing.connections import Connections
from appliance.routing.names import VLLM_PROVIDER, Names
from appliance.routing.router import Router
from appliance.settings import Settings
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.vault import Vault
from appliance.telemetry.activity import Activity
from appliance.telemetry.events import Events
from appliance.telemetry.logs import get_logger
from appliance.telemetry.metrics import Metrics
from appliance.upstream.client import HttpClient
from appliance.upstream.proxy import Proxies
from appliance.upstream.reach import Reach
from appliance.workers.launch import remove_leftovers

CIRCUIT_EVENT = "circuit"
_log = get_logger("app")

if TYPE_CHECKING:
    from appliance.guardrails.guard import Guard


def _make_guard() -> "Guard":
    from appliance.guardrails.house import make_guard  # numpy and RE2 with it: a fifth of a second that no start waits for

    return make_guard(well_formed)


class Appliance:
    """All rooms of one running appliance. Make it with `open`, inside the event loop; `close` it at the end."""

    settings: Settings
    database: Database
    ledger: Ledger
    router: Router
    client: HttpClient
    images: Images
    catalog: Catalog
    offers: Offers
    local_models: LocalModels
    stored_responses: StoredResponses
    uploaded_files: UploadedFiles
    vllm: Vllm
    tasks: Tasks
    identity: Identity
    guarding: Guarding
    files: FilePool
    policies: Policies
    retention: Retention
    lan: Lan
    door: Door
    events: Events
    asgi: ASGIApp
    join: ASGIApp
    _state: StateHolder
    stop_wanted: Callable[[], None] = staticmethod(lambda: None)  # called when somebody with the control token wants the end

    @classmethod
    async def open(
        cls, settings: Settings, home: Home, clock: Clock, environ: Mapping[str, str], control_token: str
    ) -> "Appliance":
        """Build every room.

        Errors:  CannotStart and its kin, where the machine or its files are not as they must be.
        """
        self = cls()
        self.settings = settings
        remove_leftovers()
        metrics = Metrics(__version__)
        self.database = Database(settings.database_url or home.database)
        await self.database.open()
        await migrate(self.database)
        vault = await Vault.open(self.database, home, settings.master_key_source, environ, clock)
        self.events = Events(first_id=clock.now_ms())
        self.catalog = Catalog(self.database, vault, clock, settings, environ, self.events)
        await self.catalog.open()
        self.ledger = Ledger(self.database.sqlite_path, synchronous=settings.ledger_synchronous, on_group=metrics.ledger_group)
        await self.ledger.start()
        activity = Activity()
        await recent.fill(activity, self.database, clock.now_ms(), settings.request_seconds_max)

        async with self.database.read() as connection:
            keys = await load_key_table(connection, vault)
        reach, proxies = Reach.for_provider(settings), Proxies.of(settings, environ)
        self.client = HttpClient(settings, reach, proxies, ca_file=settings.upstream_ca_file)
        await self.client.open()
        self.images = Images(settings, proxies)
        await self.images.open()
        self.local_models = LocalModels(settings, home, clock, metrics, self.events)
        self.tasks = Tasks(clock, self.events)
        self.vllm = Vllm(settings, home, clock, self.client, environ, self.events)
        self.vllm.refuse_names(model.id for model in self.local_models.offered())
        self.offers = Offers(settings, self.local_models, self.client, self.vllm, self.catalog)
        self.vllm.on_change = self._vllm_changed
        self.catalog.publish = self.offers.refresh
        self.catalog.on_provider_changed = self._provider_changed
        self.policies = Policies(self.database, clock, settings.guardrail_policy)
        await self.policies.open(data_folder("policies"))
        holder = self._state = StateHolder(State(keys, self.offers.names(), self.policies.book))
        self.policies.publish = holder.publish_policies
        self.policies.users = self.catalog.routes_under
        self.catalog.changes.policies = self.policies.names

        prices = Prices()

        def publish(names: Names) -> None:
            holder.publish_names(names)
            prices.expect(offer.kind for offer in names.providers)
            metrics.know_deployments(names.deployments())

        self.offers.publish = publish
        publish(holder.current.names)

        people = self.identity = await Identity.open(self.database, vault, clock, settings, holder.publish_keys)

        self.retention = Retention(
            self.database,
            clock,
            people.tenants.kept_times,
            kept_days=settings.requests_kept_days,
            kept_under=self.policies.kept_under,
        )

        hosts = Hosts(settings.allowed_hosts)
        self.lan = Lan(settings, home, environ, self.database, vault, clock, hosts)
        self.join = JoinPage(self.lan, hosts, settings, self.model_to_try)
        self.door = Door(_bounds(settings), holder, metrics, clock, hosts, requests_in_flight_max=settings.requests_in_flight_max)
        self.router = Router(DeploymentFacts(self.local_models, prices))
        self.router.on_breaker = self._told_of_breakers(metrics)
        live = LiveRequests(clock.now_ms(), request_shown)
        sender = Sender(self.client, LocalChat(self.local_models, metrics), self.images)
        self.guarding = Guarding(_make_guard)
        self.guarding.everyone = lambda: holder.current.policies.in_force([EVERYONE])
        self.policies.check = self.guarding.check
        pipeline = Pipeline(self.ledger, self.router, sender, prices, metrics, activity, live, self.guarding, settings)
        surface = ChatSurface(self.door, pipeline, request_seconds_max=settings.request_seconds_max)
        routes = (
            openai_api.OpenAIRoutes(surface).table()
            + anthropic_api.AnthropicRoutes(surface, VendorCounts(self.client).count).table()
        )
        self.stored_responses = StoredResponses(
            self.database, vault, clock, kept_hours=settings.responses_kept_hours, kept_max=settings.responses_kept_max
        )
        routes += ResponsesRoutes(surface, self.stored_responses).table()
        self.files = FilePool(how_of(settings), clock=clock)
        self.guarding.reads = self.files
        scans = FileScans(self.files, self.guarding, self.ledger, metrics)
        pipeline.as_text = FilesAsText(self.files)
        self.uploaded_files = UploadedFiles(self.database, clock, home.uploads, _keeping(settings))
        await self.uploaded_files.open()
        pipeline.references = FileReferences(self.uploaded_files, settings.files_bytes_max)
        routes += UploadedRoutes(self.door, self.uploaded_files, self.guarding.clean, settings.files_bytes_max).table()
        files = FilesRoutes(
            self.door, scans, people.tokens, self.guarding.clean, settings.files_bytes_max, control_token=control_token
        )
        routes += files.table() + FilesPageRoutes(files, FilePages(self.files)).table()
        raw = handlers(routes, self.door)
        listening = _Listening(settings, self.lan)
        overview = Overview(
            Parts(
                version=__version__,
                clock=clock,
                door=self.door,
                ledger=self.ledger,
                local_models=self.local_models,
                users=people.users,
                activity=activity,
                listening=listening,
                requests_in_flight_max=settings.requests_in_flight_max,
            )
        )
        feed = Feed(self.events, overview, clock, send_seconds_max=settings.send_seconds_max)

        def end_feeds() -> None:
            feed.end()
            live.end()

        self.door.on_drain = end_feeds
        self.lan.on_close = feed.end_remote
        own_keys, me_sessions = OwnKeys(self.database), MeSessions(people)
        services = {
            "clock": clock,
            "door": self.door,
            "settings": settings,
            "users": people.users,
            "sign_in": people.sign_in,
            "sessions": people.sessions,
            "second_factors": people.second_factors,
            "tokens": people.tokens,
            "tenants": people.tenants,
            "units": people.units,
            "people": people.people,
            "people_import": people.people_import,
            "invitations": people.invitations,
            "api_keys": people.api_keys,
            "service_accounts": people.service_accounts,
            "base_url": listening.base_url,
            "me": Me(me_sessions, own_keys, OwnUsage(self.database, clock), clock),
            "me_security": MeSecurity(me_sessions, people, own_keys),
            "addresses": Addresses(self.lan, settings, listening.base_url, self.model_to_try, own_keys),
            "guarding": self.guarding,
            "policies": self.policies,
            "compliance": Compliance(self.database, clock, self.policies),
            "subject_names": partial(subject_names, self.database),
            "lan": self.lan,
            "local_models": self.local_models,
            "vllm": self.vllm,
            "tasks": self.tasks,
            "catalog": self.catalog,
            "offers": self.offers,
            "connections": Connections(self.catalog, settings, environ, self.client, self.database, clock),
            "changes": ModelChanges(self.local_models, self.vllm, self.tasks, settings, home, self.database, clock),
            "control_token": control_token,
            "stored_responses": self.stored_responses,
            "features": Features(
                settings,
                self.local_models,
                vault.master_source,
                lambda: f"http://{settings.host}:{settings.port}",
                self.lan.open_urls,
                self.vllm,
                self.policies,
            ),
            "overview": overview,
            "requests": Requests(self.database),
            "reconciler": Reconciler(
                self.database, clock, lambda: {offer.name: offer.kind for offer in holder.current.names.providers}
            ),
            "live": LiveRequestFeeds(live, feed),
            "router": self.router,
            "feed": feed,
            "stop_wanted": self._stop_when_asked,
            "operations": Operations(self.ledger, self.local_models, metrics, self.door, self.guarding, __version__),
        }
        app = web_application(settings, routes, raw, services)
        self.asgi = self.door.around(cast(ASGIApp, app), raw)
        return self

    def _told_of_breakers(self, metrics: Metrics) -> Callable[[str, str, str], None]:
        def tell(deployment: str, state: str, why: str) -> None:
            metrics.circuit(deployment, is_open=state == "open")
            self.events.publish(CIRCUIT_EVENT, {"deployment": deployment, "state": state, "why": why})
            _log.warning("a deployment's circuit", deployment=deployment, state=state, why=why)

        return tell

    async def start(self) -> None:
        """Begin what runs by itself."""
        self.door.start()
        if not self.policies.book.is_idle:
            self.guarding.start()
        self.offers.start()
        await self.vllm.start()
        await self.lan.start()

    def model_to_try(self, allowed: list[str] | None = None) -> str | None:
        """A model's name for the lines that people paste; None where there is none yet. `allowed`: one of these, or that begins
        as one with `*` behind it."""
        names = [model.id for model in self._state.current.names.offered()]
        if allowed is not None:
            names = [name for name in names if any(fits(name, pattern) for pattern in allowed)]
        alias = self.settings.demonstration_alias
        return alias if alias in names else names[0] if names else None

    def _vllm_changed(self) -> None:
        """What a server that has ended did says nothing of the next one."""
        self.router.health.forget(VLLM_PROVIDER)
        self.offers.refresh()

    def _provider_changed(self, name: str) -> None:
        """What was learnt of it holds no longer: with a new credential it deserves a new try."""
        self.router.health.forget(name)
        self.offers.provider_changed(name)

    def _stop_when_asked(self) -> None:
        self.stop_wanted()

    async def close(self) -> None:
        """End everything, children and database included. Requests have been drained before."""
        self.offers.stop()
        await self.lan.close()
        await self.tasks.close()
        await self.local_models.close()
        await self.vllm.close()
        await self.files.close()
        await self.images.close()
        await self.client.close()
        await self.ledger.stop()
        await self.database.close()


def fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


class _Listening:
    """Where callers reach this appliance: this machine's own address, then the LAN's."""

    def __init__(self, settings: Settings, lan: Lan) -> None:
        self._lan = lan
        host = "localhost" if settings.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else url_host(settings.host)
        self._own = f"http://{host}:{settings.port}/v1"

    def urls(self) -> list[str]:
        return [self._own, *self._lan.open_urls()]

    def base_url(self) -> str:
        """For a link: where colleagues reach it, else this machine alone. Without a path."""
        return [*self._lan.open_urls(), self._own][0].removesuffix("/v1")

    def lan_on(self) -> bool:
        return self._lan.is_on


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        body_bytes_max=settings.body_bytes_max,
        header_bytes_max=settings.header_bytes_max,
        body_seconds_max=settings.body_seconds_max,
        send_seconds_max=settings.send_seconds_max,
        request_seconds_max=settings.request_seconds_max,
        keepalive_seconds=settings.keepalive_seconds,
        buffered_bytes_max=settings.buffered_bytes_max,
    )


def _keeping(settings: Settings) -> Keeping:
    return Keeping(
        settings.files_kept_days, settings.files_kept_max, settings.files_kept_bytes_max, settings.files_kept_total_bytes_max
    )
