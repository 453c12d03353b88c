//! The simulated network as a node takes it: sockets of `turmoil`.
//!
//! Not here: what happens to what is sent (`faults`).

use std::io;
use std::net::SocketAddr;

use comity_node::tls::{Network, TcpListener, TcpStream, simulate};
use tokio::sync::mpsc;
use tonic::codegen::BoxFuture;

/// Connections that wait to be taken: what a listener of the system would queue.
const WAITING: usize = 128;

/// Gives the nodes of this process the network.
pub(crate) fn set_up() {
    simulate(Network { connect, bind }).expect("there is one network");
}

fn connect(host: &str, port: u16) -> BoxFuture<TcpStream, io::Error> {
    let host = host.to_owned();
    Box::pin(async move { turmoil::net::TcpStream::connect((host, port)).await.and_then(stream) })
}

fn bind(address: SocketAddr) -> BoxFuture<TcpListener, io::Error> {
    Box::pin(async move {
        let listener = turmoil::net::TcpListener::bind(address).await?;
        let local = listener.local_addr()?;
        let (sender, accepted) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    () = sender.closed() => return,
                    next = listener.accept() => next,
                };
                let Ok((tcp, remote)) = next else { return };
                let Ok(tcp) = stream(tcp) else { continue };
                if sender.send((tcp, remote)).await.is_err() {
                    return;
                }
            }
        });
        Ok(TcpListener::new(local, accepted))
    })
}

fn stream(tcp: turmoil::net::TcpStream) -> io::Result<TcpStream> {
    let remote = tcp.peer_addr()?;
    let (reader, writer) = tcp.into_split();
    Ok(TcpStream::new(remote, Box::new(reader), Box::new(writer)))
}
