# What machines and builders of images begin with: userdata.py puts `#!/bin/bash` and the values
# before this, and boot.sh or build.sh behind it. No secret is in here: whoever is on the machine
# reads it. Needs bash, curl 7.86 or newer, and tar.
shutdown -P "+$dead_man_min" # first of all: whatever hangs from here on, the machine ends
set -uo pipefail
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=/run/cryoem # the agent's own; its disk is below $scratch
log=$here/boot.log
kept=/opt/cryoem/agent/$digest # where an image has the agent
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

# --- what goes on the machine -------------------------------------------------------------------

use_https() { # for the packages of Debian and Ubuntu, whose servers have it: no other port is open
    local ubuntu='([a-z0-9-]+\.)*(archive|security|ports)\.ubuntu\.com'
    local hosts="($ubuntu|(cdn-aws\.deb|deb|security)\.debian\.org)"
    find "${1:-/etc/apt}" -maxdepth 2 \( -name '*.list' -o -name '*.sources' \) -exec sed -i -E \
        "s#http://$hosts#https://\1#; s#https://[a-z0-9-]+\.ec2\.archive#https://archive#" {} +
}

prepare_apt() {
    [[ -d /etc/apt/apt.conf.d ]] || return 0
    # A system that just booted updates itself meanwhile.
    echo 'DPkg::Lock::Timeout "600";' >/etc/apt/apt.conf.d/95cryoem
    use_https
}

fetch_agent() { # into a folder; `fail` is the script's own
    local archive_here=$1/archive.tar.gz
    mkdir -p "$1" || fail "there is no folder for the agent: code $?"
    get "$archive" "$archive_here" || fail "the agent could not be fetched: curl ended with $?"
    [[ $(sha256 <"$archive_here") == "$digest" ]] ||
        fail "the archive of the agent is not the one that was ordered"
    tar -xzf "$archive_here" -C "$1" || fail "the archive of the agent cannot be unpacked: code $?"
    rm -f "$archive_here"
}

begin_log() { # cloud-init keeps it too, for the console
    mkdir -p "$here"
    chmod 700 "$here"
    exec > >(tee -a "$log") 2>&1
}

