# make demo        builds the page and serves it on this machine, at PORT (8080); the first time, it serves the page before the
#                  program for WebGPU is built
# make widget      builds the page and, in dist/widget, the npm package with which others embed it
# make test        runs all checks, also after a failed one, and ends with a table of their results
# make test-browsers runs the tests of page and widget in Firefox and in WebKit, which make test runs in Chromium; test-firefox
#                  and test-webkit run them in one of these
# make test-bundlers runs the tests of the widget in other bundlers and frameworks, which make test leaves out
# make lint        runs the static checks alone: format, clippy, spelling, dependencies, each feature alone, packages
# make miri        interprets the tests of unsafe code with Miri, which finds undefined behaviour, in a nightly toolchain
# make sanitize    runs the tests of the CPU kernels under AddressSanitizer, with this machine's vector instructions
# make fuzz        runs the fuzz tests with up to a million cases each, for at most FUZZ_SECONDS (20) each
# make test-python builds the Python package and tests it, in a virtual environment with the packages that it works with
# make test-spark  does the same on a Spark cluster of this machine, one worker of which is killed, and with Ray, DuckDB and Polars
# make bench       measures speed beside the peers' and writes docs/benchmarks.md; CORPUS=users.jsonl adds the cases on real
#                  text, GPU=vulkan (or wgpu, cuda) measures that device instead, ONLY="lstm epoch" these cases alone
# make paper       runs the paper's experiments (configs/paper), or continues them, and writes runs/paper/report.html; takes hours
# make paper-quick runs small experiments in ten minutes
# make data        links data/, where the configs expect the corpora, to the folder DATA (default: ../shared/data)
#
# demo, widget, test, test-browsers, test-bundlers, lint, bench, miri and test-spark first install missing tools
# (scripts/setup.sh). TOOLS is the folder for them (.tools), CARGO_TARGET_DIR the one for build results (target). CORPUS makes
# the experiments run on another corpus than data/blogs.jsonl.xz.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

export TOOLS ?= $(CURDIR)/.tools
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(TOOLS)/bin:$(PATH)
PORT ?= 8080
DATA ?= $(wildcard ../shared/data)
# Trunk accepts only true and false as its value.
unexport NO_COLOR

say = @printf '\n==> %s\n'

# The folder `data` is the only target that is a file.
.PHONY: help demo port-free widget test test-browsers test-firefox test-webkit test-bundlers lint format clippy clippy-page spelling dependencies \
	features package docs page tests firefox webkit miri sanitize fuzz test-python test-spark bench paper paper-quick trainer setup-page \
	setup-lint setup-test setup-browsers setup-hosts
.NOTPARALLEL:

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: port-free setup-page
	$(say) 'The page: http://127.0.0.1:$(PORT)/ once it is built (some minutes the first time; Ctrl-C ends it)'
	@scripts/demo.sh $(PORT)

port-free:
	@scripts/port_free.sh $(PORT)

widget: setup-page page
	$(say) 'The package: dist/widget (npm pack ./dist/widget packs it into a file)'

STATIC_CHECKS = format clippy clippy-page spelling dependencies
test:
	@scripts/check.sh setup-test $(STATIC_CHECKS) docs page tests

test-browsers:
	@scripts/check.sh setup-browsers page trainer firefox webkit

test-firefox test-webkit: test-%: setup-browsers page trainer %

lint:
	@scripts/check.sh setup-lint $(STATIC_CHECKS) features package

setup-page setup-lint setup-test setup-browsers setup-hosts:
	$(say) 'Set-up'
	@scripts/setup.sh $(@:setup-%=%)

format:
	$(say) 'Format'
	@cargo fmt --all --check

clippy:
	$(say) 'Clippy'
	@cargo clippy --release --locked --workspace --all-targets -- -D warnings

# The flags with which Trunk builds the programs of the page's workers.
WASM = --profile web --locked --target wasm32-unknown-unknown
clippy-page:
	$(say) 'Clippy on the page'
	@cargo clippy $(WASM) -p web --all-features -- -D warnings

