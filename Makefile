# Two commands are enough: `make run` and `make test`.

# Debian's Go is told not to fetch the toolchain that go.mod names; this tells it to.
export GOTOOLCHAIN = auto

.PHONY: run demo test evil bench cuts build setup clean

# Installs what is missing, builds, opens the app with its own small server.
# Without a display, plays a whole intervention between two virtual ones (see demo).
run: setup bin/assist bin/assist-server
	scripts/run.sh

# Plays a whole intervention on two virtual displays; pictures and account in out/.
demo:
	scripts/setup.sh test
	$(MAKE) bin/assist bin/assist-server
	scripts/demo.sh

# Installs what is missing, then passes everything, end to end included.
test:
	scripts/setup.sh test
	scripts/test.sh

# Measures from outside, on two virtual displays, beside rivals in the same run.
bench:
	scripts/setup.sh test
	$(MAKE) bin/assist bin/assist-server
	scripts/bench.sh

# Measures 200 cuts under load, in some 25 minutes.
cuts:
	scripts/setup.sh test
	scripts/cuts.sh

# Tells the apps and the server every lie that a server can, of every field of every message, in
# some minutes. make test tells a part of them, which is another each day.
evil:
	scripts/setup.sh test
	go test -tags ci -timeout 60m -count 1 -v -run TestEvilServer ./e2e/evil -lies .

setup:
	scripts/setup.sh run

build: bin/assist bin/assist-server

# Go itself knows what is up to date.
.PHONY: bin/assist bin/assist-server
bin/assist:
	go build -o $@ ./cmd/assist
bin/assist-server:
	CGO_ENABLED=0 go build -o $@ ./cmd/assist-server

clean:
	rm -rf bin out
