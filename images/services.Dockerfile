# The services that the tests talk to: Redis and Memcached, never published beyond loopback.
ARG BASE
FROM ${BASE}
USER root
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends redis-server memcached sasl2-bin libsasl2-modules openssl iptables procps \
 && rm -rf /var/lib/apt/lists/*
