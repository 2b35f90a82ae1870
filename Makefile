# make demo   serves the page on this machine
# make widget builds the page, and in dist/widget what other pages and programs embed, an npm package
# make test   runs every check there is
# make paper  runs the paper's experiments (configs/paper), on CORPUS if it is given, and writes runs/paper/report.html; takes
#             hours, and goes on where it was interrupted. make paper-quick runs small ones within ten minutes
# make bench  times our code beside its peers and writes docs/benchmarks.md; CORPUS=users.jsonl adds the cases on real
#             text, GPU=vulkan (or wgpu, cuda) measures that device instead
#
# Each first installs what it needs and is missing (scripts/setup.sh). TOOLS and CARGO_TARGET_DIR, where set, say where the
# tools and the build results go; PORT says where the page is served.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

export TOOLS ?= $(CURDIR)/.tools
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PATH := $(TOOLS)/bin:$(PATH)
PORT ?= 8080
# Trunk takes no other value than true or false.
unexport NO_COLOR

say = @printf '\n==> %s\n'

.NOTPARALLEL:
# The blogs, unless told otherwise; another corpus needs the attributes of configs/paper/blogs.toml.
PAPER_CORPUS = $(or $(CORPUS),../shared/data/blogs.jsonl.xz)
PAPER_TABLES = table3 table4 table5 table6
PAPER_MORE = lambda three-attributes training beyond

.PHONY: help demo widget test bench paper paper-quick trainer setup-page setup-test format lint docs page

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: setup-page
	$(say) 'The page: http://127.0.0.1:$(PORT)/ as soon as it is built (some minutes the first time; Ctrl-C ends it)'
	@trunk serve --port $(PORT)

widget: setup-page page
	$(say) 'The package: dist/widget (npm pack ./dist/widget makes a file of it)'

test: setup-test format lint docs page
	$(say) 'Tests: all crates natively, the command line, the page in a browser'
	@cargo test --release --locked --workspace

# The peers: about 5 GB, because PyTorch comes with its GPU libraries. A GPU's feature is built in.
BENCH_FEATURES = $(if $(filter vulkan cuda,$(GPU)),--features trainer/$(GPU))
bench:
	$(say) 'Set-up'
	@[ $(TOOLS)/bench/done -nt scripts/bench/requirements.txt ] || { python3 -m venv $(TOOLS)/bench && \
		$(TOOLS)/bench/bin/pip install -q -r scripts/bench/requirements.txt && touch $(TOOLS)/bench/done; }
	@$(if $(GPU),,$(if $(CORPUS),scripts/setup.sh test && trunk build))
	@cargo build --release --locked --workspace --all-targets $(BENCH_FEATURES)
	$(say) 'Benchmarks (some minutes; leave the machine alone)'
	@$(TOOLS)/bench/bin/python scripts/bench/run.py $(CARGO_TARGET_DIR) --tools $(TOOLS)/bench $(if $(CORPUS),--corpus $(CORPUS)) $(if $(GPU),--gpu $(GPU))

# Vectors of the corpus at hand; of the blogs they are learned with the posts of other bloggers too, and small experiments
# on them make do with those of the model in this repository.
VECTORS = runs/$(if $(CORPUS),$(notdir $(CORPUS)),en).bin
QUICK_VECTORS = $(if $(CORPUS),$(VECTORS),public/models/en.safetensors)
UNLABELLED = $(if $(CORPUS),,$(wildcard ../shared/data/blogs-unlabelled.txt.xz))
AUXLSTM = $(CARGO_TARGET_DIR)/release/auxlstm
EXPERIMENT = $(AUXLSTM) experiment configs/paper/blogs.toml $(patsubst %,configs/paper/%.toml,$(1)) \
	--set 'corpus=["$(PAPER_CORPUS)"]' --set 'vectors="$(2)"'

paper: trainer $(VECTORS)
	$(say) 'Experiments'
	@$(call EXPERIMENT,$(PAPER_TABLES) $(PAPER_MORE),$(VECTORS))
	$(say) 'Report'
	@$(AUXLSTM) report runs/paper --average "svm + aux-lstm (with a wide branch)"

paper-quick: trainer $(QUICK_VECTORS)
	$(say) 'Experiments, small ones'
	@$(call EXPERIMENT,$(PAPER_TABLES) quick,$(QUICK_VECTORS))
	$(say) 'Report'
	@$(AUXLSTM) report runs/paper-quick

trainer:
	$(say) 'The command line'
	@cargo build --release --locked --workspace

# Vectors that are there are kept, however new the program is.
$(VECTORS): | trainer
	$(say) 'Word vectors'
	@mkdir -p runs
	@$(AUXLSTM) embed $(PAPER_CORPUS) $(UNLABELLED) -o $@ --epochs 1

setup-page:
	$(say) 'Set-up'
	@scripts/setup.sh page

setup-test:
	$(say) 'Set-up'
	@scripts/setup.sh test

format:
	$(say) 'Format'
	@cargo fmt --all --check

lint:
	$(say) 'Clippy, natively'
	@cargo clippy --release --locked --workspace --all-targets -- -D warnings
	$(say) 'Clippy, the page'
	@cargo clippy --profile web --locked --target wasm32-unknown-unknown -p web --all-features -- -D warnings

docs:
	$(say) 'Documentation'
	@RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --workspace --no-deps

page:
	$(say) 'The page (some minutes the first time)'
	@trunk build
