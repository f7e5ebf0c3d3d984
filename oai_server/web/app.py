"""The Flask application: the OAI-PMH endpoint, pages for people, health."""

from __future__ import annotations

from flask import Blueprint, Flask, Response
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from oai_server.config import Settings
from oai_server.protocol.lists import Limits
from oai_server.protocol.provider import Provider
from oai_server.protocol.repository import Identity, MetadataFormat, StaleNode
from oai_server.protocol.tokens import Signer
from oai_server.store.engine import StoreError
from oai_server.store.repository import Store
from oai_server.web import caching, endpoint, health, pages
from oai_server.web.admission import Admission
from oai_server.web.later import later
from oai_server.web.nodes import Nodes


def create_app(settings: Settings, formats: list[MetadataFormat]) -> Flask:
    """Return the application of one installation. It opens no connection before its first request."""
    app = Flask(__name__)
    app.config["MAX_FORM_MEMORY_SIZE"] = endpoint.LONGEST_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # GET, POST and HEAD, and nothing else
    # A redirect would lose harvesters (only 302 is known to all), and break identifiers with // in them.
    app.url_map.merge_slashes = False
    store = Store(settings.database_url)
    repository = store.harvest(formats)
    identity = Identity(
        settings.repository_name, settings.base_url, settings.admin_emails, settings.domain, settings.deleted_record
    )
    limits = Limits(
        settings.page_size, settings.identifiers_page_size, settings.page_bytes, int(settings.token_days * 86400)
    )
    signer = Signer(settings.keys)
    replicas = [Store(url).harvest(formats) for url in settings.replica_urls]
    described = settings.description.to_xml(), {spec: said.descriptions for spec, said in settings.sets.items()}
    nodes = Nodes(
        Provider(repository, identity, signer, limits, *described),
        [Provider(replica, identity, signer, limits, *described) for replica in replicas],
    )
    app.register_blueprint(endpoint.blueprint(nodes))
    app.register_blueprint(pages.blueprint(settings, store, repository))
    probes = health.blueprint(store)
    app.register_blueprint(probes)
    _guard(app, settings, probes)

    @app.after_request
    def _keep_nothing(response: Response) -> Response:
        """Forbid caches to guess: they would keep even errors."""
        response.headers.setdefault("Cache-Control", caching.ANEW)
        return response

    @app.errorhandler(StaleNode)
    @app.errorhandler(StoreError)
    def _unavailable(error: Exception) -> AnyResponse:
        if not isinstance(error, StaleNode):
            app.logger.error("%s", error)
        return later("The repository cannot answer just now: come again later.")

    @app.errorhandler(ParseException)
    @app.errorhandler(NoMoreData)
    def _broken(_: Exception) -> tuple[str, int, dict[str, str]]:
        """Refuse a body that breaks off or whose chunks are none; gunicorn then closes the connection."""
        return "400 Bad Request\n", 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(HTTPException)
    def _refused(error: HTTPException) -> tuple[str, int, dict[str, str]]:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            headers["Allow"] = ", ".join(allowed)
        return f"{error.code} {error.name}\n", error.code or 500, headers

    return app


def _guard(app: Flask, settings: Settings, probes: Blueprint) -> None:
    """Set bounds to how much at once, and how often, as the settings say; the probes have none."""
    if settings.rate_limit:
        from oai_server.web import rate  # a third of a second that nobody else need wait for

        rate.limit(app, settings.rate_limit, settings.rate_storage, probes)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    places = max(1, int(settings.threads * settings.busy_share))
    if places < settings.threads:
        app.wsgi_app = Admission(app.wsgi_app, places)  # type: ignore[method-assign]
