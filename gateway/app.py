"""The only wiring: settings in, a WSGI application out."""

import ipaddress
from datetime import timedelta
from pathlib import Path

from flask import Flask

from gateway.api.front import WireFront
from gateway.api.routes import build_api_blueprint
from gateway.audit.keeping import keep_records
from gateway.audit.receipts import open_chain
from gateway.clock import Clock, SystemClock
from gateway.directory.authorization import Authorizer
from gateway.directory.passwords import HashingLimit
from gateway.fetch import Fetcher
from gateway.guard.route_file import load_routes
from gateway.key_files import load_or_make_keys
from gateway.oidc.key_cache import ProviderCache
from gateway.outbound import OutboundRules
from gateway.saml.selftest import check_xml_libraries
from gateway.services import Services
from gateway.settings import Settings
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from gateway.web.wiring import install_web


def create_app(settings: Settings, *, clock: Clock | None = None) -> Flask:
    """Check the XML libraries, migrate the database, read the keys, register both edges.

    Raises: ConfigError for anything that would fail at the first request otherwise.
    """
    check_xml_libraries()
    services = build_services(settings, clock or SystemClock())
    app = Flask(
        "gateway",
        template_folder=str(settings.templates_dir),
        static_folder=str(settings.templates_dir / "static"),
        static_url_path="/static",
    )
    app.extensions["ramgate"] = services
    protection = install_web(app, services)
    api = build_api_blueprint(services)
    protection.exempt(api)  # its answers are refusals; cookies count for nothing there
    app.register_blueprint(api)
    app.wsgi_app = WireFront(app.wsgi_app, services)  # type: ignore[method-assign]
    return app


def build_services(settings: Settings, clock: Clock) -> Services:
    store = Store(settings.database_url)
    upgrade(store)
    ring, own_keys = load_or_make_keys(settings.certs_dir, clock.now())
    open_chain(store, keep_records(store, lambda: ring, settings.var_dir), clock.now())
    fetcher = make_fetcher(settings)
    return Services(
        store=store,
        ring=ring,
        clock=clock,
        authorizer=Authorizer(clock),
        hashing=HashingLimit(threads=settings.threads),
        own_keys=own_keys,
        base_url=settings.base_url,
        role_sso_urn=settings.role_sso_urn,
        domain_suffix=settings.domain_suffix,
        relay_hosts=settings.relay_hosts,
        skew=timedelta(seconds=settings.skew_s),
        fetcher=fetcher,
        oidc_providers=ProviderCache(fetcher, clock, development=settings.development),
        trusted_proxies=tuple(ipaddress.ip_network(network) for network in settings.trusted_proxies),
        metadata_dir=settings.metadata_dir,
        metrics_token=settings.metrics_token,
        routes=load_routes(settings.routes_file),
        proxy_secret=settings.proxy_secret,
    )


def make_fetcher(settings: Settings) -> Fetcher:
    """Raises: ConfigError(CONFIG_INVALID) if the CA file can't be used."""
    rules = OutboundRules(
        tuple(map(ipaddress.ip_network, settings.outbound_networks)), development=settings.development
    )
    return Fetcher(rules, Path(settings.outbound_ca_file) if settings.outbound_ca_file else None)
