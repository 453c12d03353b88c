//! The screening service: a question to the merged view, and the heads that the answer stands on.
//!
//! Not here: matching (`comity-screening`). What is asked is personal and is never written to a log.

use std::sync::Arc;

use comity_wire::v1::screening_service_server::ScreeningService;
use comity_wire::{ScreenQuery, v1};
use tonic::{Request, Response, Status};

use crate::{Gossiping, screened};

/// Screens against the view of one node.
#[derive(Debug)]
pub(crate) struct Screening(pub(crate) Arc<Gossiping>);

#[tonic::async_trait]
impl ScreeningService for Screening {
    async fn screen(
        &self,
        request: Request<v1::ScreenRequest>,
    ) -> Result<Response<v1::ScreenResponse>, Status> {
        let asked = ScreenQuery::try_from(request.into_inner())?;
        // Before the view: what is doubted or too old by then is not cleared by what came since.
        let states = self.0.log_states();
        let node = self.0.node();
        let view = node.view();
        // Under the lock of the view: the heads are those that this very answer stands on.
        let held_back = node.store().held_back();
        let response = screened(&view, &held_back, (&node.taken_in(), &states), &asked)?;
        Ok(Response::new(response))
    }
}
