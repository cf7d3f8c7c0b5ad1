# make help lists the targets.
SHELL := /bin/bash
GO    ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -X main.version=$(VERSION)
# What workers do most, by which the compiler decides what to inline (make profile).
PGO     := -pgo=bench/weir.pgo
SUDO  := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What a fresh Debian 12 lacks: DPDK and libpcap to build, the judges that tests ask.
BUILD_DEPS := gcc libc6-dev pkg-config libdpdk-dev libpcap-dev
VM_DEPS    := qemu-system-x86 busybox-static cpio kmod nginx-light curl unbound bind9-dnsutils procps sip-tester
TEST_DEPS  := bash-completion tshark nfdump tcpdump iproute2 iputils-ping zstd rsyslog rsyslog-openssl python3-zmq protobuf-compiler kcat redis-server lua5.1

IMAGE_DEPS := mmdebstrap squashfs-tools cryptsetup-bin dosfstools mtools fdisk grub-common rauc openssl zstd systemd \
  qemu-system-x86 qemu-utils ovmf nfdump iproute2

.PHONY: help deps build install test short lint race fuzz bench bench-deps bench-linerate bench-collect profile demo docs clean vm-deps vm-test \
  integration subscribers server-deps kafka elasticsearch opensearch clickhouse \
  reload-test alerts-test image-deps image image-lock image-test image-test-full

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

deps: ## install what a fresh Debian 12 lacks (apt-get, as root or with sudo)
	@missing=; for p in $(BUILD_DEPS) $(TEST_DEPS); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] || { $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; }

build: deps ## build bin/weir
	$(GO) build $(PGO) -ldflags '$(LDFLAGS)' -o bin/weir ./cmd/weir

install: ## install bin/weir, its units and users below DESTDIR; a configuration that is there stays
	install -D -m 755 bin/weir $(DESTDIR)/usr/bin/weir
	for f in $$(cd configs/lib && find . -type f); do install -D -m 644 configs/lib/$$f $(DESTDIR)/usr/lib/$$f; done
	[ -e $(DESTDIR)/etc/weir/weir.toml ] || install -D -m 640 configs/weir.toml $(DESTDIR)/etc/weir/weir.toml
	@[ -n "$(DESTDIR)" ] || { systemd-sysusers && chgrp -R weir /etc/weir && systemctl daemon-reload; }

# Packages whose tests bind DPDK or libpcap with cgo, and are others without.
BINDS = $(GO) list -test -f '{{.ForTest}} {{.Deps}}' ./... | grep -E '^[^ ].*/nic/(dpdk|filter)' | cut -d' ' -f1 | sort -u

test: deps lint ## all tests, with DPDK and without
	$(GO) test -p 1 -timeout 20m ./...
	CGO_ENABLED=0 $(GO) vet ./...
	CGO_ENABLED=0 $(GO) test -p 1 -timeout 20m $$($(BINDS))
	$(GO) build -tags nodpdk -o /dev/null ./cmd/weir

