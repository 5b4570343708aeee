# The services that tests and the demo talk to, Redis and Memcached, and what stands before instances; never published beyond
# loopback.
ARG BASE
FROM ${BASE}
USER root
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends redis-server memcached nginx-light sasl2-bin libsasl2-modules openssl iptables procps \
 && rm -rf /var/lib/apt/lists/*
