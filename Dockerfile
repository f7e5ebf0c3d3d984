# An OAI-PMH repository: docker build -t oai-server .
# BASE is any image with Python 3.11 or later, its venv module and pip; both stages share it, for the virtual
# environment holds links to its interpreter.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
# For builders behind a package mirror.
ARG PIP_INDEX_URL
RUN python3 -m venv /app
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY metadata_formats metadata_formats
COPY oai_server oai_server
# Wheels alone: what would need a compiler fails here instead of bringing one along. pip itself stays behind.
RUN /app/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: '.[postgres]' \
    && /app/bin/pip uninstall --yes --quiet pip \
    && /app/bin/python -m compileall -q /app/lib

FROM ${BASE}
COPY --from=build /app /app
# The user's number is fixed, so that a volume keeps its owner from one image to the next.
RUN useradd --system --uid 10001 --user-group --home-dir /instance --shell /usr/sbin/nologin oai \
    && install --directory --owner oai --group oai --mode 0750 /instance
ENV PATH=/app/bin:$PATH \
    OAI_INSTANCE=/instance \
    OAI_BIND=0.0.0.0:8000 \
    PYTHONUNBUFFERED=1
USER oai
WORKDIR /instance
VOLUME /instance
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
# exec: gunicorn's master becomes the first process, gets the SIGTERM and ends its workers.
CMD ["sh", "-c", "oai-server init && exec oai-server serve"]
