# Becomes the systemd of a machine: PID 1 of its namespaces, in a copy of the host's root that is kept in memory.
# $1: an empty folder; $2: where the host mounts the root of its cgroup v2 hierarchy.
set -eu
machine=$1 cgroups=$2

mount --make-rprivate /
mount -t tmpfs -o size=2g,mode=755 machine "$machine"
mkdir "$machine/upper" "$machine/work" "$machine/root"
mount -t overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" machine "$machine/root"
cd "$machine/root"

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
# The kernel's settings are the host's: nothing in here may change them.
mount -o remount,bind,ro sys
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
# The machine has a part of the hierarchy, the agent attaches to its root.
mkdir host-cgroup
mount --bind "$cgroups" host-cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up

# Of the host's services none is enabled, and packages may start theirs.
rm -rf etc/systemd/system usr/sbin/policy-rc.d
mkdir -p etc/systemd/system/evenkeel.service.d
tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id
cat > etc/systemd/system/machine.target <<'END'
[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
END
cat > etc/systemd/system/evenkeel.service.d/machine.conf <<'END'
[Service]
ExecStart=
ExecStart=/usr/bin/evenkeel run --config /etc/evenkeel/evenkeel.yaml --cgroup /host-cgroup
# Five ticks, which the agent asks for at least.
WatchdogSec=5s
END

mkdir old
pivot_root . old
umount -l /old
rmdir /old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=machine.target --log-target=journal --log-level=notice
