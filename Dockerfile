# The service as an image: built in one stage, run in another that holds the program, the roots of trust for TLS and
# an unprivileged user. It needs a Postgres beside it (DATABASE_URL): none is embedded here.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
# Queries are checked against the data in .sqlx, so that building needs no database. The caches outlive a build, so a
# change of the source compiles this project and not its dependencies.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    SQLX_OFFLINE=true cargo build --release --locked --bin gtm \
    && cp target/release/gtm /usr/local/bin/gtm

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin gtm \
    && install -d -o gtm -g gtm -m 700 /data
COPY --from=build /usr/local/bin/gtm /usr/local/bin/gtm
USER gtm
# The key that signs the audit log, unless `audit.signing_key_file` says otherwise. Keep it with the database.
VOLUME /data
WORKDIR /data
ENV GTM_DATA_DIR=/data GTM_HTTP__BIND=0.0.0.0:8080 GTM_LOG__FORMAT=json
EXPOSE 8080
# The program answers to SIGTERM and is gone within 30 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD \
    ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["gtm"]
CMD ["serve"]
