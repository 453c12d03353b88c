//! Asking a witness that is nobody's node to cosign a log of this one (c2sp.org/tlog-witness, `add-checkpoint`).
//!
//! The policy of the own log names it by key and address, and only what that key signed is taken from its answer.
//! Not here: when it is asked (`feeder`), and what its cosignature counts for.

use std::time::Duration;

use bytes::Bytes;
use comity_ledger::{CLOCK_SKEW_SECS_MAX, Origin};
use comity_store::{Store, StoreError};
use comity_tlog::{
    AddCheckpoint, CheckpointError, ConsistencyProof, CosignatureTime, KeyKind, Note, ProveError,
    SignatureLine, SignedCheckpoint, TreeSize, VerifierKey, prove_consistency,
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::tls::network::TcpStream;

/// Longest that one question and its answer may take: a witness does one sync.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(10);
/// Most bytes of an answer: some signature lines of a few keys, at most 3.3 KB each.
const ANSWER_BYTES_MAX: usize = 32 << 10;
/// Questions about one checkpoint: one that learns the size that the witness has, one that goes on from there, and one
/// more if somebody else asked it in between.
const QUESTIONS_MAX: usize = 3;
/// Where HTTP is spoken if nothing is said.
const HTTP_PORT: u16 = 80;
/// Longest prefix of a path, in bytes.
const PREFIX_BYTES_MAX: usize = 255;

/// A witness that is nobody's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForeignWitness {
    host: String,
    port: u16,
    prefix: String,
    key: VerifierKey,
}

impl ForeignWitness {
    /// A witness at the address that a policy names for it (c2sp.org/tlog-policy).
    ///
    /// # Errors
    /// Why it cannot be asked there, in words for an operator.
    pub(crate) fn new(url: &[u8], key: &VerifierKey) -> Result<Self, &'static str> {
        if key.kind() != KeyKind::CosignatureV1 {
            return Err("its key is none of a cosigner (type 0x04)");
        }
        let (host, port, prefix) = Self::address(url)?;
        Ok(Self { host, port, prefix, key: key.clone() })
    }

    /// Host, port and prefix of the path at which a policy says that a witness is asked.
    ///
    /// # Errors
    /// Why it cannot be asked there, in words for an operator.
    pub(crate) fn address(url: &[u8]) -> Result<(String, u16, String), &'static str> {
        let uri = Uri::try_from(url).map_err(|_| "its address is no URL")?;
        if uri.scheme_str() != Some("http") {
            return Err("its address does not begin with http://; behind TLS, name a proxy on this machine");
        }
        let authority = uri.authority().ok_or("its address names no host")?;
        if uri.query().is_some() || authority.as_str().contains('@') {
            return Err("its address has more than host, port and path");
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        if prefix.len() > PREFIX_BYTES_MAX {
            return Err("its address has too long a path");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok((host, authority.port_u16().unwrap_or(HTTP_PORT), prefix))
    }

    /// The key that it cosigns with.
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Sends one request body; gives the status, the content type and the body of the answer.
    async fn ask(&self, body: Vec<u8>) -> Result<(StatusCode, String, Bytes), WitnessError> {
        let asked = timeout(QUESTION_TIME_MAX, self.exchange(body)).await;
        asked.map_err(|_| WitnessError::Slow)?
    }

    async fn exchange(&self, body: Vec<u8>) -> Result<(StatusCode, String, Bytes), WitnessError> {
        let unreachable = |source| WitnessError::Unreachable { source };
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        let failed = |source| WitnessError::Http { source };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/add-checkpoint", self.prefix))
            .header(HOST, self.authority())
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| WitnessError::Answer { reason: "cannot be asked under this address" })?;
        let answer = async move {
            let response: Response<_> = sender.send_request(request).await.map_err(failed)?;
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let (status, kind) = (response.status(), kind.unwrap_or_default().to_owned());
            let read = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let too_long = |_| WitnessError::Answer { reason: "does not end, or is too long" };
            Ok((status, kind, read.map_err(too_long)?.to_bytes()))
        };
        // The connection ends with the answer; how it ends says nothing more.
        tokio::join!(answer, connection).0
    }

    /// Asks for a cosignature of a checkpoint of a log that the store holds: from the size that the witness has. Gives
    /// the verified line.
    ///
    /// # Errors
    /// A [`WitnessError`]; the checkpoint is then as good as it was.
    pub(crate) async fn cosign<P: Future<Output = Result<ConsistencyProof, WitnessError>>>(
        &self,
        signed: &SignedCheckpoint,
        log: &VerifierKey,
        now: CosignatureTime,
        prove: impl Fn(TreeSize, TreeSize) -> P,
    ) -> Result<SignatureLine, WitnessError> {
        let size = signed.checkpoint().size();
        // The author's line alone: who else cosigns is none of the witness's business.
        let own = signed.verify(log, &[]).map_err(|source| WitnessError::Line { source })?;
        let bare =
            own.note().verified_lines_only().ok().and_then(|note| SignedCheckpoint::from_note(note).ok());
        let bare = bare.ok_or(WitnessError::Answer { reason: "cannot be given the checkpoint" })?;
        // What it has is not known before it was asked: from 0 nothing has to be proved.
        let mut old = TreeSize::ZERO;
        for _ in 0..QUESTIONS_MAX {
            let request = AddCheckpoint::new(old, prove(old, size).await?, bare.clone())
                .map_err(|_| WitnessError::Answer { reason: "cannot be given so long a proof" })?;
            let (status, kind, body) = self.ask(request.to_bytes()).await?;
            match status {
                StatusCode::OK => return self.take_line(signed, log, now, &body),
                StatusCode::CONFLICT => {
                    let named = named_size(&kind, &body)?;
                    if named > size {
                        return Err(WitnessError::Ahead { named, size });
                    }
                    if named == old {
                        // Version 1.0.0 of c2sp.org/tlog-witness says so of another root of that size.
                        return Err(WitnessError::Refused { status: status.as_u16() });
                    }
                    old = named;
                }
                other => return Err(WitnessError::Refused { status: other.as_u16() }),
            }
        }
        Err(WitnessError::Answer { reason: "names another size each time" })
    }

    /// Takes the line of the witness out of an answer of signature lines; those of other keys are passed over.
    fn take_line(
        &self,
        signed: &SignedCheckpoint,
        log: &VerifierKey,
        now: CosignatureTime,
        body: &[u8],
    ) -> Result<SignatureLine, WitnessError> {
        // c2sp.org/tlog-witness: lines that follow the text of the checkpoint make a note.
        let note = [signed.note().text().as_bytes(), b"\n", body].concat();
        let note = Note::parse(&note).ok().filter(|note| note.text() == signed.note().text());
        let note = note.ok_or(WitnessError::Answer { reason: "is no signature lines" })?;
        let of_key = |line: &&SignatureLine| line.id() == self.key.id() && line.name() == self.key.name();
        let line = note.lines().iter().find(of_key);
        let line = line.ok_or(WitnessError::Answer { reason: "has no line of its key" })?.clone();
        let bad = |source| WitnessError::Line { source };
        let cosigned = signed.with_line(line.clone()).map_err(bad)?;
        let verified = cosigned.verify(log, std::slice::from_ref(&self.key)).map_err(bad)?;
        let times = verified.cosignatures().into_iter().map(|cosignature| cosignature.time());
        let Some(time) = times.max() else {
            return Err(WitnessError::Answer { reason: "has no line of its key" });
        };
        if time.value() > now.value().saturating_add(CLOCK_SKEW_SECS_MAX) {
            return Err(WitnessError::Answer { reason: "is of a time that is not yet" });
        }
        Ok(line)
    }
}

