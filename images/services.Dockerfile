# The services that tests and the demo talk to, Redis and Memcached, and what stands before them (twemproxy, which Debian calls
# nutcracker) and before instances (nginx); never published beyond loopback.
ARG BASE
FROM ${BASE}
USER root
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends redis-server memcached nutcracker nginx-light sasl2-bin libsasl2-modules openssl iptables procps \
 && rm -rf /var/lib/apt/lists/*
