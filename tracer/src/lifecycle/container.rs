//! Which container a process is in, as far as the names say that runtimes give their cgroups.

/// A container, as its runtime names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container<'a> {
    /// The runtime.
    pub runtime: &'static str,
    /// Its id, or its name where the runtime has only names.
    pub id: &'a str,
    /// The Kubernetes pod it belongs to, as written in the path.
    pub pod: Option<&'a str>,
}

/// What stands before the id in the scopes that runtimes ask systemd for.
const SCOPES: [(&str, &str); 7] = [
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("docker-", "docker"),
    ("crio-", "cri-o"),
    ("libpod-", "podman"),
    ("machine-", "systemd-nspawn"),
    ("lxc.payload.", "lxc"),
];

/// The innermost container of a cgroup path.
pub fn of(cgroup: &[u8]) -> Option<Container<'_>> {
    let path = str::from_utf8(cgroup).ok()?;
    let above = path.rsplit('/').skip(1).chain([""]);
    let mut parts = path.rsplit('/').zip(above);
    let (runtime, id) =
        parts.find_map(|(part, above)| named(part).or_else(|| bare(part, above)))?;
    Some(Container { runtime, id, pod: path.split('/').find_map(pod) })
}

/// A directory whose name says whose it is. `crio-conmon-` and the like are the runtime's own helpers.
fn named(part: &str) -> Option<(&'static str, &str)> {
    if let Some(service) = part.strip_prefix("systemd-nspawn@") {
        return Some(("systemd-nspawn", service.strip_suffix(".service")?));
    }
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let (prefix, runtime) = SCOPES.iter().find(|(prefix, _)| name.starts_with(prefix))?;
    let id = &name[prefix.len()..];
    let has_names = matches!(*runtime, "systemd-nspawn" | "lxc");
    (has_names && !id.is_empty() || is_id(id)).then_some((*runtime, id))
}

/// An id alone, below a directory of its runtime or of its pod.
fn bare<'a>(part: &'a str, above: &str) -> Option<(&'static str, &'a str)> {
    let runtime = match above {
        "docker" => "docker",
        "libpod_parent" => "podman",
        _ if pod(above).is_some() => "kubernetes",
        _ => return None,
    };
    is_id(part).then_some((runtime, part))
}

/// What the kubelet calls the directory of a pod, with each driver of its.
fn pod(part: &str) -> Option<&str> {
    let name = part.strip_suffix(".slice").unwrap_or(part);
    let uid = match name.strip_prefix("kubepods") {
        Some(rest) => rest.rsplit_once("-pod").map(|(_, uid)| uid)?,
        None => name.strip_prefix("pod")?,
    };
    let is_uid =
        uid.len() >= 32 && uid.bytes().all(|c| c.is_ascii_hexdigit() || b"-_".contains(&c));
    is_uid.then_some(uid)
}

/// As runtimes make them up: 256 bits in hexadecimal.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn found(path: &str) -> Option<(&'static str, String, Option<String>)> {
        let path = path.replace("ID", ID);
        of(path.as_bytes())
            .map(|found| (found.runtime, found.id.replace(ID, "ID"), found.pod.map(str::to_owned)))
    }

    #[test]
    fn each_runtime_is_known_by_the_names_it_gives() {
        let systemd = "8a5e8b7c_1d2f_4f4e_9d3c_0123456789ab";
        let plain = "8a5e8b7c-1d2f-4f4e-9d3c-0123456789ab";
        for (path, runtime, id, pod) in [
            ("/system.slice/docker-ID.scope", "docker", "ID", None),
            ("/docker/ID", "docker", "ID", None),
            ("/machine.slice/libpod-ID.scope/container", "podman", "ID", None),
            ("/libpod_parent/ID", "podman", "ID", None),
            ("/system.slice/nerdctl-ID.scope", "containerd", "ID", None),
            ("/machine.slice/machine-web.scope", "systemd-nspawn", "web", None),
            ("/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn", "web", None),
            ("/lxc.payload.web/system.slice", "lxc", "web", None),
            (
                &format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{systemd}.slice/cri-containerd-ID.scope"
                ),
                "containerd",
                "ID",
                Some(systemd),
            ),
            (
                &format!("/kubepods.slice/kubepods-pod{systemd}.slice/crio-ID.scope"),
                "cri-o",
                "ID",
                Some(systemd),
            ),
            (&format!("/kubepods/besteffort/pod{plain}/ID"), "kubernetes", "ID", Some(plain)),
        ] {
            let expected = (runtime, id.to_owned(), pod.map(str::to_owned));
            assert_eq!(found(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn the_innermost_container_counts() {
        let inside = "/docker/ID/docker/".replace("ID", &ID.replace('0', "f")) + ID;
        assert_eq!(of(inside.as_bytes()).map(|found| found.id), Some(ID));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for path in [
            "/",
            "/user.slice/user-1000.slice/session-3.scope",
            "/docker/short",
            "/system.slice/docker.service",
            "/system.slice/crio-conmon-ID.scope",
            "/pods/podium/ID",
            "/elsewhere/ID",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
        assert_eq!(of(b"/docker/\xff"), None);
    }
}
