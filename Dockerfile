# A container that holds the program and nothing else: docker compose run shardq …
FROM rust:1.95-alpine AS build
# The toolchain of the image rather than that of rust-toolchain.toml, which would be downloaded.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apk add --no-cache musl-dev ca-certificates
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM scratch
# For sslrootcert=system.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/shardq /shardq
# There is no user database here, so there is no default user name: set PGUSER, or pass -U.
ENTRYPOINT ["/shardq"]
