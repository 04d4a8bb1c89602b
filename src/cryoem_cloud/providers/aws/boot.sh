# What a machine does first: userdata.py puts `#!/bin/bash` and the values before this. No secret
# is in here: whoever is on the machine reads it. Needs bash, curl 7.86 or newer, tar, and mkfs.
shutdown -P "+$dead_man_min" # first of all: whatever hangs from here on, the machine ends
set -uo pipefail
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=/run/cryoem # the agent's own; its disk is below $scratch
log=$here/boot.log
imds=${AWS_EC2_METADATA_SERVICE_ENDPOINT:-http://169.254.169.254}/latest
domain=amazonaws.com
[[ $region == cn-* ]] && domain+=.cn
endpoint=${AWS_ENDPOINT_URL:-}
instance=

say() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*"; }

# --- the machine's metadata and credentials -----------------------------------------------------

told() { # a path of the metadata
    curl -sf --noproxy '*' --max-time 5 --retry 3 -H "X-aws-ec2-metadata-token: $token" \
        "$imds/meta-data/$1"
}

begin_session() {
    token=$(curl -sf --noproxy '*' --max-time 5 --retry 5 --retry-connrefused -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 21600' "$imds/api/token") || return 1
    instance=$(told instance-id) && role=$(told iam/security-credentials/) || return 1
    role=${role%%$'\n'*}
}

credentials() { # as curl's own configuration, so that `ps` shows nothing
    local given key secret session
    given=$(told "iam/security-credentials/$role") || return 1
    word() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$given"; }
    key=$(word AccessKeyId) secret=$(word SecretAccessKey) session=$(word Token)
    printf 'user = "%s:%s"\nheader = "X-Amz-Security-Token: %s"\n' "$key" "$secret" "$session"
}

signed() { # a service, and what curl is to do
    local service=$1
    shift
    curl -sS --fail --config <(credentials) --aws-sigv4 "aws:amz:$region:$service" \
        --connect-timeout 5 --retry 4 --retry-connrefused "$@"
}

object() { # the address of an object of the store's bucket, as it is signed
    set -- "${1//@/%40}"
    if [[ $endpoint ]]; then
        printf '%s/%s/%s' "${endpoint%/}" "$bucket" "$1"
    elif [[ $bucket == *.* ]]; then # no certificate is for such a name
        printf 'https://s3.%s.%s/%s/%s' "$region" "$domain" "$bucket" "$1"
    else
        printf 'https://%s.s3.%s.%s/%s' "$bucket" "$region" "$domain" "$1"
    fi
}

sha256() { sha256sum | cut -d' ' -f1; }

get() { # an object, into a file
    signed s3 --max-time 600 -H "X-Amz-Content-Sha256: $(sha256 </dev/null)" \
        -o "$2" "$(object "$1")"
}

put() { # a file below 1 MiB, as an object: of more curl adds a header that it has not signed
    signed s3 --max-time 60 -X PUT -H "X-Amz-Content-Sha256: $(sha256 <"$2")" \
        -H 'Content-Type: text/plain' --data-binary "@$2" "$(object "$1")" -o /dev/null
}

ask() { # a service of AWS's: its version, and the words of the call
    local service=$1 words=(--data-urlencode "Version=$2")
    shift 2
    for word in "$@"; do words+=(--data-urlencode "$word"); done
    signed "$service" --max-time 20 -o /dev/null "${words[@]}" \
        "${endpoint:-https://$service.$region.$domain/}"
}

# --- the end of a machine that failed -----------------------------------------------------------

fail() { # why, in a line; the first one to say it counts
    mkdir "$here/failing" 2>/dev/null || sleep 600
    say "failed: $1"
    sleep 1 # for tee
    [[ $instance ]] || begin_session
    tail -c 1000000 "$log" >"$here/boot"
    put "$prefix$project/jobs/$job/machines/$instance/boot" "$here/boot"
    local why=${1//[^A-Za-z0-9 +=.:\/@_-]/_}
    ask ec2 2016-11-15 Action=CreateTags "ResourceId.1=$instance" Tag.1.Key=cryoem:state \
        Tag.1.Value=failed Tag.2.Key=cryoem:why "Tag.2.Value=${why:0:256}"
    ask autoscaling 2011-01-01 Action=TerminateInstanceInAutoScalingGroup \
        "InstanceId=$instance" ShouldDecrementDesiredCapacity=true
    shutdown -h now
    sleep 600 # nothing else is to begin
    exit 1
}

watch() { # sees to it that the agent is up in time
    sleep "$patience_s"
    [[ -e $here/up ]] || fail "the agent did not come up within $patience_s s"
}

# --- a disk for the work ------------------------------------------------------------------------

stores() { # the disks of the instance store that nothing uses yet
    local disk
    for link in /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*; do
        [[ -e $link && $link != *-part* ]] && readlink -f "$link"
    done | sort -u | while read -r disk; do
        [[ $(ls "/sys/block/${disk##*/}/holders" 2>/dev/null) ]] && continue
        grep -q "^$disk[p0-9]* " /proc/mounts || echo "$disk"
    done
}

striped() { # one device of several
    local one
    if command -v mdadm >/dev/null; then
        mdadm --create /dev/md/cryoem --run --force --level=0 --raid-devices=$# "$@" >&2 &&
            readlink -f /dev/md/cryoem
    elif command -v lvcreate >/dev/null; then
        vgcreate -y cryoem "$@" >&2 &&
            lvcreate -y -Wn -n scratch -i $# -I 256 -l 100%FREE cryoem >&2 &&
            echo /dev/cryoem/scratch
    else
        say "neither mdadm nor lvm is here: one of $# disks is used" >&2
        for one; do printf '%s %s\n' "$(blockdev --getsize64 "$one")" "$one"; done |
            sort -rn | head -1 | cut -d' ' -f2
    fi
}

formatted() { # a device; without a journal, as nothing on it outlives the machine
    if command -v mkfs.ext4 >/dev/null; then
        mkfs.ext4 -q -F -m 0 -O ^has_journal -E nodiscard,lazy_itable_init=1 "$1"
    else
        mkfs.xfs -q -f -K "$1"
    fi
}

make_scratch() {
    local disks device
    mapfile -t disks < <(stores)
    mkdir -p "$scratch"
    chmod 700 "$scratch"
    if ((${#disks[@]} > 1)) && ! command -v mdadm lvcreate >/dev/null &&
        command -v mkfs.btrfs >/dev/null; then
        mkfs.btrfs -q -f -d raid0 -m raid0 "${disks[@]}" && device=${disks[0]}
    elif ((${#disks[@]})); then
        device=${disks[0]}
        ((${#disks[@]} > 1)) && device=$(striped "${disks[@]}")
        [[ $device ]] && formatted "$device" || device=
    fi
    if [[ ${device:-} ]] && mount -o noatime "$device" "$scratch"; then
        say "scratch: ${#disks[@]} disks of the instance store"
    else
        say "scratch: the root volume"
    fi
    df -h "$scratch"
}

# --- the whole ----------------------------------------------------------------------------------

use_https() { # for the packages of Debian and Ubuntu, whose servers have it: no other port is open
    local ubuntu='([a-z0-9-]+\.)*(archive|security|ports)\.ubuntu\.com'
    local hosts="($ubuntu|(cdn-aws\.deb|deb|security)\.debian\.org)"
    find "${1:-/etc/apt}" -maxdepth 2 \( -name '*.list' -o -name '*.sources' \) -exec sed -i -E \
        "s#http://$hosts#https://\1#; s#https://[a-z0-9-]+\.ec2\.archive#https://archive#" {} +
}

set_up() {
    [[ $install ]] || return 0
    if [[ -d /etc/apt/apt.conf.d ]]; then # a system that just booted updates itself meanwhile
        echo 'DPkg::Lock::Timeout "600";' >/etc/apt/apt.conf.d/95cryoem
        use_https
    fi
    say "set-up: $install"
    bash -c "$install" </dev/null || fail "the set-up line ended with code $?"
}

fetch_agent() {
    get "$archive" "$scratch/agent.tar.gz" || fail "the agent could not be fetched: curl ended with $?"
    [[ $(sha256 <"$scratch/agent.tar.gz") == "$digest" ]] ||
        fail "the archive of the agent is not the one that was ordered"
    mkdir -p "$scratch/agent" && tar -xzf "$scratch/agent.tar.gz" -C "$scratch/agent" ||
        fail "the archive of the agent cannot be unpacked: code $?"
    rm -f "$scratch/agent.tar.gz"
}

run_agent() {
    # What a login has (modules, paths of programs) is for the user's programs, not for the agent.
    bash -l -c 'env -0' </dev/null >"$here/environment" || : >"$here/environment"
    say "the agent starts"
    env AWS_REGION="$region" "$scratch/agent/agent" --aws --store "$store" --project "$project" \
        --job "$job_number" --machine "$here" --scratch "$scratch/work" --group "$group" \
        --limit "$limit_s" --until "$until_s" <"$here/environment" ||
        fail "the agent ended with code $?: $(sleep 1 && tail -n 1 "$log" | cut -c -200)"
}

main() {
    say "machine of $group"
    for _ in 1 2 3 4 5 6; do begin_session && break || sleep 5; done
    [[ $instance ]] || fail "the machine has no metadata or no role"
    make_scratch
    set_up
    fetch_agent
    run_agent
    say "the agent has left"
    shutdown -h now
}

mkdir -p "$here"
chmod 700 "$here"
exec > >(tee -a "$log") 2>&1 # cloud-init keeps it too, for the console
watch &
main