spelling:
	$(say) 'Spelling'
	@typos --hidden

dependencies:
	$(say) 'Dependencies: licences, sources, banned crates'
	@cargo deny --locked check --hide-inclusion-graph licenses bans sources

# Each feature of each crate alone, and none. `cuda` is left out because its build downloads an LLVM, `gpu` because it needs one
# of burn's GPU backends, which the features named after them add. The page is only built for wasm.
EACH_FEATURE = --each-feature --exclude-all-features --exclude-features default
features:
	$(say) 'Each feature alone'
	@cargo hack check --release --locked --workspace --exclude web --exclude tests $(EACH_FEATURE),cuda,gpu
	@cargo hack check $(WASM) -p web $(EACH_FEATURE)

# The crates that can be used without this project. They are packed, as for a registry, and not built again.
package:
	$(say) 'The packages of the libraries'
	@cargo package --offline --no-verify --allow-dirty -p fused-lstm -p sparse-linear -p skip-gram

docs:
	$(say) 'Documentation'
	@RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps

page:
	$(say) 'The page (some minutes the first time)'
	@trunk build

tests:
	$(say) 'Tests: the crates, the command line, the page in a browser'
	@cargo test --release --locked --workspace --no-fail-fast

test-bundlers: setup-hosts trainer page
	$(say) 'Tests: the widget in bundlers and frameworks'
	@cargo test --release --locked --workspace --test widget -- --ignored

# These write a line for each test that is left out in the browser, and why (tests/src/driver.rs).
IN_BROWSER = cargo test --release --locked --workspace --no-fail-fast --test page --test widget
firefox: export AUXLSTM_BROWSER := firefox
firefox:
	$(say) 'Tests: the page and the widget in Firefox'
	@$(IN_BROWSER)

webkit: export AUXLSTM_BROWSER := webkit
webkit:
	$(say) 'Tests: the page and the widget in WebKit'
	@xvfb-run --auto-servernum --server-args='-screen 0 1600x1200x24' $(IN_BROWSER)

# The tests of unsafe code that Miri can interpret in minutes: portable code, on small inputs.
miri:
	$(say) 'Miri'
	@scripts/setup.sh miri
	@cargo +nightly miri test --locked -p fused-lstm --features autodiff --lib miri_
	@cargo +nightly miri test --locked -p sparse-linear --lib miri_

# All tests of the CPU kernels and of the sparse matrix, with the vector instructions of this machine. The release profile would
# take many minutes to compile burn with the sanitizer's checks.
sanitize:
	$(say) 'AddressSanitizer'
	@RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_PROFILE_DEV_OPT_LEVEL=1 cargo test --locked --target $$(rustc --print host-tuple) \
		-p fused-lstm -p sparse-linear --features fused-lstm/autodiff --lib --test bodies

# Each test of a format fuzzes the format with the test's sample; the other parsers have tests called fuzz_….
FUZZ_CASES ?= 1000000
FUZZ_SECONDS ?= 20
fuzz: export FUZZ_CASES := $(FUZZ_CASES)
fuzz: export FUZZ_SECONDS := $(FUZZ_SECONDS)
fuzz:
	$(say) 'Fuzzing'
	@cargo test --release --locked -p formats --features encodings --lib -- --skip fuzz_ --nocapture
	@cargo test --release --locked --workspace --lib fuzz_ -- --nocapture

# FOLDER FILE: a virtual environment with the packages that the file names and the package auxlstm, whose wheel is built as pip
# builds it for users.
define python-environment
	@cmp -s $(2) $(TOOLS)/$(1)/done || { python3 -m venv --clear $(TOOLS)/$(1) && \
		$(TOOLS)/$(1)/bin/pip install -q -r $(2) && cp $(2) $(TOOLS)/$(1)/done; }
	@PATH=$(TOOLS)/$(1)/bin:$$PATH pip install -q --no-build-isolation --force-reinstall ./python
