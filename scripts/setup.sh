#!/usr/bin/env bash
# Installs what the build and the tests need and a stock Rust toolchain lacks.
# Every step first looks whether its work is done, so a second run takes a second.
#
#   scripts/setup.sh page      the wasm32 target, trunk, wasm-bindgen
#   scripts/setup.sh test      the same, a browser with its driver, a software Vulkan driver, Node.js, and the npm
#                              packages of tests/npm in $TOOLS/npm
#
# Tools go to $TOOLS (default: .tools beside this folder, ignored by git).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# The folder decides which Rust version rustup runs.
cd "$root"
TOOLS=${TOOLS:-$root/.tools}
# Its own target folder: these are other people's programs, and cleaning ours must not throw them away.
tools_target=$TOOLS/target
trunk_version=0.21.14
npm_version=10.9.9
node_version=22.23.3
# What the bundler of the tests asks for.
oldest_node=20.19.0
# Trunk takes the wasm-bindgen on PATH only if it equals the library's version in Cargo.lock.
wasm_bindgen_version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' "$root/Cargo.lock")

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
# Whether the first of two versions is not the newer one.
at_most() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

have cargo || fail "cargo is missing: install Rust from https://rustup.rs and run this again"
rust_version=$(rustc --version | cut -d' ' -f2) || fail "the Rust version of rust-toolchain.toml cannot be used; rustup says why above"
# Without rustup the toolchain file counts for nothing.
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
at_most "$rust_wanted" "$rust_version" ||
    fail "rustc is $rust_version, $rust_wanted or newer is needed: install Rust from https://rustup.rs and run this again"
mkdir -p "$TOOLS/bin"
export PATH="$TOOLS/bin:$PATH"

# Debian packages, where this user may install them.
apt_install() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    say "installing Debian packages: $*"
    apt-get install -qq -y --no-install-recommends "$@" >"$TOOLS/apt.log" 2>&1 && return 0
    apt-get update -qq >"$TOOLS/apt.log" 2>&1 || return 1
    apt-get install -qq -y --no-install-recommends "$@" >>"$TOOLS/apt.log" 2>&1
}

target_libs() { printf '%s/lib/rustlib/wasm32-unknown-unknown/lib' "$(rustc --print sysroot)"; }