lint: ## gofmt, vet and staticcheck
	@out=$$(gofmt -l .); [ -z "$$out" ] || { echo "gofmt: run gofmt -w on:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

SERVER_DEPS := maven openjdk-17-jre-headless python3-venv clickhouse-server

server-deps: ## install what real servers of Kafka, Elasticsearch, OpenSearch and ClickHouse need
	$(MAKE) deps TEST_DEPS="$(TEST_DEPS) $(SERVER_DEPS)"

integration: server-deps kafka elasticsearch opensearch clickhouse ## the sinks with real servers, which it fetches (1.1 GB)
	WEIR_INTEGRATION=1 $(GO) test -timeout 40m -v -run 'KafkaBroker|Elasticsearch|OpenSearch|ClickHouse(Old|New|Columns|Dashboard)' \
	  ./export/sink

SUBSCRIBER_DEPS := osmo-ggsn freeradius freeradius-utils

subscribers: ## users of a real mobile network in network namespaces, and of a real RADIUS server: who is who, tracking
	$(MAKE) deps TEST_DEPS="$(TEST_DEPS) $(SUBSCRIBER_DEPS)"
	WEIR_SUBSCRIBERS=1 $(GO) test -timeout 20m -v -run 'TestTrackUser|TestRealRADIUS|TestLoad' ./cmd/weir ./ctrlplane/subscriber

# Servers come from Maven's and Python's registries, as the settings of mvn and pip say. They need java 17.
MAVEN_DEPENDENCY := org.apache.maven.plugins:maven-dependency-plugin:3.6.1
SERVERS := export/sink/testdata

kafka: out/kafka ## fetch a broker of Apache Kafka
out/kafka: $(SERVERS)/kafka/pom.xml
	mvn -q -B -f $< $(MAVEN_DEPENDENCY):copy-dependencies -DoutputDirectory=$(CURDIR)/$@/lib && touch $@

elasticsearch opensearch: %: out/% ## fetch a node of Elasticsearch, of OpenSearch
out/elasticsearch out/opensearch: out/%: $(SERVERS)/%/pom.xml
	mvn -q -B -f $< $(MAVEN_DEPENDENCY):unpack-dependencies -DoutputDirectory=$(CURDIR)/$@ && touch $@

clickhouse: out/clickhouse ## fetch the engine of a recent ClickHouse; Debian's, of 2018, is a package
out/clickhouse: $(SERVERS)/clickhouse/requirements.txt
	python3 -m venv $@ && $@/bin/pip install -q -r $< && touch $@

race: ## the tests of the concurrent parts under the race detector
	$(GO) test -race -p 1 ./dataplane/ring/... ./export/... ./ctrlplane/...

vm-deps: deps ## install what the emulated machine needs
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(VM_DEPS)

vm-test: vm-deps build ## the tests that want a kernel with SCTP and netem (TestKernel...), in an emulated machine
	@set -e; mkdir -p out/vm; for d in $$(grep -rl --include='*_test.go' '^func TestKernel' . | xargs -n1 dirname | sort -u); do \
	  test=$(CURDIR)/out/vm/$$(echo $$d | tr -c 'a-z\n' _).test; $(GO) test -c -o $$test $$d; \
	  (cd $$d && $(CURDIR)/bench/vm/run env WEIR=$(CURDIR)/bin/weir $$test -test.v -test.run '^TestKernel'); done

image-deps:
	@$(MAKE) deps TEST_DEPS="$(IMAGE_DEPS)"

# What root needs to know of who runs make, as sudo forgets it.
IMAGE_ENV = env PATH="$$PATH" SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
  $(foreach v,IMAGE_MIRROR IMAGE_PINNED IMAGE_KEYS IMAGE_EXTRA IMAGE_LEVEL,$(if $($v),$v='$($v)'))
IMAGE_TEST = $(GO) test -c -o out/image.test ./image && cd image && $(SUDO) $(IMAGE_ENV) WEIR_IMAGE=$(CURDIR)/out/image

image: image-deps build ## the appliance: out/image/weir.img and its update (image/README.md)
	$(SUDO) $(IMAGE_ENV) image/build bin/weir out/image

image-lock: image-deps ## write image/packages.lock again, with the versions that Debian has today
	$(SUDO) $(IMAGE_ENV) image/build --lock out/image

image-test: image ## start the appliance in emulated machines, with both kinds of firmware, and meter through DPDK
	$(IMAGE_TEST) ../out/image.test -test.timeout 90m -test.v

image-test-full: image ## the same, and updates that fail, and the power failing during one, 20 times
	$(IMAGE_TEST) WEIR_IMAGE_FULL=1 ../out/image.test -test.timeout 6h -test.v

reload-test: deps ## 100 reloads of two processes by the API under load, with everything accounted for
	WEIR_RELOADS=100 $(GO) test -count=1 -v -timeout 20m -run ReloadManaged ./cmd/weir

alerts-test: ## the alert rules and the dashboard, with Prometheus' own tool
	$(MAKE) deps TEST_DEPS="$(TEST_DEPS) prometheus"
	$(GO) test -count=1 -v -run Shipped ./ctrlplane/metrics

fuzz: ## every fuzz target for 20 seconds
	@set -e; for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	  echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$p; done; done

bench: ## ns/packet of each hop and of the whole Step, with allocations and collections; ns/flow of the formats
	$(GO) test -run '^$$' -bench 'Step|Hop|Flow|Inspect' ./dataplane/worker
	$(GO) test -run '^$$' -bench . ./dissect ./dataplane/nic/... ./dataplane/ring ./export/formats

BENCH_DEPS := dpdk-dev softflowd nfdump pmacct

bench-deps: ## install what bench-linerate compares with
	$(MAKE) deps TEST_DEPS="$(TEST_DEPS) $(BENCH_DEPS)"

bench-linerate: bench-deps build ## how fast a worker is, from memory, through DPDK, and beside others (see bench/README.md)
	$(GO) build $(PGO) -o bin/linerate ./bench/linerate
	bin/linerate $(LINERATE)

bench-collect: bench-deps ## what collecting costs, beside goflow2 and nfcapd, and what is lost at which rate (see bench/README.md)
	cd bench/collect/goflow2 && $(GO) build -o ../../../bin/goflow2 .
	$(GO) build -o bin/collect ./bench/collect
	bin/collect $(COLLECT)

profile: ## take bench/weir.pgo again, after the worker has changed much
	$(GO) build -o bin/linerate ./bench/linerate
	bin/linerate -short -profile bench/weir.pgo -only '^(mix|memory (64|imix) .* new=0)' || [ $$? = 1 ] # missed goals

demo: build ## meter a capture through DPDK; print the flows, write IPFIX and JSON
	@mkdir -p out
	bin/weir replay --dpdk --table --json=out/flows.json --ipfix out/flows.ipfix cmd/weir/testdata/sample.pcap

docs: ## write configs/*.md again from the code
	$(GO) test ./export/protobuf -run Doc -update
	$(GO) test ./export/protobuf ./dataplane/flow ./ctrlplane/metrics ./ctrlplane/session -run Doc -update

clean: ## remove what was built
	rm -rf bin out
