# make lists what there is to make; .ci/run makes the same targets.
.DEFAULT_GOAL := help
.PHONY: help run run-shortener build test race lint fuzz cover bench crash crash-publish servers

DATA     ?= data
ROUNDS   ?= 20
FUZZTIME ?= 200000x

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## start the sharing API with its shortener on the folder data (DATA=...)
	./bin/sharing-api serve --data $(DATA) --loopback-secrets

run-shortener: build ## start the shortener alone on the folder data (DATA=...)
	./bin/shortener serve --data $(DATA) --loopback-secrets

build: ## build the programs into bin
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

test: ## run all tests, races and order included, within 3 minutes
	go test -race -shuffle=on ./...

race: ## run all tests ten times over, to find rare races
	go test -race -shuffle=on -count=10 -timeout=1h ./...

lint: ## hold the code against .golangci.yml
	go tool -modfile=tools.mod golangci-lint run

fuzz: ## fuzz every parser for a while (FUZZTIME=200000x each)
	.ci/fuzz $(FUZZTIME)

cover: ## show how much of each function the tests reach
	go test -coverprofile=cover.prof ./... && go tool cover -func=cover.prof

bench: ## measure the redirect and the API under load (bench/README.md; BENCHFLAGS=...)
	go test -run='^$$' -bench=. -benchtime=1x -timeout=0 ./bench $(BENCHFLAGS)

crash: ## kill the shortener under load and count again (ROUNDS=20)
	go test -run='^TestCrash' -count=1 -v -timeout=0 ./cmd/shortener -rounds=$(ROUNDS)

crash-publish: ## kill the sharing API while it publishes and look for lost and double posts (ROUNDS=20)
	go test -run='^TestCrashPublish' -count=1 -v -timeout=0 ./cmd/sharing-api -publish-rounds=$(ROUNDS)

servers: ## install the real servers and clients that the tests run against, below .ci
	@.ci/get-snac .ci/snac && .ci/get-pds && .ci/get-clients
