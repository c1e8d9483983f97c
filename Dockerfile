# The hub in a container: docker build -t arise . && docker run -p 5000:5000 -v arise:/data arise

FROM node:22-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
# The pages are built by npm in the course of the build.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p arise

FROM debian:bookworm-slim
# A hub over HTTPS is believed by the certificates of the system.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data arise && install -d -o arise -g arise -m 0750 /data
COPY --from=build /src/target/release/arise /usr/local/bin/arise
COPY packaging/container.sh /usr/local/bin/container.sh
ENV ARISE_DATA=/data
VOLUME /data
EXPOSE 5000
# Open requests are answered before it stops.
STOPSIGNAL SIGTERM
# It goes on as the user arise.
ENTRYPOINT ["container.sh"]
CMD ["serve"]
