//! Calls: one request and its answer, with a deadline, several attempts, and the circuit breaker in front.
//!
//! Everything that crosses the network passes through here, so that it is counted and nothing can hang.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prost::Message;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::blobs::{Given, Read};
use crate::breaker::Breaker;
use crate::capabilities::Capabilities;
use crate::config::Config;
use crate::fault::{Fault, attempts};
use crate::gather::Gather;
use crate::lanes::{Lanes, Place};
use crate::message::{BlobUpdate, Digest};
use crate::present::Present;

/// The largest message that is taken; batches are far smaller, results of actions with many outputs are not.
const MAX_MESSAGE: usize = 32 << 20;
/// How many bytes a second a server is expected to move at least.
const SLOWEST: u64 = 256 << 10;
/// So many calls of a kind are under way before questions of several actions are put together.
const CALLS: usize = 4;
/// How long a connection may be silent before this side asks whether the server is still there. Servers made with the usual
/// library of gRPC hang up on clients that ask more often than every five minutes while nothing is said, as it is while an
/// action runs or waits.
const PING: Duration = Duration::from_secs(310);
/// The same for the systems below, which nobody minds: a machine that has gone is noticed.
const SILENCE: Duration = Duration::from_secs(60);
/// The pause before the second attempt; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

/// What crossed the network.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
    pub(crate) calls: AtomicU64,
}

/// A connection and everything that all calls share.
pub(crate) struct Wire {
    channel: Channel,
    pub(crate) config: Config,
    metadata: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
    pub(crate) breaker: Breaker,
    /// For execution alone: a server whose workers are sick still has a cache.
    pub(crate) execution: Breaker,
    pub(crate) counters: Counters,
    pub(crate) present: Present,
    /// Which blobs it lacks, asked for several actions at once.
    pub(crate) questions: Gather<Vec<Digest>, Result<Arc<BTreeSet<Digest>>, Fault>>,
    /// Small blobs of several actions, given at once.
    pub(crate) updates: Gather<Vec<BlobUpdate>, Result<Arc<Given>, Fault>>,
    /// Small blobs of several actions, taken at once.
    pub(crate) reads: Gather<Vec<Digest>, Result<Arc<Read>, Fault>>,
    /// Connections for what takes long.
    lanes: Lanes,
    capabilities: OnceCell<Result<Capabilities, Fault>>,
}

