//! A gRPC stack that is none of ours (Python's grpcio, on BoringSSL) gets in with a good certificate only.
//!
//! Runs where `$COMITY_GRPC_PYTHON` or `python3` can import `grpc`, and says aloud where it does not.

use std::path::Path;
use std::process::Command;

use comity_node::tls::{AcceptedRole, Caps, Credential};
use tonic::service::Routes;
use tonic::transport::Server;

use crate::support::{Agency, NOW, Port, trust, valid, within};

/// Calls a method that nobody serves; prints the status code of the answer.
const CALL: &str = r#"
import grpc, pathlib, sys
folder, address = pathlib.Path(sys.argv[1]), sys.argv[2]
read = lambda name: (folder / name).read_bytes() if (folder / name).exists() else None
credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("leaf.key"), read("leaf.pem"))
options = [("grpc.ssl_target_name_override", "a.example")]
with grpc.secure_channel(address, credentials, options=options) as channel:
    ask = channel.unary_unary("/comity.v1.Nothing/Ask", request_serializer=bytes, response_deserializer=bytes)
    try:
        ask(b"", timeout=10)
    except grpc.RpcError as error:
        print(error.code().name)
"#;

fn python() -> Option<String> {
    let python = std::env::var("COMITY_GRPC_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let probe = Command::new(&python).args(["-c", "import grpc"]).output().ok()?;
    probe.status.success().then_some(python)
}

fn write_leaf(folder: &Path, leaf: &Credential) {
    std::fs::write(folder.join("leaf.pem"), leaf.certificate_pem()).unwrap();
    std::fs::write(folder.join("leaf.key"), leaf.key_pem()).unwrap();
}

#[tokio::test]
async fn grpcio_gets_in_with_a_good_certificate_only() {
    let Some(python) = python() else {
        eprintln!(
            "skipped: grpcio_gets_in_with_a_good_certificate_only: no python with grpc on this machine"
        );
        return;
    };
    // Python judges our certificate by its own clock.
    let long = valid(-i64::try_from(NOW).unwrap(), 2_000_000_000);
    let (a, b) = (Agency::with_validity("a.example", long), Agency::with_validity("b.example", long));
    let node = a.authority.issue_node(long).unwrap();
    let port = Port::open(&node, &trust(&[&b]), AcceptedRole::Nodes { except: None }, Caps::PEER_PORT).await;
    let Port { address, accepted, .. } = port;
    tokio::spawn(Server::builder().add_routes(Routes::default()).serve_with_incoming(accepted));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), a.authority.credential().certificate_pem()).unwrap();
    let call = async || {
        let mut command = Command::new(&python);
        command.arg("-c").arg(CALL).arg(folder.path()).arg(address.to_string());
        let output = within(tokio::task::spawn_blocking(move || command.output())).await.unwrap().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(call().await, "UNAVAILABLE", "without a certificate");
    write_leaf(folder.path(), &b.node());
    assert_eq!(call().await, "UNIMPLEMENTED", "with the good one");
    write_leaf(folder.path(), &Agency::new("b.example").node());
    assert_eq!(call().await, "UNAVAILABLE", "with one of another authority");
}
