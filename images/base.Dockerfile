# What images/Dockerfile starts from, made of a registry's Debian; scripts/images.sh bootstraps the same where there is none.
ARG DEBIAN
FROM ${DEBIAN}
ARG VERSION
RUN apt-get update -q \
 && apt-get install -yq --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 1000 cnb \
 && useradd --create-home --uid 1000 --gid 1000 --shell /bin/bash cnb
ENV CNB_USER_ID=1000 CNB_GROUP_ID=1000
LABEL io.buildpacks.base.distro.name=debian io.buildpacks.base.distro.version=${VERSION}
USER 1000:1000
