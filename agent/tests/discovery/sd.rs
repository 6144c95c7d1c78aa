//! Files in the format of Prometheus' `file_sd`.

use std::fs;
use std::time::Instant;

use crate::bed::{changes, config, follows, pool, pools, weights};
use crate::common::agent;
use crate::host::on_own_host;

#[test]
fn files_are_followed_and_configured_pools_win() {
    on_own_host(|_| {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "shop.json",
            r#"[{"targets": ["192.0.2.1:80", "192.0.2.2:80"], "labels": {"zone": "a"}}]"#,
        );
        write(
            "fixed.yml",
            "[{targets: ['192.0.2.9:80'], labels: {job: fixed}}]",
        );
        let text = config(&format!(
            "{{file_sd: {{files: ['{0}/*.json', '{0}/fixed.yml']}}}}",
            folder.path().display()
        ));
        let fixed = "pools: [{name: fixed, backends: [{address: 192.0.2.7:80}]}]\n";
        let agent = agent(&(text.clone() + fixed));
        assert_eq!(pools(&agent)["shop"], "file_sd");
        assert_eq!(pools(&agent)["fixed"], "config");
        assert_eq!(
            agent
                .log()
                .matches("pool fixed: that of the configuration is watched")
                .count(),
            1
        );

        // A file that comes to match, and one that changes.
        write("api.json", r#"[{"targets": ["[2001:db8::1]:443"]}]"#);
        write(
            "shop.json",
            r#"[{"targets": ["192.0.2.1:80"]}, {"targets": ["192.0.2.3:80"], "labels": {"__evenkeel_weight__": "4"}}]"#,
        );
        let since = Instant::now();
        follows(&agent, "file_sd rewritten", since, || {
            pools(&agent).contains_key("api")
                && weights(&pool(&agent, "shop")).contains_key("192.0.2.3:80")
        });
        assert_eq!(
            changes(&pool(&agent, "shop")),
            ["192.0.2.2:80 was removed", "192.0.2.3:80 was added"]
        );
        assert!(
            agent.log().contains("pool api: discovered"),
            "{}",
            agent.log()
        );

        // A reload takes the source away and leaves the configured pool.
        agent
            .reconfigure(&format!("interval: 200ms\n{fixed}"))
            .unwrap();
        let since = Instant::now();
        follows(
            &agent,
            "a source that is not configured any longer",
            since,
            || pools(&agent).len() == 1,
        );
        agent.reconfigure(&(text + fixed)).unwrap();
        let since = Instant::now();
        follows(&agent, "a source that is configured again", since, || {
            pools(&agent).len() == 3
        });
    });
}
