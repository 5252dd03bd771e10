FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /pubsubd ./cmd/pubsubd

# Nothing but the binary: no shell, no root, nothing to write to.
FROM scratch
COPY --from=build /pubsubd /pubsubd
USER 65532:65532
EXPOSE 6379
HEALTHCHECK --interval=10s --timeout=4s CMD ["/pubsubd", "ping"]
ENTRYPOINT ["/pubsubd"]
