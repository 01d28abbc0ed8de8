#!/usr/bin/env bash
# Builds the test machine's disk: Debian 12 with systemd as users have it, and what a Caravela host needs.
# Usage: build-base.sh DIRECTORY; leaves base.ext4, vmlinuz and initrd.img there, once. Installs what it needs itself.
set -euo pipefail
target=$1
guest=$(cd "$(dirname "$0")/guest" && pwd)

tools=(mmdebstrap qemu-system-x86 e2fsprogs)
missing=()
for package in "${tools[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

[ ! -e "$target/base.ext4" ] || exit 0

# A machine, then what scripts/setup.sh installs to run containers.
packages=(linux-image-cloud-amd64 initramfs-tools systemd-sysv udev dbus kmod iproute2 procps
  conmon runc crun golang-github-containers-common nftables busybox-static etcd-server)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  bookworm "$root/tree"

tree=$root/tree
echo caravela-vm >"$tree/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 caravela-vm\n' >"$tree/etc/hosts"
printf 'LABEL=root / ext4 defaults 0 1\nLABEL=program /opt/caravela ext4 ro 0 0\n' >"$tree/etc/fstab"
mkdir -p "$tree/opt/caravela"
install -m 755 "$guest/agent" "$tree/usr/local/sbin/test-agent"
install -m 644 "$guest/test-agent.service" "$tree/etc/systemd/system/"
install -m 644 "$guest/80-wired.network" "$tree/etc/systemd/network/"
systemctl --root="$tree" --quiet enable test-agent.service systemd-networkd.service

cp "$tree"/boot/vmlinuz-* "$target/vmlinuz"
cp "$tree"/boot/initrd.img-* "$target/initrd.img"
truncate -s 2G "$target/base.ext4.new"
mke2fs -q -t ext4 -L root -d "$tree" "$target/base.ext4.new"
mv "$target/base.ext4.new" "$target/base.ext4"
