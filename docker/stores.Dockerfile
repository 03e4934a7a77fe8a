# SPDX-License-Identifier: Apache-2.0
# The servers that fcache can store in, and the example API: one image for tests.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS dynalite
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && \
    apt-get install -y --no-install-recommends nodejs npm ca-certificates
# Certificates of a registry's proxy, if there is one; else the folder is empty.
COPY docker/ca/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
WORKDIR /opt/dynalite
RUN npm install --no-audit --no-fund --ignore-scripts dynalite@4.0.0

FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update && \
    apt-get install -y --no-install-recommends redis-server redis-sentinel redis-tools \
        memcached nodejs python3-fastapi python3-uvicorn curl && \
    rm -rf /var/lib/apt/lists/*
COPY --from=dynalite /opt/dynalite /opt/dynalite
COPY docker/api /opt/api
COPY docker/stores /opt/stores
USER nobody
WORKDIR /tmp
