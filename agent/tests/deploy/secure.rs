//! What the agents may do: no more than docs/security.md says.

use serde_json::{Value, json};

use crate::objects::Objects;
use crate::{chart, kustomize};

fn renderings() -> Vec<(String, Objects)> {
    let folders = kustomize::FOLDERS.map(str::to_owned).into_iter();
    let folders = folders.map(|folder| {
        let objects = Objects::parse(&kustomize::render(&folder));
        (folder, objects)
    });
    let examples = chart::examples().into_iter().map(|example| {
        let objects = Objects::parse(&chart::render(&[&example]));
        (example, objects)
    });
    let plain = ("chart".to_owned(), Objects::parse(&chart::render(&[])));
    folders.chain(examples).chain([plain]).collect()
}

fn has_mount(pod: &Value, path: &str) -> bool {
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    mounts.iter().any(|mount| mount["mountPath"] == path)
}

#[test]
fn agents_have_the_capabilities_that_they_need_and_nothing_else() {
    for (name, objects) in renderings() {
        let pod = objects.pod();
        assert_eq!(pod["hostNetwork"], Value::Null, "{name}");
        assert_eq!(pod["hostIPC"], Value::Null, "{name}");
        let security = &pod["containers"][0]["securityContext"];
        assert_eq!(security["privileged"], false, "{name}");
        assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(
            security["seccompProfile"],
            json!({"type": "RuntimeDefault"})
        );
        let mut add = vec!["BPF", "NET_ADMIN", "PERFMON"];
        // To enter the pods' network namespaces, which are mounted for that.
        if has_mount(pod, "/run/netns") {
            add.push("SYS_ADMIN");
        }
        if pod["hostPID"] == true {
            add.push("SYS_PTRACE");
        }
        let wanted = json!({"drop": ["ALL"], "add": add});
        assert_eq!(security["capabilities"], wanted, "{name}");
    }
}

#[test]
fn namespaces_are_entered_everywhere_but_where_least_privilege_is_asked_for() {
    for (name, objects) in renderings() {
        let least = name.contains("least-privilege");
        assert_eq!(has_mount(objects.pod(), "/run/netns"), !least, "{name}");
    }
}

/// Only what must be of the host is: the cgroup hierarchy and the namespaces to read, the folder of incidents to write.
#[test]
fn of_the_hosts_files_only_incidents_can_be_written() {
    for (name, objects) in renderings() {
        let pod = objects.pod();
        let volumes = pod["volumes"].as_array().unwrap();
        let of_host = volumes.iter().filter(|one| one.get("hostPath").is_some());
        for volume in of_host {
            let path = volume["hostPath"]["path"].as_str().unwrap();
            let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
            let mount = mounts.iter().find(|one| one["name"] == volume["name"]);
            let read_only = mount.unwrap()["readOnly"] == true;
            match path {
                "/sys/fs/cgroup" | "/run/netns" => assert!(read_only, "{name}: {path}"),
                "/var/lib/evenkeel" => {}
                _ => panic!("{name}: {path} of the host"),
            }
        }
    }
}

#[test]
fn roles_allow_reading_and_no_secrets() {
    for (name, objects) in renderings() {
        let roles = [objects.all("ClusterRole"), objects.all("Role")].concat();
        assert!(!roles.is_empty(), "{name}");
        for rule in roles
            .iter()
            .flat_map(|role| role["rules"].as_array().unwrap())
        {
            assert_eq!(rule["verbs"], json!(["list", "watch"]), "{name}");
            for resource in rule["resources"].as_array().unwrap() {
                let resource = resource.as_str().unwrap();
                let known = ["services", "endpointslices", "pods"];
                assert!(known.contains(&resource), "{name}: {resource}");
            }
        }
    }
}
