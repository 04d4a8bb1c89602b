# What the builder of a machine image does, behind common.sh: the user's script, the agent, and then
# it forgets who it is. It waits for the image to be taken, and ends by itself in any case.

place=$prefix$project/$group # in the store: the script, what it printed, how it ended
relion=

send_log() { tail -c 1000000 "$log" >"$here/tail" && put "$place/log" "$here/tail"; }

keep_sending() {
    local sent=
    while sleep 10; do
        [[ $(wc -c <"$log") == "$sent" ]] && continue
        sent=$(wc -c <"$log")
        send_log
    done
}

tell() { # how it went: a code, and why
    sleep 1 # for tee
    send_log
    printf 'code=%s\nwhy=%s\nrelion=%s\n' "$1" "$2" "$relion" >"$here/result"
    put "$place/result" "$here/result"
}

tag() { # how far the machine is, and why
    local why=${2//[^A-Za-z0-9 +=.:\/@_-]/_}
    ask ec2 2016-11-15 Action=CreateTags "ResourceId.1=$instance" Tag.1.Key=cryoem:state \
        "Tag.1.Value=$1" Tag.2.Key=cryoem:why "Tag.2.Value=${why:0:256}"
}

quiet() { # stops services of the system's own, until the next boot
    [[ -d /run/systemd/system ]] && systemctl stop "$@" 2>/dev/null
}

fail() { # why, in a line, and the script's exit code; the first one to say it counts
    mkdir "$here/failing" 2>/dev/null || sleep 600
    say "failed: $1"
    [[ $instance ]] || begin_session
    tell "${2:-255}" "$1"
    tag failed "$1"
    shutdown -h now
    sleep 600 # nothing else is to begin
    exit 1
}

run_script() {
    local code given=()
    get "$place/script" "$here/script" || fail "the script could not be fetched: curl ended with $?"
    [[ $(sha256 <"$here/script") == "$script_digest" ]] || fail "the script is another one"
    [[ $variables ]] && mapfile -t given <<<"$variables"
    quiet apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service
    prepare_apt
    say "the script begins"
    cd /root || cd /
    timeout --kill-after=30 "$limit_s" env "${given[@]}" bash "$here/script" </dev/null
    code=$?
    cd /
    [[ $code == 124 ]] && fail "the script did not end within $limit_s s" 124
    [[ $code == 0 ]] || fail "the script ended with code $code" "$code"
    say "the script has ended"
}

place_agent() {
    fetch_agent "$kept"
    say "the agent is in $kept"
}

look_for_relion() { # as jobs will find it; or the script has printed such a line of a container's
    timeout 60 bash -l -c 'command -v relion_refine >/dev/null && relion_refine --version' </dev/null
    sleep 1 # for tee
    relion=$(sed -n 's/.*RELION version: *\([0-9][0-9A-Za-z.-]*\).*/\1/p' "$log" | tail -n 1)
}

forget_itself() { # nothing of this machine, and nobody's key, is to be in others
    say "what is this machine's own is removed"
    exec >>"$log" 2>&1 # the console's log is one of those that go
    quiet apt-daily.service apt-daily-upgrade.service docker.socket docker containerd \
        rsyslog ssh.socket ssh sshd
    command -v cloud-init >/dev/null && cloud-init clean --logs >/dev/null 2>&1
    rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem
    rm -f /etc/ssh/ssh_host_* /etc/sudoers.d/90-cloud-init-users /var/lib/systemd/random-seed
    rm -rf /var/lib/dhcp/* /var/lib/amazon/ssm/* /etc/netplan/50-cloud-init.yaml
    local home
    for home in /root /home/*; do
        rm -rf "$home"/.ssh "$home"/.aws "$home"/.docker "$home"/.apptainer "$home"/.cache \
            "$home"/.netrc "$home"/.*_history "$home"/.lesshst "$home"/.wget-hsts
    done
    : >/etc/machine-id
    rm -f /var/lib/dbus/machine-id
    command -v apt-get >/dev/null && apt-get clean
    rm -rf /var/log/journal/* /tmp/* /var/tmp/*
    find /var/log -xdev -type f -exec truncate -s 0 {} +
}

main() {
    say "builder of $group"
    for _ in 1 2 3 4 5 6; do begin_session && break || sleep 5; done
    [[ $instance ]] || fail "the builder has no metadata or no role"
    tag up ""
    keep_sending &
    local sending=$!
    run_script
    place_agent
    look_for_relion
    kill "$sending"
    forget_itself
    sync
    tell 0 "" # the image is taken from now on: nothing more is written to the disk
    sleep "$wait_s"
    shutdown -h now
}

begin_log
main
