# Doorward in a container: one binary, no shell script at start, not root, nothing written outside
# /data. Build with `docker build -t doorward .`

FROM rust:1.95-bookworm AS build
# `dist` makes a smaller, faster binary and takes longer to build.
ARG PROFILE=release
# What /metrics and `doorward version` say this was built from.
ARG DOORWARD_REVISION=unknown
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --profile "$PROFILE" --bin doorward && \
    install -D "target/$PROFILE/doorward" /out/usr/local/bin/doorward && \
    install -d -m 0700 /out/data

FROM debian:bookworm-slim
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/usr /usr
# A new volume takes over the owner of this directory.
COPY --from=build --chown=10001:10001 /out/data /data
ENV DOORWARD_DATA_DIR=/data \
    DOORWARD_SERVER__LISTEN=0.0.0.0:8080 \
    DOORWARD_MANAGEMENT__LISTEN=0.0.0.0:9464
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --start-interval=1s \
    CMD ["doorward", "healthcheck"]
ENTRYPOINT ["doorward"]
CMD ["serve"]
