#!/bin/sh
# Installs the Debian packages that building, testing and the demo need; packages that are there already are left alone.
# Elsewhere than on Debian or Ubuntu it says what to install. `peers` are the servers that ours is compared with:
# their system services are masked before they come, so that none is ever started. Usage: deps.sh [build|all|peers]
set -eu

what=${1:-all}
packages="libpq-dev libcurl4-openssl-dev zlib1g-dev libsqlite3-dev libyaml-dev pkg-config"
case $what in
build) ;;
all) packages="$packages postgresql openssl util-linux xz-utils faketime locales python3-aiosmtpd" ;;
peers)
    services="victoria-metrics prometheus prometheus-alertmanager prometheus-node-exporter prometheus-postgres-exporter"
    packages="$services libsnappy1v5 libzstd1 postgresql openssl"
    python3 -c 'import numpy' 2>/dev/null || packages="$packages python3-numpy"
    ;;
*)
    echo "Usage: deps.sh [build|all|peers]" >&2
    exit 2
    ;;
esac

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    for package in $packages; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
else
    missing=" $packages"
fi
if [ "$what" != build ] && ! command -v javac >/dev/null 2>&1; then missing="$missing default-jdk-headless"; fi

if [ -z "$missing" ]; then exit 0; fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Needed, and not installed for want of apt-get:$missing (or what your system calls them)." >&2
    exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Run as root, or install sudo, or install by hand:$missing" >&2
        exit 1
    fi
    sudo=sudo
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
# A test machine wants the server's programs, not a cluster of its own on port 5432.
if [ ! -e /etc/postgresql-common/createcluster.conf ] && [ "$what" != build ]; then
    $sudo mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
policy=/usr/sbin/policy-rc.d
if [ "$what" = peers ]; then
    # Where systemd rules, a masked unit neither starts now nor at boot; elsewhere this policy keeps invoke-rc.d from it.
    if command -v systemctl >/dev/null 2>&1; then
        for service in $services; do
            case " $missing " in *" $service "*) $sudo systemctl mask --quiet "$service.service" ;; esac
        done
    fi
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
        $sudo chmod 755 $policy
        trap '$sudo rm -f $policy' EXIT
    fi
fi
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
