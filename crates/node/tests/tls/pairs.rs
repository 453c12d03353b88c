//! Those who belong together meet, and each knows the other; gRPC runs over it.

use std::sync::{Arc, Mutex};

use comity_node::tls::Caller;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::codegen::{Service, http};
use tonic::service::{InterceptorLayer, Routes};
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Status};

use crate::support::{Agency, Port, connector, trust, within};

#[tokio::test]
async fn a_known_pair_meets_in_both_directions() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    for (called, caller) in [(&a, &b), (&b, &a)] {
        let mut port = Port::peers(called, &trust(&[caller])).await;
        let connector = connector(&caller.node(), &trust(&[called]), called);
        assert_eq!(connector.expected(), &called.id);
        let mut stream = connector.connect("127.0.0.1", port.address.port()).await.unwrap();
        let mut connection = within(port.accepted.next()).await.unwrap();
        let expected = format!("spiffe://{}/node", caller.id);
        assert_eq!(connection.caller().identity().to_string(), expected);
        assert_eq!(connection.caller().remote(), stream.stream().get_ref().0.local_addr().unwrap());

        stream.write_all(b"from caller").await.unwrap();
        stream.flush().await.unwrap();
        let mut bytes = [0; 11];
        within(connection.read_exact(&mut bytes)).await.unwrap();
        assert_eq!(&bytes, b"from caller");
        connection.write_all(b"from called").await.unwrap();
        connection.flush().await.unwrap();
        within(stream.read_exact(&mut bytes)).await.unwrap();
        assert_eq!(&bytes, b"from called");
        assert_eq!(port.log(), "");
    }
}

#[tokio::test]
async fn an_operator_meets_the_own_node_on_the_admin_port() {
    let a = Agency::new("a.example");
    let own = trust(&[&a]);
    let mut port = Port::admin(&a, &own).await;
    let connector = connector(&a.operator(), &own, &a);
    let _stream = connector.connect("localhost", port.address.port()).await.unwrap();
    let connection = within(port.accepted.next()).await.unwrap();
    assert_eq!(connection.caller().identity().to_string(), "spiffe://a.example/operator/j.doe");
}

#[tokio::test]
async fn a_grpc_request_carries_its_caller() {
    let (a, b) = (Agency::new("a.example"), Agency::new("b.example"));
    let port = Port::peers(&a, &trust(&[&b])).await;
    let seen: Arc<Mutex<Option<Caller>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let note_caller = move |request: Request<()>| {
        *sink.lock().unwrap() = request.extensions().get::<Caller>().cloned();
        Ok::<_, Status>(request)
    };
    let serve = Server::builder()
        .layer(InterceptorLayer::new(note_caller))
        .add_routes(Routes::default())
        .serve_with_incoming(port.accepted);
    tokio::spawn(serve);

    let endpoint = Endpoint::from_shared(format!("http://{}", port.address)).unwrap();
    let connector = connector(&b.node(), &trust(&[&a]), &a);
    let mut channel = within(endpoint.connect_with_connector(connector)).await.unwrap();
    let request = http::Request::post("http://a.example/comity.v1.Nothing/Ask")
        .header("content-type", "application/grpc")
        .body(tonic::body::Body::empty())
        .unwrap();
    within(std::future::poll_fn(|cx| channel.poll_ready(cx))).await.unwrap();
    let response = within(channel.call(request)).await.unwrap();
    // 12 is UNIMPLEMENTED: the request came through TLS, HTTP/2 and the router.
    assert_eq!(response.headers()["grpc-status"], "12");
    let caller = seen.lock().unwrap().take().unwrap();
    assert_eq!(caller.identity().to_string(), "spiffe://b.example/node");
}
