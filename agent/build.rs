//! Names the eBPF object to embed: the committed one, or the one that `EVENKEEL_OBJECT` names (the tests run on an object
//! that was just built).

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-env-changed=EVENKEEL_OBJECT");
    let object = std::env::var("EVENKEEL_OBJECT").unwrap_or_else(|_unset| {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ebpf/evenkeel.bpf.o");
        committed.display().to_string()
    });
    println!("cargo:rerun-if-changed={object}");
    println!("cargo:rustc-env=EVENKEEL_OBJECT={object}");
}
