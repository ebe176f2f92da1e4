# The daemon as a container image; docs/operations.md says how to build and run it.
#
#   docker build --tag reconciler .
#
# An index or a certificate of your own reaches pip without staying in the image:
#
#   docker build --secret id=pip.conf,src=$HOME/.config/pip/pip.conf --secret id=ca.crt,src=… .
#
# where that pip.conf says `cert = /run/secrets/ca.crt`.

ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements-build.lock requirements-runtime.lock ./
# The program's own environment has no pip: one beside it installs there.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.crt,target=/run/secrets/ca.crt \
    python3 -m venv tools \
    && python3 -m venv --without-pip /opt/reconciler \
    && tools/bin/pip install --require-hashes --requirement requirements-build.lock \
    && tools/bin/pip --python /opt/reconciler/bin/python install --require-hashes --requirement requirements-runtime.lock
COPY pyproject.toml README.md ./
COPY reconciler reconciler
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && tools/bin/pip --python /opt/reconciler/bin/python install --no-deps --no-index dist/*.whl

FROM ${BASE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="reconciler" \
      org.opencontainers.image.description="Keeps Mailchimp audiences in step with the mailing lists of OTYS Go!" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="LicenseRef-Proprietary"
# A number instead of a name in USER, so that Kubernetes can tell that it is not root.
RUN useradd --no-log-init --no-create-home --home-dir /state --shell /usr/sbin/nologin \
        --uid 10001 --user-group reconciler \
    && install --directory --owner reconciler --group reconciler --mode 0700 /state \
    && install --directory /config
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
# From the root, config/reconciler.toml and state/ are the two volumes: every default is right as it is.
WORKDIR /
VOLUME ["/config", "/state"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# Not by way of the configuration: a mistake in a new one does not make the running daemon unhealthy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=4); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["reconciler"]
CMD ["run"]