# The standard library for wasm32 out of Debian's rust-src of the compiler's own version.
build_wasm_std() {
    have apt-get && have dpkg || return 1
    local version=$rust_version work=$TOOLS/wasm-std lists=$TOOLS/wasm-std/lists mirror package
    rm -rf "$work"
    mkdir -p "$lists/partial" "$work/cache/archives/partial" || return 1
    # The mirror that apt already uses, asked for the suite with newer compilers, without touching apt's own settings.
    mirror=$(sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]+) .*/\2/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
        grep -E '/debian/?$' | head -n 1)
    [ -n "$mirror" ] || return 1
    for suite in trixie-backports trixie sid; do
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$suite"
    done >"$work/sources.list"
    local apt_options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$lists" -o "Dir::Cache=$work/cache")
    say "asking Debian for rust-src $version"
    apt-get "${apt_options[@]}" update >"$work/log" 2>&1 || true
    package=$(apt-cache "${apt_options[@]}" madison rust-src 2>/dev/null |
        awk -F'|' -v v="$version" '{ gsub(/ /, "", $2); if (index($2, v "+") == 1 || index($2, v "-") == 1) { print $2; exit } }')
    [ -n "$package" ] || return 1
    (cd "$work" && apt-get "${apt_options[@]}" download "rust-src=$package" >>"$work/log" 2>&1) || return 1
    dpkg -x "$work"/rust-src_*.deb "$work/src" || return 1
    say "building the wasm32 standard library from rust-src $package"
    # The library is built with the flags of the released one; nightly features are what a standard library is made of.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes -Zforce-unstable-if-unmarked" CARGO_TARGET_DIR="$work/target" \
        cargo build --quiet --release --target wasm32-unknown-unknown \
        --manifest-path "$(echo "$work"/src/usr/src/rustc-*/library/sysroot/Cargo.toml)" >>"$work/log" 2>&1 ||
        { tail -n 5 "$work/log" >&2; return 1; }
    # All or nothing: setup_wasm_target goes by what is there.
    mkdir -p "$(target_libs)" && cp "$work"/target/wasm32-unknown-unknown/release/deps/*.rlib "$(target_libs)/" ||
        { rm -f "$(target_libs)"/*.rlib; return 1; }
    rm -rf "$work"
}

setup_wasm_target() {
    compgen -G "$(target_libs)/libstd-*.rlib" >/dev/null && return
    if have rustup; then
        say "adding the target wasm32-unknown-unknown"
        rustup target add wasm32-unknown-unknown >"$TOOLS/rustup.log" 2>&1 && return
        say "rustup cannot add it: $(tail -n 1 "$TOOLS/rustup.log")"
    fi
    build_wasm_std || fail "no wasm32-unknown-unknown target: install it with rustup (https://rustup.rs) and run this again"
}

setup_linker() {
    have cc || apt_install gcc libc6-dev || fail "a C compiler is missing, which Rust links with: install gcc and run this again"
}

# For the checks of make test; rustup brings both with the toolchain.
setup_lints() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        fail "rustfmt or clippy is missing: run 'rustup component add rustfmt clippy'"
}

# NAME VERSION PROGRAM [FLAGS]: a cargo program, built without link-time optimisation, which takes a quarter of the time.
setup_cargo_tool() {
    local name=$1 version=$2 program=$3
    shift 3
    "$program" --version 2>/dev/null | grep -qwF "$version" && return
    say "building $name $version (some minutes, once)"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="$tools_target" \
        cargo install --quiet --root "$TOOLS" --version "$version" --force "$@" "$name" 2>"$TOOLS/$name.log" ||
        { tail -n 5 "$TOOLS/$name.log" >&2; fail "building $name $version failed; the log is $TOOLS/$name.log"; }
    # What was built on the way takes a gigabyte and is needed no more.
    rm -rf "$tools_target"
}

setup_browser() {
    if ! { have chromium || have chromium-browser || have google-chrome; } || ! have chromedriver; then
        apt_install chromium chromium-driver ||
            fail "Chromium and chromedriver are missing: install both (on Debian: apt-get install chromium chromium-driver) and run this again"
    fi
}

# Mesa's software Vulkan driver lets the GPU code run on machines without a GPU.
setup_vulkan() {
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null && return
    [ -z "${AUXLSTM_NO_GPU:-}" ] || return 0
    apt_install mesa-vulkan-drivers libvulkan1 ||
        fail "no Vulkan driver: install one (on Debian: apt-get install mesa-vulkan-drivers libvulkan1), or set AUXLSTM_NO_GPU=1 to leave out the native GPU tests"
}

# Debian's Node.js may be too old for the bundler of the tests, and its npm cannot override what a package asks for by a
# tag, such as "latest".
setup_node() {
    local log=$TOOLS/node.log machine program programs=(npm) packages=("npm@$npm_version")
    { have node && have npm; } || apt_install nodejs npm ||
        fail "Node.js or npm is missing: install both (on Debian: apt-get install nodejs npm) and run this again"
    if ! at_most "$oldest_node" "$(node --version | tr -d v)"; then
        case $(uname -sm) in
        "Linux x86_64") machine=x64 ;;
        "Linux aarch64") machine=arm64 ;;
        *) fail "Node.js is older than $oldest_node: install the newest and run this again" ;;
        esac
        programs+=(node)
        packages+=("node-linux-$machine@$node_version")
    elif [ "$(npm --version)" = "$npm_version" ]; then
        return
    fi
    say "installing ${packages[*]}"
    npm install --prefix "$TOOLS/node" --no-audit --no-fund "${packages[@]}" >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; fail "npm cannot install ${packages[*]}; the log is $log"; }
    for program in "${programs[@]}"; do ln -sf "../node/node_modules/.bin/$program" "$TOOLS/bin/$program"; done
    hash -r
}

# The bundler, compiler and auditors of the tests.
setup_npm() {
    local folder=$TOOLS/npm log=$TOOLS/npm.log asked=("$root"/tests/npm/package.json "$root"/tests/npm/package-lock.json)
    cat "${asked[@]}" | cmp -s - "$folder/done" && return
    say "installing the npm packages of the tests (a minute, once)"
    rm -rf "$folder"
    mkdir "$folder"
    cp "${asked[@]}" "$folder/"
    (cd "$folder" && npm ci --no-audit --no-fund) >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; fail "npm cannot install the packages of tests/npm; the log is $log"; }
    cat "${asked[@]}" >"$folder/done"
}

case ${1:-} in
page | test) ;;
*) fail "usage: scripts/setup.sh page|test" ;;
esac
[ -n "$wasm_bindgen_version" ] || fail "Cargo.lock names no wasm-bindgen"
setup_linker
setup_wasm_target
# Trunk builds only with the dependencies it was released with; wasm-bindgen-cli only without, one of its own was yanked.
setup_cargo_tool trunk "$trunk_version" trunk --locked
setup_cargo_tool wasm-bindgen-cli "$wasm_bindgen_version" wasm-bindgen
if [ "$1" = test ]; then
    setup_lints
    setup_browser
    setup_vulkan
    setup_node
    setup_npm
fi
