#!/usr/bin/env bash
# The real parts that tests talk to, for Debian 12 with Python, Node and Go, as root. What is slow to get is kept in a cache.
#   parts.sh install   packages, anvil, solc, two old cogs, Docker Engine 26, a base image, Kubo: 8 min cold, seconds warm
#   parts.sh up DIR    starts dockerd twice (26 and the too old 20.10) and two Kubo nodes that know only each other; prints `export NAME=VALUE` lines
#   parts.sh down DIR  ends, by pid, what `up DIR` started
# The cache is ${XDG_CACHE_HOME:-~/.cache}/arbius-tui-parts; DIR holds logs and pids. Everything comes through the machine's own
# apt, pip, npm and go. anvil and the keyring are started by the tests that use them: they are up in 0.1 s.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/arbius-tui-parts
say() { printf '%s\n' "$*" >&2; }
give() { printf 'export %s=%q\n' "$1" "$2"; }
alive() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
die() { say "parts.sh: $1"; [ -z "${2:-}" ] || tail -n 20 "$2" >&2; exit 1; }  # a sentence and the end of a log
until_true() { local left=$1; shift; until "$@" >/dev/null 2>&1; do left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 0.2; done; }

packages() {  # 40 s cold
  local want=(docker.io iptables iproute2 debootstrap gnome-keyring dbus libsecret-tools tmux openssh-server openssh-client) miss=() p
  command -v npm >/dev/null || want+=(nodejs npm)
  for p in "${want[@]}"; do dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || miss+=("$p"); done
  [ ${#miss[@]} = 0 ] && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${miss[@]}" >/dev/null
}

npm_package() {  # folder package: into the cache, once
  [ -e "$cache/$1/.ok" ] && return
  npm install --silent --no-fund --no-audit --prefix "$cache/$1" "$2" >/dev/null && touch "$cache/$1/.ok"
}
anvil() { npm_package anvil @foundry-rs/anvil@1.7.1; }  # 3 s, 44 MB; the binary is inside the package
solc() { npm_package solc "solc@$SOLC"; }               # 2 s, 9 MB; compiles rehearsal/Engine.sol again for a test
SOLC=0.8.30

cogs() {  # 15 s each: the two older generations of Cog's HTTP server (pydantic 1; pydantic 2)
  local python version
  python=$(command -v python3.11 || command -v python3)
  for version in 0.9.26 0.16.12; do
    [ -e "$cache/cog-$version/.ok" ] && continue
    "$python" -m venv --clear "$cache/cog-$version"
    "$cache/cog-$version/bin/python" -m pip install --quiet --disable-pip-version-check "cog==$version" setuptools
    touch "$cache/cog-$version/.ok"
  done
}

engine() {  # 7 s, 56 MB: Docker Engine 26.1 as people run it. Debian 12 itself has 20.10, on which no cog build ends.
  # Debian 13's dockerd and containerd run on Debian 12; runc must be Debian 12's own, so it is not taken.
  local root=$cache/engine26 work mirror
  [ -x "$root/usr/sbin/dockerd" ] && return
  mirror=$(sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources | head -n 1)
  [ -n "$mirror" ] || die "no Debian mirror in /etc/apt/sources.list.d/debian.sources; this script knows Debian 12 only"
  work=$(mktemp -d)
  mkdir -p "$work"/{lists/partial,cache/archives/partial,sources,debs}
  printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$mirror" >"$work/sources/trixie.sources"
  local apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources"
             -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
             -o APT::Sandbox::User=root)
  "${apt[@]}" update
  ( cd "$work/debs"; "${apt[@]}" download docker.io containerd docker-registry >/dev/null
    for deb in *.deb; do dpkg -x "$deb" "$work/root"; done )
  rm -rf "$root"; mv "$work/root" "$root"; rm -rf "$work"
}

base_image() {  # 60 s, 168 MB: tests reach no image registry, so their base image is made from Debian's packages
  local tar=$cache/debian-python-bookworm.tar root
  [ -s "$tar" ] && return
  root=$(mktemp -d)
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >"$cache/debootstrap.log" 2>&1 \
    || die "debootstrap failed" "$cache/debootstrap.log"
  ln -sf python3 "$root/usr/bin/python"
  tar -C "$root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists -cf "$tar.part" . && mv "$tar.part" "$tar"
  rm -rf "$root"
}

kubo() {  # 5 min cold (555 MB of modules, 800 MB of build cache) for one binary of 84 MB, so the binary is kept
  # `go install …@version` is refused (it asks for the list of versions); a module that requires Kubo builds. 0.39 does not
  # compile with Go 1.26, and 0.43 has a `replace` that dependents do not get: 0.42.0 is the one.
  local bin=$cache/kubo-0.42.0/ipfs work
  [ -x "$bin" ] && return
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || die "Kubo is built from source and there is no Go here; install Go 1.26 or newer"
  work=$(mktemp -d); mkdir -p "${bin%/*}"
  ( cd "$work" && go mod init kubo 2>/dev/null
    go mod edit -require=github.com/ipfs/kubo@v0.42.0 -tool=github.com/ipfs/kubo/cmd/ipfs
    GOFLAGS=-mod=mod go build -trimpath -ldflags='-s -w' -o ipfs github.com/ipfs/kubo/cmd/ipfs >build.log 2>&1 \
      || die "Kubo did not build" build.log
    mv ipfs "$bin" )
  rm -rf "$work"
}

clef() {  # 3 min cold: geth's signer, one binary of 50 MB, kept. It builds without a C compiler.
  local bin=$cache/clef-1.16.7/clef work
  [ -x "$bin" ] && return
  PATH=$PATH:/usr/local/go/bin
  command -v go >/dev/null || die "Clef is built from source and there is no Go here; install Go 1.26 or newer"
  work=$(mktemp -d); mkdir -p "${bin%/*}"
  ( cd "$work" && go mod init clef 2>/dev/null
    go mod edit -require=github.com/ethereum/go-ethereum@v1.16.7 -tool=github.com/ethereum/go-ethereum/cmd/clef
    CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -ldflags='-s -w' -o clef github.com/ethereum/go-ethereum/cmd/clef \
      >build.log 2>&1 || die "Clef did not build" build.log
    mv clef "$bin" )
  rm -rf "$work"
}

docker_up() {  # 3 s. An Engine that already answers is used as it is, and not ended by `down`.
  local dir=$1 host=${DOCKER_HOST:-unix:///var/run/docker.sock}
  if ! docker -H "$host" info >/dev/null 2>&1; then
    mkdir -p "$dir/docker"; rm -f "$dir/docker/pid"
    PATH=$cache/engine26/usr/sbin:$cache/engine26/usr/bin:$PATH setsid dockerd -H "$host" --data-root "$cache/docker-26" \
      --exec-root "$dir/docker/exec" --pidfile "$dir/docker/pid" >"$dir/docker/log" 2>&1 </dev/null &
    until_true 300 docker -H "$host" info || die "dockerd did not start" "$dir/docker/log"
  fi
  docker -H "$host" image inspect debian-python:bookworm >/dev/null 2>&1 \
    || docker -H "$host" import "$cache/debian-python-bookworm.tar" debian-python:bookworm >/dev/null
  give ARBIUS_PART_DOCKER "$host"
}

docker_old_up() {  # 3 s. Debian 12's own Engine 20.10 beside the other one: a socket, a folder and a bridge of its own
  local dir=$1 host=unix://$1/docker-old/socket daemon bridge=arbius20
  daemon=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v dockerd) || die "Debian's own dockerd is not installed (apt install docker.io)"
  if ! docker -H "$host" info >/dev/null 2>&1; then
    mkdir -p "$dir/docker-old"; rm -f "$dir/docker-old/pid"
    ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
    ip address replace 172.31.20.1/24 dev "$bridge"; ip link set "$bridge" up
    PATH=/usr/sbin:/usr/bin:/sbin:/bin setsid "$daemon" -H "$host" --data-root "$cache/docker-20" --bridge "$bridge" \
      --exec-root "$dir/docker-old/exec" --pidfile "$dir/docker-old/pid" >"$dir/docker-old/log" 2>&1 </dev/null &
    until_true 300 docker -H "$host" info || die "the old dockerd did not start" "$dir/docker-old/log"
  fi
  docker -H "$host" image inspect debian-python:bookworm >/dev/null 2>&1 \
    || docker -H "$host" import "$cache/debian-python-bookworm.tar" debian-python:bookworm >/dev/null
  give ARBIUS_PART_DOCKER_OLD "$host"
}

kubo_node() {  # one node on free loopback ports that asks nobody outside; its addresses are in files of its repository
  local dir=$1 n=$2 bin=$cache/kubo-0.42.0/ipfs pair
  export IPFS_PATH=$dir/kubo$n
  [ -e "$IPFS_PATH/config" ] || "$bin" init --profile=test >"$dir/kubo$n.log" 2>&1 || die "ipfs init failed" "$dir/kubo$n.log"
  for pair in 'Addresses.Swarm=["/ip4/127.0.0.1/tcp/0"]' 'Addresses.API="/ip4/127.0.0.1/tcp/0"' \
              'Addresses.Gateway="/ip4/127.0.0.1/tcp/0"' 'Routing.Type="dhtserver"' 'Bootstrap=[]' 'AutoConf.Enabled=false' \
              'DNS.Resolvers={}' 'Routing.DelegatedRouters=[]' 'Ipns.DelegatedPublishers=[]' 'Discovery.MDNS.Enabled=false' \
              'Swarm.DisableNatPortMap=true' 'AutoTLS.Enabled=false' 'Swarm.RelayClient.Enabled=false'; do
    "$bin" config --json "${pair%%=*}" "${pair#*=}"
  done
  setsid "$bin" daemon >"$dir/kubo$n.log" 2>&1 </dev/null & echo $! >"$dir/kubo$n.pid"
  until_true 300 grep -q 'Daemon is ready' "$dir/kubo$n.log" || die "Kubo node $n did not start" "$dir/kubo$n.log"
  give "ARBIUS_PART_KUBO_RPC$n" "$(multiaddr_url <"$IPFS_PATH/api")"
  give "ARBIUS_PART_KUBO_GATEWAY$n" "$(cat "$IPFS_PATH/gateway")"
}
multiaddr_url() { sed -E 's,^/ip4/([0-9.]+)/tcp/([0-9]+).*,http://\1:\2,'; }

kubo_up() {  # 4 s: what one node announces the other finds and fetches
  local dir=$1 bin=$cache/kubo-0.42.0/ipfs address
  mkdir -p "$dir"
  kubo_node "$dir" 1; kubo_node "$dir" 2
  address=$(IPFS_PATH=$dir/kubo1 "$bin" id -f '<addrs>' | grep /ip4/127.0.0.1/tcp/ | head -n 1)
  IPFS_PATH=$dir/kubo2 "$bin" swarm connect "$address" >&2
}

down() {
  local file
  for file in "$1"/kubo1.pid "$1"/kubo2.pid "$1"/docker/pid "$1"/docker-old/pid; do
    alive "$file" || continue
    local pid; pid=$(cat "$file")
    kill "$pid"; until_true 100 eval "! kill -0 $pid" || kill -9 "$pid"
    rm -f "$file"
  done
  ip link delete arbius20 2>/dev/null || true
}

case ${1:-} in
  install)
    mkdir -p "$cache"
    exec 9>"$cache/.lock"; flock 9
    for part in packages anvil solc cogs engine base_image kubo clef; do say "real part: $part"; "$part" 9>&-; done ;;
  up) dir=$(mkdir -p "$2" && cd "$2" && pwd); docker_up "$dir"; docker_old_up "$dir"; kubo_up "$dir" ;;
  down) down "$2" ;;
  *) sed -n 2,7p "$0" >&2; exit 2 ;;
esac
