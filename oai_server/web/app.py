"""The Flask application: the OAI-PMH endpoint, pages for people, health."""

from __future__ import annotations

from flask import Flask
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import HTTPException

from oai_server.config import Settings
from oai_server.protocol.lists import Limits
from oai_server.protocol.provider import Provider
from oai_server.protocol.repository import Identity, MetadataFormat, StaleNode
from oai_server.protocol.tokens import Signer
from oai_server.store.engine import StoreError
from oai_server.store.repository import Store
from oai_server.web import endpoint, health, pages
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
    app.register_blueprint(health.blueprint(store))

    @app.errorhandler(StaleNode)
    @app.errorhandler(StoreError)
    def _unavailable(error: Exception) -> tuple[str, int, dict[str, str]]:
        """Say "later" in the way that harvesters understand: 503 and Retry-After in whole seconds."""
        if not isinstance(error, StaleNode):
            app.logger.error("%s", error)
        return (
            "The repository cannot answer just now.\n",
            503,
            {"Retry-After": "10", "Content-Type": "text/plain; charset=utf-8"},
        )

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
