//! Expected shares against httpd itself: the same configuration is read here and run there, hundreds of requests are sent
//! through it, and who answered is counted. What pages of rules say httpd does is shown here as well.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use evenkeel_balancers::model::{Basis, Pool};
use evenkeel_balancers::source::MemoryFiles;
use evenkeel_balancers::{Options, Product, read};
use evenkeel_lab::netns::Namespace;
use evenkeel_lab::parts::require;
use evenkeel_lab::process::Process;
use evenkeel_lab::wait::wait_for;

/// How many requests are sent; all sums of load factors here divide it.
const REQUESTS: usize = 600;
/// How long something may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Names, as httpd resolves them.
const HOSTS: &str = "127.0.0.1 localhost\n127.0.0.2 app.example\n127.0.0.3 app.example\n";
/// What httpd needs, beside what Debian builds in.
const MODULES: [&str; 10] = [
    "mpm_event",
    "authz_core",
    "rewrite",
    "slotmem_shm",
    "proxy",
    "proxy_http",
    "proxy_balancer",
    "lbmethod_byrequests",
    "lbmethod_bytraffic",
    "lbmethod_bybusyness",
];

/// A configuration with what is given, and seven servers on ports from 8000 on that answer with their number.
fn config(folder: &Path, balancer: &str, modules: &[&str]) -> String {
    let folder = folder.display();
    let mut text = format!(
        "ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nErrorLog {folder}/error.log\n"
    );
    for module in modules {
        writeln!(
            text,
            "LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so"
        )
        .unwrap();
    }
    // Several processes, whose account must be a common one.
    text.push_str("User nobody\nGroup nogroup\nServerName localhost\nMaxKeepAliveRequests 0\nKeepAliveTimeout 60\n");
    text.push_str("StartServers 3\nServerLimit 3\nThreadLimit 16\nThreadsPerChild 16\nMaxRequestWorkers 48\nListen 127.0.0.1:80\n");
    text.push_str(balancer);
    for server in 0..7 {
        let port = 8000 + server;
        writeln!(text, "Listen 127.0.0.1:{port}\n<VirtualHost 127.0.0.1:{port}>\nRewriteEngine On\nRewriteRule ^ - [R=404]\nErrorDocument 404 \"{server}\"\n</VirtualHost>").unwrap();
    }
    text
}

/// A balancer with members that have these parameters, one after the other on ports from 8000 on.
fn balancer(members: &[&str], set: &str) -> String {
    let mut text = String::from("<Proxy balancer://pool>\n");
    for (index, member) in members.iter().enumerate() {
        writeln!(
            text,
            "BalancerMember http://127.0.0.1:{} {member}",
            8000 + index
        )
        .unwrap();
    }
    if !set.is_empty() {
        writeln!(text, "ProxySet {set}").unwrap();
    }
    text + "</Proxy>\nProxyPass / balancer://pool/\n"
}

/// httpd, and what was read of its configuration.
struct Httpd {
    namespace: Namespace,
    _process: Process,
    _folder: tempfile::TempDir,
    pools: Vec<Pool>,
}

impl Httpd {
    fn start(balancer: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("httpd.conf");
        let text = config(folder.path(), balancer, &MODULES);
        std::fs::write(&path, &text).unwrap();
        let pools = pools(text);
        let namespace = Namespace::create("shares").unwrap();
        let hosts = folder.path().join("hosts");
        std::fs::write(&hosts, HOSTS).unwrap();
        let script = "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", script, "sh"])
            .arg(&hosts);
        command.arg(require("apache2").unwrap());
        command.args(["-DFOREGROUND", "-f"]).arg(&path);
        let mut process = Process::spawn(&namespace, "apache2", &mut command).unwrap();
        namespace
            .enter(|| {
                wait_for(PATIENCE, "httpd to listen", || {
                    process.check()?;
                    Ok(TcpStream::connect("127.0.0.1:80").ok())
                })
            })
            .unwrap()
            .unwrap();
        Self {
            namespace,
            _process: process,
            _folder: folder,
            pools,
        }
    }

    /// Sends requests, each over a connection of its own, and counts who answered; the last are those without an answer
    /// of a server.
    fn ask(&self, requests: usize, header: &str) -> [usize; 8] {
        let count = || {
            let mut counts = [0; 8];
            for _ in 0..requests {
                counts[answer(&mut request(header))] += 1;
            }
            counts
        };
        self.namespace.enter(count).unwrap()
    }

    /// Every server gets what is expected, up to one request.
    fn is_as_expected(&self) {
        let shares = self.pools[0].shares.exact().unwrap();
        let counts = self.ask(REQUESTS, "");
        for (count, share) in counts.iter().zip(&shares) {
            let off = (*count as f64 - share * REQUESTS as f64).abs();
            assert!(off <= 1.0, "{counts:?} {shares:?}");
        }
    }
}

