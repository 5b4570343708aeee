# The servers that tests and the demo talk to; never published beyond loopback.
ARG BASE

# Redis and Memcached, and what stands before them (twemproxy, which Debian calls nutcracker) and before instances (nginx).
FROM ${BASE} AS services
USER root
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends redis-server memcached nutcracker nginx-light sasl2-bin libsasl2-modules openssl iptables procps \
 && rm -rf /var/lib/apt/lists/*

# What Debian 12 does not have: Valkey, and a Redis of today.
FROM ${BASE} AS newer-services
USER root
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends valkey-server redis-server \
 && rm -rf /var/lib/apt/lists/*
