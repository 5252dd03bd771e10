# make            builds ./pubsubd
# make test       installs what the tests need, then vets and tests everything
# make fuzz       runs every fuzz target for FUZZTIME
# make soak       runs the ordering tests for a minute each
# make endure     runs the long forms of the tests from outside: hours
# make bench      compares with redis-server, about five minutes
# make pgo        profiles the server for the compiler anew, about five minutes
# make mutations  breaks pubsubd in many ways and holds that a case notices each
# make record     records the transcripts and screens anew from redis-server
# make release    builds the binaries for all systems into dist/

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    = 60s
MODULES     = conformance/clients/gomodules conformance/peers examples/chat bench/buses bench/starts
PLATFORMS   = linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64

.PHONY: build deps test lint fuzz soak endure bench pgo mutations record release clean

build:
	CGO_ENABLED=0 go build -trimpath -o pubsubd ./cmd/pubsubd

deps:
	./.ci/deps

lint:
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	go vet -tags faults ./server
	go vet -tags cpuprofile ./cmd/pubsubd
	go run $(STATICCHECK) ./...
	for m in $(MODULES); do (cd $$m && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

test: deps lint
	CGO_ENABLED=1 go test -race -timeout 20m ./...
	CGO_ENABLED=1 go test -race ./server -event-loops 0
	cd examples/chat && CGO_ENABLED=1 go test -race ./...
	cd bench/buses && go test ./... && go test -run '^$$' -bench . -benchtime 1x ./...
	cd bench/starts && go test ./...
	go test ./broker ./server ./internal/nowait -run 'Alloc|Sockets'

fuzz:
	./.ci/fuzz $(FUZZTIME)

soak: deps
	CGO_ENABLED=1 go test -race -count=1 -run 'TestOrder$$' ./broker -broker.duration=60s
	CGO_ENABLED=1 go test -race -count=1 -run 'TestStress$$' ./server -server.duration=60s

endure: deps
	go test ./conformance/bounds ./conformance/faults ./conformance/hostile ./conformance/security ./conformance/slow ./conformance/restart -p 1 -count=1 -soak -v -timeout 2h
	go test ./conformance -run 'TestCases|TestPassword$$' -count=1 -soak -v -timeout 1h
	go test ./conformance/order -count=1 -soak -v -timeout 4h
	CGO_ENABLED=1 go test -race ./conformance/order -count=1 -run 'TestOrder/pubsubd' -soak -v -timeout 4h
	go test ./conformance/soak -count=1 -soak -v -timeout 2h

bench:
	go run ./bench -quick

pgo:
	go run ./bench -quick -rounds 1 -duration 3s -cpuprofile cmd/pubsubd/default.pgo

mutations: deps
	go run ./conformance/mutations

record: deps
	go run ./conformance -record
	go test ./conformance/cli ./conformance/clients -count=1 -update

release:
	@mkdir -p dist
	@for p in $(PLATFORMS); do \
		os=$${p%-*} arch=$${p#*-} ext=; [ $$os = windows ] && ext=.exe; \
		echo "dist/pubsubd-$$p$$ext"; \
		GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o dist/pubsubd-$$p$$ext ./cmd/pubsubd || exit 1; \
	done

clean:
	rm -rf dist pubsubd
