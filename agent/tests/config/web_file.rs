//! `web.config_file`: what is in it is taken over, in the format of Prometheus' exporter-toolkit.

use evenkeel::config::Config;
use evenkeel::model::{ClientCertificates, TlsVersions, WebFile};
use tempfile::TempDir;

#[test]
fn every_key_has_its_effect_and_paths_are_beside_the_file() {
    let folder = super::path("tests/config");
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    let named = folder.join("web/good.yml");
    std::fs::write(
        &file,
        format!("web: {{config_file: {}}}\n", named.display()),
    )
    .unwrap();
    let web = Config::load(&file)
        .unwrap_or_else(|error| panic!("{error}"))
        .web;
    assert_eq!(web.config_file, Some(named));
    let tls = web.file.tls.unwrap();
    assert_eq!(tls.certificate, folder.join("web/web.pem"));
    assert_eq!(tls.key, folder.join("web/web.key"));
    let authorities = "/etc/ssl/clients.pem".into();
    assert_eq!(tls.clients, ClientCertificates::Required(authorities));
    let versions = TlsVersions {
        tls12: false,
        tls13: true,
    };
    assert_eq!(tls.versions, versions);
    assert_eq!(
        web.file.headers["strict-transport-security"],
        "max-age=31536000"
    );
    assert!(web.file.users["prometheus"].starts_with("$2y$10$"));
}

#[test]
fn the_example_of_the_reference_is_sound() {
    let reference = std::fs::read_to_string(super::path("../docs/configuration.md")).unwrap();
    let example = reference.split("```yml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let hash = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    std::fs::write(&file, "web: {config_file: web.yml}\n").unwrap();
    std::fs::write(
        directory.path().join("web.yml"),
        example.replace("...", hash),
    )
    .unwrap();
    let web = Config::load(&file)
        .unwrap_or_else(|error| panic!("{error}"))
        .web;
    assert!(web.file.tls.is_some() && web.file.users.len() == 1 && web.file.headers.len() == 1);
}

#[test]
fn an_empty_file_means_neither_tls_nor_passwords() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("evenkeel.yaml");
    std::fs::write(&file, "web: {config_file: web.yml}\n").unwrap();
    std::fs::write(directory.path().join("web.yml"), "").unwrap();
    assert_eq!(Config::load(&file).unwrap().web.file, WebFile::default());
}
