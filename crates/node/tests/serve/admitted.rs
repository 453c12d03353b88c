//! Who gets in at the admin port: operators of the own agency, and nobody else.

use comity_wire::{admin_client, v1};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{AGENCY, Place, channel_as, make_home};

/// Whether a call gets an answer over this channel.
async fn answers(channel: Result<tonic::transport::Channel, tonic::transport::Error>) -> bool {
    match channel {
        Ok(channel) => admin_client(channel).status(v1::StatusRequest {}).await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_of_the_own_agency_is_answered() {
    let place = Place::make();
    let (own, node) = (place.path(), place.serve().await);
    // Of another authority that calls itself by the same name.
    let namesake = place.folder.path().join("namesake");
    make_home(&namesake, AGENCY);

    assert!(answers(channel_as(&own, "tls-operator", &own, node.admin).await).await, "the operator");
    let own_node = channel_as(&own, "tls-node", &own, node.admin).await;
    assert!(!answers(own_node).await, "the node's own certificate is not an operator's");
    let stranger = channel_as(&namesake, "tls-operator", &own, node.admin).await;
    assert!(!answers(stranger).await, "an operator whose authority only has the same name");
    let peer = channel_as(&own, "tls-operator", &own, node.peers).await;
    assert!(!answers(peer).await, "an operator on the peer port");
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_does_not_speak_to_a_namesake_of_the_node() {
    let place = Place::make();
    let node = place.serve().await;
    let namesake = place.folder.path().join("namesake");
    make_home(&namesake, AGENCY);
    let wrong = channel_as(&place.path(), "tls-operator", &namesake, node.admin).await;
    assert!(wrong.is_err(), "the operator trusts another authority than the node's");
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_are_served_to_operators() {
    let place = Place::make();
    let node = place.serve().await;
    let channel = node.channel().await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let service = "comity.v1.AdminService".to_owned();
    let answer = health.check(tonic_health::pb::HealthCheckRequest { service }).await.unwrap();
    assert_eq!(answer.into_inner().status(), tonic_health::pb::health_check_response::ServingStatus::Serving);

    let request = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(channel);
    let mut stream = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer = stream.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else { panic!("{answer:?}") };
    let names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    assert!(names.contains(&"comity.v1.ScreeningService".to_owned()), "{names:?}");
    node.stop().await.unwrap();
}