/// The size in the answer to a request that started from another one.
fn named_size(kind: &str, body: &[u8]) -> Result<TreeSize, WitnessError> {
    let refuse = WitnessError::Answer { reason: "names no size" };
    let text = std::str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n'));
    match text.map(str::parse) {
        Some(Ok(size)) if kind == "text/x.tlog.size" => Ok(size),
        _ => Err(refuse),
    }
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WitnessError {
    /// It does not listen.
    #[error("the witness cannot be reached")]
    Unreachable {
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It speaks no HTTP, or ends within it.
    #[error("the witness does not answer in HTTP")]
    Http {
        /// What it did.
        #[source]
        source: hyper::Error,
    },
    /// It takes too long.
    #[error("the witness did not answer in {} s", QUESTION_TIME_MAX.as_secs())]
    Slow,
    /// It says no.
    #[error("the witness answers {status}")]
    Refused {
        /// The status code of c2sp.org/tlog-witness.
        status: u16,
    },
    /// It has cosigned more of the log than there is here.
    #[error("the witness has cosigned size {named}, and the log has {size} here")]
    Ahead {
        /// The size that it names.
        named: TreeSize,
        /// The size of the checkpoint.
        size: TreeSize,
    },
    /// What it says is not of the protocol.
    #[error("the witness's answer {reason}")]
    Answer {
        /// What is wrong.
        reason: &'static str,
    },
    /// Its line does not verify.
    #[error("the witness's line does not verify")]
    Line {
        /// Why not.
        #[source]
        source: CheckpointError,
    },
    /// The log cannot be read here, or the line not be kept.
    #[error("the own log cannot be read, or the line not be kept")]
    Here {
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WitnessError {
    /// Whether the witness says that this log is not the one that it has seen: it went back, or its key signed elsewhere.
    pub(crate) fn is_about_history(&self) -> bool {
        let refused = |status: &u16| {
            [StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY].iter().any(|code| code == status)
        };
        match self {
            Self::Ahead { .. } => true,
            Self::Refused { status } => refused(status),
            _ => false,
        }
    }

    /// The error with its causes, in one line.
    pub(crate) fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// The proof between two sizes of a log that is held. Blocking.
///
/// # Errors
/// [`WitnessError::Here`].
pub(crate) fn proof_between(
    store: &Store,
    origin: &Origin,
    from: TreeSize,
    to: TreeSize,
) -> Result<ConsistencyProof, WitnessError> {
    let failed = |source: ProveError<StoreError>| WitnessError::Here { source: Box::new(source) };
    prove_consistency(&store.nodes(origin), from, to).map_err(failed)
}

#[cfg(test)]
mod tests;
