#!/bin/sh
# Makes the disk of the machine: Debian with its own Docker, a kernel, and what our tests import. Made anew where
# what goes into it has changed; each run works on a throw-away layer above it.
#
#   sh tests/cgroup2/machine.sh SUITE FOLDER
set -eu

suite=$1 folder=$2
here=$(dirname "$0")
packages=docker.io,iptables,kmod,procps,python3,iproute2,ca-certificates,systemd-sysv,linux-image-cloud-amd64,initramfs-tools
modules=/usr/lib/uml/modules
requirements=$(.venv/bin/python - <<'PYTHON'
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
print(*project["dependencies"], *extras["sample"], *extras["test"], sep="\n")
PYTHON
)
wanted=$( (cat "$0" constraints.txt "$here/boot.sh"; echo "$requirements"; ls "$modules" 2>/dev/null) | sha256sum)
[ "$(cat "$folder/made" 2>/dev/null)" = "$wanted" ] && exit 0

root=$folder/root
umount -q "$root/proc" "$root/sys" 2>/dev/null || true # debootstrap's, where it was killed
rm -rf --one-file-system "$folder"
mkdir -p "$folder"
echo "$requirements" >"$folder/requirements.txt"
debootstrap --variant=minbase --include="$packages" "$suite" "$root" >"$folder/debootstrap.log"
install "$here/boot.sh" "$root/boot.sh"

# Wheels for the machine's own Python, installed from here: the machine has no network.
version=$(basename "$(readlink "$root/usr/bin/python3")" | sed s/python//)
site=$root/usr/local/lib/python$version/dist-packages
platforms=$(printf -- '--platform manylinux_2_%s_x86_64 ' 17 28)
# shellcheck disable=SC2086
.venv/bin/pip install -q --disable-pip-version-check -c constraints.txt -r "$folder/requirements.txt" --target "$site" \
    --python-version "$version" --implementation cp $platforms --platform manylinux2014_x86_64 --only-binary=:all:

[ ! -d "$modules" ] || cp -a "$modules"/* "$root/lib/modules/"
cp -r .venv/lib/python3*/site-packages/rehearse-*.dist-info "$site" # its own name and version

cp "$root"/boot/vmlinuz-* "$folder/kernel"
cp "$root"/boot/initrd.img-* "$folder/initrd"
rm -rf "$root"/var/cache/apt/archives/*.deb
truncate -s 4G "$folder/disk"
mkfs.ext4 -q -d "$root" "$folder/disk"
rm -rf "$root"
echo "$wanted" >"$folder/made"
