# The image for those who have a container engine. `make image` builds the same one without.
#
#   docker build --build-arg VERSION=$(git describe --tags --always --dirty) -t causeway .

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=devel
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
	go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /rootfs/causeway .
RUN mkdir -p /rootfs/etc/ssl/certs /rootfs/tmp && chmod 1777 /rootfs/tmp \
	&& cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
	&& printf 'root:x:0:\nnonroot:x:65532:\n' >/rootfs/etc/group \
	&& printf 'root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n' >/rootfs/etc/passwd

FROM scratch
ARG VERSION=devel
LABEL org.opencontainers.image.title="causeway" \
	org.opencontainers.image.description="Mirrors the IPs of ready, annotated Pods into etcd" \
	org.opencontainers.image.source="https://github.com/causeway-io/causeway" \
	org.opencontainers.image.licenses="Apache-2.0" \
	org.opencontainers.image.version="$VERSION"
COPY --from=build /rootfs /
ENV PATH=/ SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/causeway"]
