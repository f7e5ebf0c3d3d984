#!/usr/bin/env bash
# Build the container by buildah on a Debian base made here, run it for real, and try what the Dockerfile promises.
# No Docker engine and no image registry is needed; root and Debian's buildah and debootstrap are.
# The machine's own settings of apt and pip (mirrors, certificates, local wheels) are lent to the build, never copied in.
set -euo pipefail
cd "$(dirname "$0")/../.."

((EUID == 0)) || { echo "image-test needs root: debootstrap and chroot do" >&2; exit 2; }
for program in buildah debootstrap; do
    command -v "$program" >/dev/null || { echo "image-test needs $program (apt install $program)" >&2; exit 2; }
done

work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
# Storage of its own: nothing of it is left behind, and nothing that was there is touched.
store=(--root "$work/storage" --runroot "$work/run")
finish() {
    buildah "${store[@]}" rm --all >/dev/null 2>&1 || true
    # What a broken run left mounted below would be deleted through its mount: it is the machine's own.
    if grep -q " $work/" /proc/self/mounts; then
        echo "left as it is, something is still mounted in it: $work" >&2
    else
        rm -rf --one-file-system "$work"
    fi
}
trap finish EXIT
say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }

# Where this machine gets Debian from: its first source, else the project's own address.
mirror=$({ cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } \
    | sed -nE 's/^(URIs:|deb( \[[^]]*\])?) +(https?:[^ ]+).*/\3/p' | head -n 1)
debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    bookworm "$work/base" "${mirror:-http://deb.debian.org/debian}" >"$work/debootstrap.log" 2>&1 \
    || { tail "$work/debootstrap.log" >&2; exit 1; }
rm -rf "$work/base/var/cache/apt/archives" "$work/base/var/lib/apt/lists"
printf 'FROM scratch\nADD . /\nCMD ["/bin/sh"]\n' >"$work/Basefile"
buildah "${store[@]}" bud --quiet --tag oai-base --file "$work/Basefile" "$work/base" >/dev/null
say "base: Debian bookworm with $("$work/base/usr/bin/python3" --version 2>/dev/null || echo python3), $(du -sm "$work/base" | cut -f1) MB"

# pip's whole configuration, files and environment, as the one file that the build sees, with the local folders it names.
python3 - "$work/pip.conf" >"$work/lent" <<'PYTHON'
import ast, pathlib, re, subprocess, sys

listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
settings = {}
for line in listed.splitlines():  # later lines win: files first, then the environment
    name, _, value = line.partition("=")
    if name.startswith((":env:.", "global.", "install.")) and "config-file" not in name:
        settings[name.rpartition(".")[2]] = ast.literal_eval(value)
conf = pathlib.Path(sys.argv[1])
conf.touch(mode=0o600)  # an address may carry a password
conf.write_text("[global]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))
folders = set()
for name, value in settings.items():
    for path in re.findall(r"(?:^|\s)(?:file://)?(/[^/\s][^\s]*)", value):
        # The pages of a local index point at files beside it.
        folders.add(pathlib.Path(path).parent if name.endswith("index-url") else pathlib.Path(path))
print(*sorted(str(path) for path in folders if path.exists() and len(path.parts) > 2), sep="\n")
PYTHON
lent=(--volume "$work/pip.conf:/etc/pip.conf:ro")
while read -r path; do [[ -z $path ]] || lent+=(--volume "$path:$path:ro"); done <"$work/lent"

buildah "${store[@]}" bud --format docker --network host --build-arg BASE=localhost/oai-base "${lent[@]}" \
    --tag oai-server . >"$work/build.log" 2>&1 || { tail -n 30 "$work/build.log" >&2; exit 1; }
say "image built"
buildah "${store[@]}" inspect --type image oai-server >"$work/image.json"

container=$(buildah "${store[@]}" from --pull-never oai-server)
root=$(buildah "${store[@]}" mount "$container")
python3 - "$work/image.json" "$root" <<'PYTHON'
import json, pathlib, sys

config = json.loads(pathlib.Path(sys.argv[1]).read_text())["Docker"]["config"]
root = pathlib.Path(sys.argv[2])
assert config["User"] not in ("", "root", "0"), config["User"]
assert "/instance" in config["Volumes"], config
assert "8000/tcp" in config["ExposedPorts"], config
assert config["Healthcheck"]["Test"][0] == "CMD", config
compilers = [p for name in ("cc", "gcc*", "c++", "g++*", "clang*", "tcc", "make", "ld", "as", "rustc") for d in ("bin", "usr/bin", "usr/local/bin", "app/bin") for p in (root / d).glob(name)]
assert not compilers, compilers
left = [p for p in (root / "source", root / "app" / "bin" / "pip", root / "root" / ".cache" / "pip") if p.exists()]
assert not left, left
size = sum(p.lstat().st_size for p in (root / "app").rglob("*") if p.is_file() and not p.is_symlink())
print(f"       user {config['User']}, volume, port, healthcheck; no compiler; /app has {size / 1e6:.0f} MB")
PYTHON
buildah "${store[@]}" umount "$container" >/dev/null

# The instance is a volume: a folder of the host, owned by the image's user.
mkdir "$work/instance"
chown 10001:10001 "$work/instance"
chmod 755 "$work"
"${PYTHON:-.venv/bin/python}" tests/image/try.py "$work" "$container" "${store[@]}"
say "done"
