//! One command and its answer, over a connection of its own.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::super::error::beginning;
use super::super::{Address, LONGEST, Reason};

/// Beginnings of answers that are none.
const REFUSALS: [&str; 2] = ["Permission denied", "Unknown command"];

/// Gives a command and reads the whole answer.
pub(super) async fn ask(address: &Address, command: &str) -> Result<String, Reason> {
    let answer = match address {
        Address::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            exchange(stream.map_err(unreachable)?, command).await?
        }
        Address::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await;
            exchange(stream.map_err(unreachable)?, command).await?
        }
    };
    if REFUSALS.iter().any(|refusal| answer.starts_with(refusal)) {
        return Err(Reason::Refused {
            asked: format!("`{command}`"),
            answer: beginning(&answer),
            way_out: "name a `stats socket` of its `global` section, of any level, and not the master's socket",
        });
    }
    Ok(answer)
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    command: &str,
) -> Result<String, Reason> {
    let mut bytes = Vec::new();
    let limit = LONGEST as u64 + 1;
    let outcome = async {
        stream.write_all(format!("{command}\n").as_bytes()).await?;
        (&mut stream).take(limit).read_to_end(&mut bytes).await
    };
    outcome.await.map_err(|error| Reason::Broken {
        asked: command.to_owned(),
        error,
    })?;
    if bytes.len() > LONGEST {
        return Err(Reason::TooLarge(format!("`{command}`")));
    }
    // Names are bytes to HAProxy; they are compared with those of the file, which is read likewise.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unreachable(error: io::Error) -> Reason {
    let way_out = match error.kind() {
        io::ErrorKind::NotFound => {
            "write a `stats socket` with this path into its `global` section"
        }
        io::ErrorKind::PermissionDenied => {
            "run as root, or as a user that the `mode`, `user` or `group` of the `stats socket` lets in"
        }
        io::ErrorKind::ConnectionRefused => {
            "nobody listens there: does HAProxy run, with a `stats socket` at this address?"
        }
        _ => "compare it with `stats socket` in its `global` section",
    };
    Reason::Unreachable { error, way_out }
}
