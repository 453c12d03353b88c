//! A node's own certificate, exchanged under open connections.

use comity_node::tls::{AcceptedRole, Caps, PeerConnector};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::support::{Agency, Port, clock, material, trust, within};

/// Sends some bytes from one end to the other.
async fn passes(from: &mut (impl AsyncWrite + Unpin), to: &mut (impl AsyncRead + Unpin)) {
    from.write_all(b"go on").await.unwrap();
    from.flush().await.unwrap();
    let mut bytes = [0; 5];
    within(to.read_exact(&mut bytes)).await.unwrap();
    assert_eq!(&bytes, b"go on");
}

#[tokio::test]
async fn a_leaf_that_is_exchanged_in_the_middle_of_a_stream_does_not_drop_it() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let (of_a, of_b) = (material(&a.node()), material(&b.node()));
    let accepts = AcceptedRole::Nodes { except: None };
    let mut port = Port::open_with(&of_a, &trust(&[&b]), accepts, Caps::PEER_PORT).await;
    let connector = PeerConnector::new(&of_b, trust(&[&a]), a.id.clone(), clock()).unwrap();
    let dial = || connector.connect("127.0.0.1", port.address.port());
    let mut calling = dial().await.unwrap();
    let shown = |connection: &comity_node::tls::CalledConnection| -> CertificateDer<'static> {
        connection.stream().get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let before = shown(&calling);
    let mut called = within(port.accepted.next()).await.unwrap();
    passes(&mut calling, &mut called).await;

    let (new_a, new_b) = (a.node(), b.node());
    assert!(of_a.renew(&material(&new_a)).unwrap() && of_b.renew(&material(&new_b)).unwrap());
    passes(&mut calling, &mut called).await;
    passes(&mut called, &mut calling).await;

    let dial = || connector.connect("127.0.0.1", port.address.port());
    let mut again = dial().await.unwrap();
    assert_ne!(shown(&again), before);
    assert_eq!(shown(&again), crate::support::leaf(&new_a));
    let mut accepted = within(port.accepted.next()).await.unwrap();
    passes(&mut again, &mut accepted).await;
    passes(&mut calling, &mut called).await;
    assert_eq!(port.log(), "");
}
