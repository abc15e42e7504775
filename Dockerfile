# The Slack pack for Flyte. Build: docker build -t flyte-slack .
# Run:  docker run -e FLYTE_API=... -e FLYTE_SLACK_TOKEN=... -v flyte-slack:/var/lib/flyte-slack flyte-slack

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /app
COPY requirements.lock .
RUN /app/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock
COPY . .
RUN /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
 && /app/bin/pip uninstall --yes --quiet pip \
 && /app/bin/python -m compileall -q /app/lib

FROM python:3.13-slim
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
