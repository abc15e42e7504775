# The Slack pack for Flyte. Build: docker build -t flyte-slack .
# Run:  docker run -e FLYTE_API=... -e FLYTE_SLACK_TOKEN=... -v flyte-slack:/var/lib/flyte-slack flyte-slack

# Everything that pip downloads is locked by hash. Pin the base image too, by the digest that
# `docker buildx imagetools inspect python:3.13-slim` shows:
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:... -t flyte-slack .
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /app && python -m venv /build
COPY requirements.lock requirements-build.lock requirements-sbom.lock ./
RUN /build/bin/pip --python /app install --require-hashes --requirement requirements.lock \
 && /build/bin/pip install --require-hashes --requirement requirements-build.lock --requirement requirements-sbom.lock
COPY . .
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels . \
 && /build/bin/pip --python /app install --no-deps --no-index /build/wheels/*.whl \
 && /app/bin/python -m compileall -q /app/lib \
 && /build/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml --output-file /app/sbom.cdx.json /app

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --user-group --no-create-home flyte-slack \
 && install --directory --owner=flyte-slack --group=flyte-slack --mode=0700 /var/lib/flyte-slack
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    FLYTE_SLACK_BACKUP_DIR=/var/lib/flyte-slack
USER 10001
VOLUME /var/lib/flyte-slack
EXPOSE 8090
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "import os, urllib.request; port = os.environ.get('FLYTE_SLACK_HTTP_PORT') or '8090'; urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f'http://127.0.0.1:{port}/live', timeout=4)"]
ENTRYPOINT ["flyte-slack"]