endef

# The tests compare the package with the command line.
test-python: trainer
	$(say) 'Python package'
	$(call python-environment,python,python/requirements-test.txt)
	@cd python && AUXLSTM=$(AUXLSTM) $(TOOLS)/python/bin/python -m pytest -q
	@cd python && $(TOOLS)/python/bin/mypy

test-spark: trainer
	$(say) 'Python package on Spark, Ray, DuckDB and Polars'
	@scripts/setup.sh spark
	$(call python-environment,spark,python/requirements-spark.txt)
	@cd python && AUXLSTM=$(AUXLSTM) $(TOOLS)/spark/bin/python -m pytest -q -s tests/test_spark.py tests/test_engines.py
	@cd python && $(TOOLS)/spark/bin/mypy

# The peers take about 5 GB, because PyTorch comes with its GPU libraries.
BENCH_FEATURES = $(if $(filter vulkan cuda,$(GPU)),--features trainer/$(GPU))
bench:
	$(say) 'Set-up'
	$(call python-environment,bench,scripts/bench/requirements.txt)
	@$(if $(GPU),,scripts/setup.sh test && trunk build)
	@cargo build --release --locked --workspace --all-targets $(BENCH_FEATURES)
	$(say) 'Benchmarks (some minutes; use the machine for nothing else meanwhile)'
	@$(TOOLS)/bench/bin/python scripts/bench/run.py $(CARGO_TARGET_DIR) --tools $(TOOLS)/bench $(if $(CORPUS),--corpus $(CORPUS)) $(if $(GPU),--gpu $(GPU)) $(if $(ONLY),--only $(ONLY))

CORPORA = $(if $(CORPUS),,data)
PAPER_CORPUS = $(or $(CORPUS),data/blogs.jsonl.xz)
PAPER_TABLES = table3 table4 table5 table6
PAPER_MORE = lambda three-attributes training beyond
# Word vectors are trained on the corpus; those of the blogs also on posts without labels. The small experiments on the blogs
# use the vectors of the model in this repository.
VECTORS = runs/$(if $(CORPUS),$(notdir $(CORPUS)),blogs).bin
QUICK_VECTORS = $(if $(CORPUS),$(VECTORS),public/models/en.safetensors)
UNLABELLED = $(if $(CORPUS),,$(wildcard data/blogs-other.jsonl.xz))
AUXLSTM = $(CARGO_TARGET_DIR)/release/auxlstm
EXPERIMENT = $(AUXLSTM) experiment configs/paper/blogs.toml $(patsubst %,configs/paper/%.toml,$(1)) \
	--set 'corpus=["$(PAPER_CORPUS)"]' --set 'vectors="$(2)"'

paper: trainer $(CORPORA) $(VECTORS)
	$(say) 'Experiments'
	@$(call EXPERIMENT,$(PAPER_TABLES) $(PAPER_MORE),$(VECTORS))
	$(say) 'Report'
	@$(AUXLSTM) report runs/paper --average "svm + aux-lstm (with a wide component)"

paper-quick: trainer $(CORPORA) $(QUICK_VECTORS)
	$(say) 'Small experiments'
	@$(call EXPERIMENT,$(PAPER_TABLES) quick,$(QUICK_VECTORS))
	$(say) 'Report'
	@$(AUXLSTM) report runs/paper-quick

trainer:
	$(say) 'The command line'
	@cargo build --release --locked --workspace

# Existing vectors are kept when the program has changed.
$(VECTORS): | trainer $(CORPORA)
	$(say) 'Word vectors'
	@$(AUXLSTM) embed $(PAPER_CORPUS) $(UNLABELLED) -o $@ --epochs 1

# An existing folder or link is kept.
data:
	@$(if $(DATA),ln -s $(DATA) data,echo 'data/ is missing: put the corpora there or run make data DATA=FOLDER (docs/corpora.md)' >&2; exit 1)
