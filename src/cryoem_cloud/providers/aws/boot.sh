# What a machine of a job does first, behind common.sh. Needs mkfs too.

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

# --- the door, for who submitted the job and asked for it -----------------------------------------

let_in() { # by that one key; the machine's own keys go into the store, for ssh to know it by
    [[ $ssh_key ]] || return 0
    mkdir -p -m 700 /root/.ssh /run/sshd && mkdir -p /etc/ssh/sshd_config.d
    printf '%s\n' "$ssh_key" >>/root/.ssh/authorized_keys
    chmod 600 /root/.ssh/authorized_keys
    printf '%s\n' 'PermitRootLogin prohibit-password' 'PasswordAuthentication no' \
        'KbdInteractiveAuthentication no' 'ClientAliveInterval 60' 'ClientAliveCountMax 5' >/etc/ssh/sshd_config.d/00-cryoem.conf
    ssh-keygen -A && cat /etc/ssh/ssh_host_*_key.pub >"$here/hostkeys" &&
        put "$prefix$project/jobs/$job/machines/$instance/hostkeys" "$here/hostkeys" ||
        say "this machine has no ssh server, or its keys cannot be told"
    systemctl restart ssh || systemctl restart sshd
}

# --- the whole ----------------------------------------------------------------------------------

set_up() {
    [[ $install ]] || return 0
    prepare_apt
    say "set-up: $install"
    bash -c "$install" </dev/null || fail "the set-up line ended with code $?"
}

place_agent() { # an image may have the very one that was ordered
    agent=$kept
    if [[ -x $agent/agent ]]; then
        say "the agent is the image's"
    else
        agent=$scratch/agent
        fetch_agent "$agent"
    fi
}

run_agent() {
    # What a login has (modules, paths of programs) is for the user's programs, not for the agent.
    bash -l -c 'env -0' </dev/null >"$here/environment" || : >"$here/environment"
    say "the agent starts"
    env AWS_REGION="$region" "$agent/agent" --aws --store "$store" --project "$project" \
        --job "$job_number" --machine "$here" --scratch "$scratch/work" --group "$group" \
        --limit "$limit_s" --until "$until_s" <"$here/environment" ||
        fail "the agent ended with code $?: $(sleep 1 && tail -n 1 "$log" | cut -c -200)"
}

main() {
    say "machine of $group"
    for _ in 1 2 3 4 5 6; do begin_session && break || sleep 5; done
    [[ $instance ]] || fail "the machine has no metadata or no role"
    make_scratch
    let_in
    set_up
    place_agent
    run_agent
    say "the agent has left"
    shutdown -h now
}

begin_log
watch &
main