impl Wire {
    /// Prepares a connection, which comes about with the first call. Has to be called inside the runtime.
    pub(crate) fn new(config: Config) -> Result<Wire, String> {
        let (address, encrypted) = config.address()?;
        let endpoint = Endpoint::from_shared(address).map_err(|error| error.to_string())?;
        let mut endpoint = endpoint
            .connect_timeout(config.connect)
            .http2_keep_alive_interval(PING)
            .keep_alive_timeout(config.call)
            .tcp_keepalive(Some(SILENCE))
            .tcp_keepalive_interval(Some(SILENCE / 6))
            .tcp_keepalive_retries(Some(3))
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20)
            .user_agent(concat!("anymod/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| error.to_string())?;
        if encrypted {
            let mut tls = ClientTlsConfig::new().with_native_roots();
            if let Some(authority) = &config.authority {
                tls = tls.ca_certificate(Certificate::from_pem(authority));
            }
            if let Some(identity) = &config.identity {
                tls = tls.identity(tonic::transport::Identity::from_pem(
                    &identity.certificate,
                    identity.key.reveal(),
                ));
            }
            endpoint = endpoint.tls_config(tls).map_err(|error| error.to_string())?;
        }
        let metadata = config.headers.iter().map(|(name, value)| {
            let key = AsciiMetadataKey::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is no name of a header"))?;
            let mut value = AsciiMetadataValue::try_from(value.reveal())
                .map_err(|_| format!("the value of the header `{name}` is not plain text"))?;
            value.set_sensitive(true);
            Ok((key, value))
        });
        let metadata = metadata.collect::<Result<Vec<_>, String>>()?;
        Ok(Wire {
            channel: endpoint.connect_lazy(),
            config,
            metadata,
            breaker: Breaker::default(),
            execution: Breaker::default(),
            counters: Counters::default(),
            present: Present::default(),
            questions: Gather::new(CALLS),
            updates: Gather::new(CALLS),
            reads: Gather::new(CALLS),
            lanes: Lanes::new(&endpoint),
            capabilities: OnceCell::new(),
        })
    }

    /// What the server can do; asked once.
    pub(crate) async fn capabilities(&self) -> Result<&Capabilities, Fault> {
        let asked = self.capabilities.get_or_init(|| async {
            let found = Capabilities::ask(self).await;
            if let Err(fault) = &found {
                // Without knowing what it can do there is no talking to it.
                self.breaker.turn_off(&fault.to_string());
            }
            found
        });
        asked.await.as_ref().map_err(Clone::clone)
    }

    /// How long a call may take that moves so many bytes.
    pub(crate) fn deadline(&self, bytes: u64) -> Duration {
        self.config.call + Duration::from_secs(bytes / SLOWEST)
    }

    /// A message with what is sent along with it.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (key, value) in &self.metadata {
            request.metadata_mut().append(key.clone(), value.clone());
        }
        request
    }

    /// A client that is ready for one call.
    pub(crate) async fn ready(&self) -> Result<tonic::client::Grpc<Channel>, Status> {
        ready_on(self.channel.clone()).await
    }

    /// The same for a call that takes long, with the place that it has until it ends.
    pub(crate) async fn ready_for_long(
        &self,
    ) -> Result<(tonic::client::Grpc<Channel>, Place), Status> {
        let place = self.lanes.enter();
        Ok((ready_on(place.channel.clone()).await?, place))
    }

    /// One message there and one back.
    pub(crate) async fn unary<Q, A>(&self, path: &'static str, message: &Q) -> Result<A, Fault>
    where
        Q: Message + Clone + 'static,
        A: Message + Default + 'static,
    {
        let bytes = message.encoded_len() as u64;
        let answer: A = self
            .attempt(self.deadline(bytes), || async {
                let mut client = self.ready().await?;
                let codec: ProstCodec<Q, A> = ProstCodec::default();
                let request = self.request(message.clone());
                let path = PathAndQuery::from_static(path);
                Ok(client.unary(request, path, codec).await?.into_inner())
            })
            .await?;
        self.counters.up.fetch_add(bytes, Ordering::Relaxed);
        self.counters.down.fetch_add(answer.encoded_len() as u64, Ordering::Relaxed);
        Ok(answer)
    }

    /// Tries something until it succeeds, fails for good or has used up its time; the breaker hears of it.
    pub(crate) async fn attempt<T, F>(
        &self,
        time: Duration,
        call: impl FnMut() -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let begun = Instant::now();
        let fault = match self.tries(time, call).await {
            Ok(value) => {
                self.breaker.answered(begun.elapsed(), time);
                return Ok(value);
            }
            Err(ended) => ended.fault(),
        };
        match &fault {
            Fault::Missing => self.breaker.answered(begun.elapsed(), time),
            Fault::Off => {}
            other => self.breaker.failed(&other.to_string()),
        }
        Err(fault)
    }

    /// The same, of which the breaker does not hear.
    pub(crate) async fn tries<T, F>(
        &self,
        time: Duration,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Ended>
    where
        F: Future<Output = Result<T, Status>>,
    {
        if self.breaker.open().is_some() {
            return Err(Ended::Off);
        }
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let mut tried = 0;
        loop {
            tried += 1;
            let status = match tokio::time::timeout_at(begun + time, call()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(status)) => status,
                Err(_) => return Err(Ended::Late(time)),
            };
            let pause = jittered(PAUSE * 2u32.pow(tried - 1));
            let left = (begun + time).saturating_duration_since(Instant::now());
            if tried >= attempts(status.code()) || pause >= left {
                return Err(Ended::Status(status));
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// Why a call came to nothing, after all its attempts.
pub(crate) enum Ended {
    /// The server is not asked.
    Off,
    /// It did not answer within a time.
    Late(Duration),
    /// It answered so.
    Status(Status),
}

impl Ended {
    /// As a fault.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Ended::Off => Fault::Off,
            Ended::Late(time) => {
                Fault::Away(format!("no answer within {:.1} s", time.as_secs_f32()))
            }
            Ended::Status(status) => Fault::of(&status),
        }
    }
}

async fn ready_on(channel: Channel) -> Result<tonic::client::Grpc<Channel>, Status> {
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(MAX_MESSAGE);
    client.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
    Ok(client)
}

/// Something between the half of a time and all of it, so that clients do not come back all at once.
fn jittered(time: Duration) -> Duration {
    time / 2 + time.mul_f64(f64::from(random() as u16) / f64::from(u16::MAX) / 2.0)
}

/// A number that is different each time.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(())
}

pub(crate) type SharedWire = Arc<Wire>;