fn pools(text: String) -> Vec<Pool> {
    let files = MemoryFiles::new().with("httpd.conf", text);
    let path = Path::new("httpd.conf");
    let read = read(Product::Apache, &files, path, &Options::default());
    read.unwrap().pools
}

/// A connection on which a request was sent.
fn request(header: &str) -> TcpStream {
    let mut stream = TcpStream::connect("127.0.0.1:80").unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let text = format!("GET / HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// The number of the server that answered; 7 if none did.
fn answer(stream: &mut TcpStream) -> usize {
    let mut reader = BufReader::new(stream);
    let mut status = String::new();
    reader.read_line(&mut status).unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let body = rest.split_once("\r\n\r\n").unwrap().1;
    if status.contains(" 503 ") {
        return 7;
    }
    body.trim().parse().unwrap()
}

#[test]
fn rotation_is_by_load_factor_to_the_request() {
    for members in [
        &["", "loadfactor=2", "loadfactor=3"][..],
        &["loadfactor=1.5", ""],
        &["loadfactor=10", "", ""],
    ] {
        Httpd::start(&balancer(members, "")).is_as_expected();
    }
}

/// Who is in rotation depends on states and sets.
#[test]
fn members_take_their_turns() {
    for members in [
        &["status=+D", "status=+S", "status=+N", "", "loadfactor=2"][..],
        &["status=+E", "", "status=+D-D"],
        &["lbset=1", "", ""],
        &["lbset=3", "lbset=3", "lbset=4"],
        &["status=+D", "", "status=+R loadfactor=3", "status=+R"],
        &["status=+H loadfactor=2", "status=+H"],
        &["status=+D", "status=+H", "lbset=1"],
        &["status=+D", "lbset=1 status=+R", "lbset=1"],
        &["status=+R", "status=+H", "status=+D lbset=2"],
    ] {
        Httpd::start(&balancer(members, "")).is_as_expected();
    }
}

/// APA-014: spares alone stand in for nobody.
#[test]
fn spares_alone_take_nothing() {
    let httpd = Httpd::start(&balancer(&["status=+R", "status=+R"], ""));
    assert_eq!(httpd.pools[0].shares.exact().unwrap(), [0.0, 0.0]);
    assert_eq!(httpd.ask(20, "")[7], 20);
}

/// Two members that answer nothing and keep what they get; `%` stands for the method.
const WAITING: &str = "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:9000 loadfactor=3\nBalancerMember http://127.0.0.1:9001\nProxySet lbmethod=%\n</Proxy>\n";

/// How many of eight requests each of the two has.
fn held(httpd: &Httpd) -> [usize; 2] {
    let hold = || {
        let listeners = [9000, 9001].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        for listener in &listeners {
            listener.set_nonblocking(true).unwrap();
        }
        let mut held = [Vec::new(), Vec::new()];
        let mut open = Vec::new();
        for sent in 1..=8 {
            open.push(request(""));
            wait_for(PATIENCE, "the request to arrive", || {
                for (listener, held) in listeners.iter().zip(&mut held) {
                    held.extend(listener.accept().ok());
                }
                Ok((held[0].len() + held[1].len() == sent).then_some(()))
            })
            .unwrap();
        }
        held.map(|held| held.len())
    };
    httpd.namespace.enter(hold).unwrap()
}

/// APA-011: load factors count while nothing is in progress, and not under load.
#[test]
fn bybusyness_evens_out_requests_in_progress() {
    let httpd = Httpd::start(&balancer(&["loadfactor=3", ""], "lbmethod=bybusyness"));
    let counts = httpd.ask(REQUESTS, "");
    assert!(counts[0].abs_diff(450) <= 1, "{counts:?}");

    let httpd =
        Httpd::start(&(WAITING.replace('%', "bybusyness") + "ProxyPass / balancer://pool/\n"));
    let shares = &httpd.pools[0].shares;
    assert_eq!(shares.of, Basis::InProgress);
    assert_eq!(shares.exact().unwrap(), [0.5, 0.5]);
    assert_eq!(held(&httpd), [4, 4]);
}

/// APA-004: equal responses are spread evenly, by load factor.
#[test]
fn bytraffic_evens_out_bytes() {
    let httpd = Httpd::start(&balancer(&["loadfactor=3", ""], "lbmethod=bytraffic"));
    let shares = &httpd.pools[0].shares;
    assert_eq!(shares.of, Basis::Bytes);
    assert_eq!(shares.exact().unwrap(), [0.75, 0.25]);
    let counts = httpd.ask(REQUESTS, "");
    // Bytes per load factor are whole numbers.
    assert!(counts[0].abs_diff(450) <= 20, "{counts:?}");
}

/// APA-005: the first of two members with a route gets its sessions.
#[test]
fn sessions_go_to_the_first_member_with_their_route() {
    let members = ["route=a", "route=b", "route=b"];
    let httpd = Httpd::start(&balancer(&members, "stickysession=S"));
    assert_eq!(httpd.ask(20, "Cookie: S=x.b\r\n")[..3], [0, 20, 0]);
    // As well if it is a virtual host that binds sessions of the main server's balancer.
    let host = "<VirtualHost 127.0.0.1:80>\nProxyPass / balancer://pool/ stickysession=S\n</VirtualHost>\n";
    let main = balancer(&members, "").replace("ProxyPass / balancer://pool/\n", host);
    let httpd = Httpd::start(&main);
    assert_eq!(httpd.ask(20, "Cookie: S=x.b\r\n")[..3], [0, 20, 0]);
    // What has no route, or one that nobody has, is balanced.
    let httpd = Httpd::start(&balancer(&["route=a", "route=b", ""], "stickysession=S"));
    assert_eq!(httpd.ask(30, "Cookie: S=x.\r\n")[..3], [10, 10, 10]);
}

/// APA-006: a line that repeats a member is ignored; one that says it otherwise counts.
#[test]
fn members_that_stand_twice() {
    let twice = "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:8000\nBalancerMember http://127.0.0.1:8001\nBalancerMember http://127.0.0.1:8001 loadfactor=3\nBalancerMember http://127.0.0.1:8001/x\n</Proxy>\nProxyPass / balancer://pool/\n";
    let httpd = Httpd::start(twice);
    assert_eq!(httpd.pools[0].servers.len(), 2);
    httpd.is_as_expected();
    let spelled = "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:8000\nBalancerMember http://127.0.0.1:8001\nBalancerMember http://localhost:8001\n</Proxy>\nProxyPass / balancer://pool/\n";
    let httpd = Httpd::start(spelled);
    assert_eq!(httpd.pools[0].servers.len(), 3);
    assert_eq!(httpd.ask(60, "")[..2], [20, 40]);
}

/// APA-009: with `+I` a member that is down keeps its part.
#[test]
fn a_member_that_ignores_errors_keeps_its_part() {
    let dead = |status: &str| {
        format!(
            "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:7999 {status}\nBalancerMember http://127.0.0.1:8001\nBalancerMember http://127.0.0.1:8002\n</Proxy>\nProxyPass / balancer://pool/\n"
        )
    };
    assert_eq!(Httpd::start(&dead("status=+I")).ask(30, "")[7], 10);
    assert_eq!(Httpd::start(&dead("")).ask(30, "")[..3], [0, 15, 15]);
}

/// APA-018: with `nofailover` the sessions of a member that is down fail.
#[test]
fn sessions_move_unless_they_must_not() {
    for (no_failover, expected) in [("Off", [0, 20, 0]), ("On", [0, 0, 20])] {
        let text = format!(
            "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:7999 route=a\nBalancerMember http://127.0.0.1:8001 route=b\nProxySet stickysession=S nofailover={no_failover}\n</Proxy>\nProxyPass / balancer://pool/\n"
        );
        let counts = Httpd::start(&text).ask(20, "Cookie: S=x.a\r\n");
        assert_eq!([counts[0], counts[1], counts[7]], expected, "{no_failover}");
    }
}

/// APA-010: a name is one member, and its first address gets all.
#[test]
fn a_name_is_its_first_address() {
    let mut text = String::from(
        "<Proxy balancer://pool>\nBalancerMember http://app.example:9000\nBalancerMember http://127.0.0.1:8000\n</Proxy>\nProxyPass / balancer://pool/\n",
    );
    for host in [2, 3] {
        writeln!(text, "Listen 127.0.0.{host}:9000\n<VirtualHost 127.0.0.{host}:9000>\nRewriteEngine On\nRewriteRule ^ - [R=404]\nErrorDocument 404 \"{host}\"\n</VirtualHost>").unwrap();
    }
    let httpd = Httpd::start(&text);
    assert_eq!(httpd.pools[0].shares.exact().unwrap(), [0.5, 0.5]);
    assert_eq!(httpd.ask(60, "")[..4], [30, 0, 30, 0]);
}

/// APA-012: a `ProxyPass` in a virtual host goes by requests, whatever the main server says.
#[test]
fn virtual_hosts_lose_the_method() {
    for (pass, method, expected) in [
        ("ProxyPass / balancer://pool/", "byrequests", [6, 2]),
        (
            "ProxyPass / balancer://pool/ lbmethod=bybusyness",
            "bybusyness",
            [4, 4],
        ),
        (
            "RewriteEngine On\nRewriteRule ^/(.*) balancer://pool/$1 [P]",
            "bybusyness",
            [4, 4],
        ),
    ] {
        let main = WAITING.replace('%', "bybusyness");
        let host = format!("<VirtualHost 127.0.0.1:80>\n{pass}\n</VirtualHost>\n");
        let httpd = Httpd::start(&(main + &host));
        assert_eq!(httpd.pools[0].algorithm.name, method, "{pass}");
        assert_eq!(held(&httpd), expected, "{pass}");
    }
}

/// APA-013: balancers of the main server take the place of a virtual host's.
#[test]
fn virtual_hosts_lose_members() {
    let lost = "<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:8000\n</Proxy>\n<VirtualHost 127.0.0.1:80>\n<Proxy balancer://pool>\nBalancerMember http://127.0.0.1:8001\n</Proxy>\nProxyPass / balancer://pool/\n</VirtualHost>\n";
    let httpd = Httpd::start(lost);
    assert_eq!(httpd.pools.len(), 1);
    assert_eq!(httpd.ask(20, "")[..2], [20, 0]);
}

/// APA-015: which `ProxyPass` is taken.
#[test]
fn the_first_pass_and_the_last_location() {
    let two = "ProxyPass /x http://127.0.0.1:8009/\nProxyPass / http://127.0.0.1:8000/\n<VirtualHost 127.0.0.1:80>\nProxyPass / http://127.0.0.1:8001/\n</VirtualHost>\n";
    assert_eq!(Httpd::start(two).ask(4, "")[..2], [4, 0]);
    let located = "ProxyPass / http://127.0.0.1:8000/\n<Location />\nProxyPass http://127.0.0.1:8001/\n</Location>\n<Location />\nProxyPass http://127.0.0.1:8002/\n</Location>\n";
    assert_eq!(Httpd::start(located).ask(4, "")[..3], [0, 0, 4]);
}

/// APA-017: without the module of the default method httpd accepts the configuration, and does not start.
#[test]
fn without_its_method_httpd_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("httpd.conf");
    let modules: Vec<&str> = MODULES
        .into_iter()
        .filter(|module| *module != "lbmethod_byrequests")
        .collect();
    std::fs::write(
        &path,
        config(folder.path(), &balancer(&["", ""], ""), &modules),
    )
    .unwrap();
    let namespace = Namespace::create("shares").unwrap();
    for (arg, succeeds) in [("-t", true), ("-DFOREGROUND", false)] {
        let mut command = Command::new(require("apache2").unwrap());
        command.arg(arg).arg("-f").arg(&path);
        let mut process = Process::spawn(&namespace, "apache2", &mut command).unwrap();
        let status = process.wait(PATIENCE).unwrap();
        assert_eq!(status.success(), succeeds, "{arg}");
    }
}
