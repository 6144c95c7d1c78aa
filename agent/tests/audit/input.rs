//! What is read: files, folders, standard input; and how it is said what cannot be.

use evenkeel_balancers::Product;
use tempfile::tempdir;

use crate::bed::{Answer, audit, audit_in, audit_text, fixtures, upstream, write};

fn files(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let read = json["configurations"].as_array().unwrap();
    read.iter()
        .map(|read| read["file"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn standard_input_is_read_with_what_it_includes() {
    let folder = std::fs::read_to_string(fixtures().join("NGX-001/bad.conf")).unwrap();
    let answer = audit_text(&folder, &["--output", "json", "-"]);
    assert_eq!(answer.code, 3);
    assert_eq!(files(&answer), ["<stdin>"]);
    let answer = audit_text("include NGX-001/bad.conf;", &["--as", "nginx", "-"]);
    assert_eq!(answer.code, 3);
    assert!(
        answer.out.contains("NGX-001/bad.conf:7:31"),
        "{}",
        answer.out
    );
}

#[test]
fn a_pipe_of_the_shell_is_read() {
    let line = format!(
        "{} audit --output json <(cat NGX-001/bad.conf) NGX-006/good.conf",
        env!("CARGO_BIN_EXE_evenkeel")
    );
    let mut command = std::process::Command::new("timeout");
    command
        .args(["30", "bash", "-c", &line])
        .current_dir(fixtures());
    let answer = Answer::of(&command.output().unwrap());
    assert_eq!(answer.code, 3, "{}", answer.err);
    assert_eq!(files(&answer).len(), 2);
}

#[test]
fn a_dump_of_nginx_keeps_the_names_of_its_files() {
    let dump = format!(
        "# configuration file /etc/nginx/nginx.conf:\nhttp {{ include conf.d/*.conf; }}\n\n\
         # configuration file /etc/nginx/conf.d/shop.conf:\n{}",
        upstream("shop", 8)
    );
    let answer = audit_text(&dump, &["-"]);
    assert_eq!(answer.code, 3);
    assert!(
        answer.out.contains("/etc/nginx/conf.d/shop.conf:4:27"),
        "{}",
        answer.out
    );
}

#[test]
fn of_a_folder_each_configuration_is_audited_once() {
    let folder = tempdir().unwrap();
    let shop = upstream("shop", 8);
    write(
        folder.path(),
        &[
            ("lb/nginx.conf", b"events {}\nhttp { include sites/*; }"),
            ("lb/sites/shop", shop.as_bytes()),
            (
                "other/edge.conf",
                format!("http {{ {} }}", upstream("edge", 1)).as_bytes(),
            ),
            ("lb/sites/shop~", shop.as_bytes()),
            ("lb/README.md", shop.as_bytes()),
            (
                "logrotate.d/nginx",
                b"/var/log/nginx/*.log {\n\tweekly\n}\n",
            ),
            ("lb/notes", b"nothing of this kind"),
            ("lb/nginx.png", b"upstream x {\0"),
            (".git/old.conf", shop.as_bytes()),
        ],
    );
    let answer = audit_in(folder.path(), &["--output", "json", "."]);
    assert_eq!(answer.code, 3, "{}", answer.err);
    assert_eq!(files(&answer), ["./lb/nginx.conf", "./other/edge.conf"]);
    let found = &answer.json()["configurations"][0]["findings"][0];
    assert_eq!(found["file"], "./lb/sites/shop");
    assert_eq!(found["rule"], "NGX-001");
}

#[test]
fn several_paths_are_told_in_their_order() {
    let answer = audit(&["--output", "json", "NGX-002/bad.conf", "NGX-001/bad.conf"]);
    assert_eq!(files(&answer), ["NGX-002/bad.conf", "NGX-001/bad.conf"]);
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let folder = tempdir().unwrap();
    write(
        folder.path(),
        &[
            ("binary.conf", b"http {\0}"),
            (
                "unbalanced.conf",
                b"http {\n    upstream shop {\n        server 192.0.2.1;\n}\n",
            ),
            ("unknown", b"listen = 80\n"),
            ("nothing/notes", b"nothing of this kind"),
            (
                "good.conf",
                format!("http {{ {} }}", upstream("shop", 8)).as_bytes(),
            ),
        ],
    );
    let arguments = [
        "binary.conf",
        "unbalanced.conf",
        "unknown",
        "nothing",
        "missing.conf",
        "good.conf",
    ];
    let answer = audit_in(folder.path(), &arguments);
    // What could be read is audited all the same; that not all could decides.
    assert_eq!(answer.code, 2);
    assert!(answer.out.contains("warning[NGX-001]"), "{}", answer.out);
    let broken = ["binary.conf", "unbalanced.conf", "missing.conf"];
    insta::assert_snapshot!("unreadable", audit_in(folder.path(), &broken).err);

    let with = [&["--output", "json"][..], &arguments].concat();
    let json = audit_in(folder.path(), &with).json();
    let errors = json["errors"].as_array().unwrap();
    let files: Vec<_> = errors.iter().map(|error| &error["file"]).collect();
    assert_eq!(files, arguments[..5]);
    assert_eq!(errors[1]["line"], 1);
    let known = Product::ALL.map(Product::title).join(", ");
    let unknown = format!("this is no configuration of {known}");
    assert_eq!(errors[2]["message"], unknown);
    let nothing = format!("no file in it looks like a configuration of {known}; name the file");
    let message = errors[3]["message"].as_str().unwrap();
    assert!(message.contains(&nothing), "{message}");

    let pools = audit_in(folder.path(), &["--pools", "missing.conf", "good.conf"]);
    assert_eq!(pools.code, 2);
    let diff = audit_in(folder.path(), &["--diff", "good.conf", "missing.conf"]);
    assert_eq!((diff.code, diff.out.as_str()), (2, ""));
}

#[test]
fn a_file_without_permission_is_unreadable() {
    let folder = tempdir().unwrap();
    let text = upstream("shop", 8);
    write(folder.path(), &[("nginx.conf", text.as_bytes())]);
    let path = folder.path().join("nginx.conf");
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&path, closed).unwrap();
    // Without the capabilities by which root reads everything.
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--bounding-set", "-dac_override,-dac_read_search"])
        .args([env!("CARGO_BIN_EXE_evenkeel"), "audit"])
        .arg(&path);
    let answer = Answer::of(&command.output().unwrap());
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("Permission denied"), "{}", answer.err);
}

#[test]
fn a_hostile_line_cannot_reach_the_terminal() {
    let text = "http { upstream \"a\x1b[2Jb\" { server 192.0.2.1; server 192.0.2.1; } }";
    for arguments in [&["-"][..], &["--pools", "-"]] {
        let answer = audit_text(text, arguments);
        assert!(answer.out.contains("192.0.2.1"), "{}", answer.out);
        assert!(!answer.out.contains('\x1b'), "{:?}", answer.out);
    }
}

/// Each file by itself is fine.
#[test]
fn balancers_that_spread_differently_are_told() {
    let folder = tempdir().unwrap();
    let (one, other) = (upstream("shop", 1), upstream("shop", 2));
    let [one, other] = [one, other].map(|text| format!("http {{\n{text}}}\n"));
    let files = [
        ("lb1.conf", one.as_bytes()),
        ("lb2.conf", one.as_bytes()),
        ("lb3.conf", other.as_bytes()),
    ];
    write(folder.path(), &files);
    let json = audit_in(folder.path(), &["--output", "json", "."]).json();
    let all = json["configurations"].as_array().unwrap();
    let odd: Vec<_> = all
        .iter()
        .flat_map(|read| read["findings"].as_array().unwrap())
        .filter(|found| found["rule"] == "GEN-003")
        .collect();
    assert_eq!(odd.len(), 1, "{json:#}");
    assert_eq!(odd[0]["file"], "./lb3.conf");
    let message = odd[0]["message"].as_str().unwrap();
    assert!(
        message.contains("192.0.2.3:8080 gets 50.0 % here and 33.3 % there"),
        "{message}"
    );
}
