//! Row D6: real runtimes, each with a container whose init sleeps, and a command that comes into it
//! from outside and leaves an orphan there.

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::json;

use crate::{
    namespaces::stays_with_an_init_that_sleeps,
    story::{Story, has, scratch},
};

/// A root file system for containers: busybox, and the places that runtimes mount on.
fn rootfs(at: &Path) {
    for folder in ["bin", "dev", "etc", "proc", "sys", "tmp", "usr"] {
        fs::create_dir_all(at.join(folder)).expect("a folder");
    }
    let path = std::env::var_os("PATH").expect("PATH");
    let busybox = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
    let busybox = busybox.into_iter().find(|file| file.exists()).expect("busybox is needed");
    fs::copy(busybox, at.join("bin/busybox")).expect("a copy");
    for applet in ["sh", "sleep"] {
        symlink("busybox", at.join("bin").join(applet)).expect("a link");
    }
}

/// `starts` runs `sleep 60` as the init of a container and sets `$init` to its pid, `enters` runs
/// `$LEAVE` in it, `ends` is what is left to do when the init has been killed.
fn leaves_an_orphan(starts: &str, enters: &str, ends: &str) {
    let folder = scratch("container");
    rootfs(&folder.join("rootfs"));
    let script = format!(
        "set -e; cd {}; LEAVE='(/bin/sleep 0.2 &)'
        {starts}
        until [ \"$(cat /proc/$init/comm)\" = sleep ]; do sleep 0.05; done
        {enters}
        orphan=; until [ \"$orphan\" ]; do orphan=$(cat /proc/$init/task/$init/children); done
        sleep 1.6
        echo init=$init; echo orphan=$orphan
        kill -9 $init
        {ends}
        sleep 0.5",
        folder.display()
    );
    let story = Story::of_command(&["bash", "-c", &script]);
    fs::remove_dir_all(folder).expect("the folder");
    let (init, orphan) =
        (story.number("init"), story.fact("orphan").trim().parse().expect("a pid"));
    has(story.one("fork", init), &[("ns_pid", json!(1))]);
    stays_with_an_init_that_sleeps(&story, orphan, init);
}

#[test]
fn d6_runc_exec_leaves_an_orphan_to_an_init_that_never_knew_it() {
    leaves_an_orphan(
        "runc spec
        sed -i 's/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"sleep\", \"60\"/' config.json
        runc --root run run --detach --pid-file pid d6 </dev/null >log 2>&1
        init=$(cat pid)",
        "runc --root run exec d6 /bin/sh -c \"$LEAVE\"",
        "runc --root run delete --force d6",
    );
}

#[test]
fn d6_containerd_exec_leaves_an_orphan_to_an_init_that_never_knew_it() {
    leaves_an_orphan(
        "{ echo 'version = 2'
        echo 'disabled_plugins = [\"io.containerd.grpc.v1.cri\"]'
        echo \"root = \\\"$PWD/root\\\"\"; echo \"state = \\\"$PWD/state\\\"\"
        echo '[grpc]'; echo \"address = \\\"$PWD/socket\\\"\"; } >config
        containerd --config config >log 2>&1 & daemon=$!
        export CONTAINERD_ADDRESS=$PWD/socket
        until ctr version >log2 2>&1; do sleep 0.1; done
        ctr run --detach --rootfs $PWD/rootfs d6 /bin/sleep 60
        init=$(ctr task ls | awk '$1 == \"d6\" { print $2 }')",
        "ctr task exec --exec-id enters d6 /bin/sh -c \"$LEAVE\"",
        "until ctr task ls | grep -q STOPPED; do sleep 0.1; done
        ctr task delete d6 >log2 2>&1 || true; ctr container delete d6; kill $daemon; wait $daemon || true",
    );
}

#[test]
fn d6_bubblewrap_joined_by_nsenter_leaves_an_orphan_to_an_init_that_never_knew_it() {
    leaves_an_orphan(
        "bwrap --unshare-pid --as-pid-1 --bind rootfs / --proc /proc /bin/sleep 60 & outer=$!
        init=; until [ \"$init\" ]; do init=$(cat /proc/$outer/task/$outer/children); done
        init=$((init))",
        "nsenter --target $init --pid sh -c \"$LEAVE\"",
        "wait $outer || true",
    );
}

#[test]
fn d6_nspawn_joined_by_nsenter_leaves_an_orphan_to_an_init_that_never_knew_it() {
    leaves_an_orphan(
        "systemd-nspawn --quiet --directory rootfs --register=no --keep-unit --pipe /bin/sleep 60 \
         </dev/null >log 2>&1 & outer=$!
        find_init() { for child in $(cat /proc/$outer/task/$outer/children); do
            [ \"$(cat /proc/$child/comm)\" != sleep ] || init=$child; done; }
        init=; until find_init; [ \"$init\" ]; do sleep 0.05; done",
        "nsenter --target $init --pid sh -c \"$LEAVE\"",
        "wait $outer || true",
    );
}
