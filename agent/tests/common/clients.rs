//! Clients with addresses of their own, on the loopback interface of one namespace: many clients cost nothing.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use evenkeel_lab::netns::Namespace;
use evenkeel_lab::process::run;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt::set_socket_linger};

/// Gives a namespace more addresses.
pub(crate) fn add_addresses(namespace: &Namespace, addresses: impl IntoIterator<Item = IpAddr>) {
    for address in addresses {
        let mut ip = Command::new("ip");
        if let Some(name) = namespace.name() {
            ip.args(["-netns", name]);
        }
        ip.args(["address", "add", &address.to_string(), "dev", "lo", "nodad"]);
        run(&mut ip).unwrap();
    }
}

/// Opens and resets connections from each client, as many as it says, to `to`, where a listener on `on` accepts them.
pub(crate) fn connect_from(
    namespace: &Namespace,
    clients: &[(IpAddr, usize)],
    to: SocketAddr,
    on: IpAddr,
) {
    let work = || {
        let listener = TcpListener::bind((on, to.port())).unwrap();
        for (client, connections) in clients {
            for _ in 0..*connections {
                pair(*client, to, &listener);
            }
        }
    };
    namespace.enter(work).unwrap();
}

fn pair(from: IpAddr, to: SocketAddr, listener: &TcpListener) {
    let family = if to.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let client = socket(family, SocketType::STREAM, None).unwrap();
    bind(&client, &SocketAddr::new(from, 0)).unwrap();
    connect(&client, &to).unwrap();
    let client = TcpStream::from(client);
    let (_server, _) = listener.accept().unwrap();
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
}
