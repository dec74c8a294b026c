//! A server of the API that does what it is told to: the wire without the meaning.
//!
//! Shared by this crate's tests, the command's and the benchmarks. What a call is answered with is a function's business;
//! [`farm`] has one that is a server with workers.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise, and not every one needs all of it"
)]

pub(crate) mod farm;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anymod_remote::message::{ActionCacheUpdateCapabilities, ServerCapabilities};
use anymod_remote::message::{CacheCapabilities, ExecutionCapabilities, SHA256, SemVer};
use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How many calls a connection may have open: what most servers allow.
const CALLS: u32 = 100;

/// What a server does with a call.
pub(crate) enum Answer {
    /// These messages, and that all is well.
    Messages(Vec<Vec<u8>>),
    /// A status.
    Status(u32, &'static str),
    /// Messages as they come, until the last one has been; a status ends it before.
    Told(UnboundedReceiver<Told>),
    /// Nothing, for ever.
    Silence,
    /// Ends the stream in the middle of a message.
    Cut,
}

/// A piece of a stream.
pub(crate) enum Told {
    Message(Vec<u8>),
    Status(u32, &'static str),
    /// The connection breaks, after the time that what was said before it needs to get there.
    Break,
}

/// One message.
pub(crate) fn message(message: &impl Message) -> Answer {
    Answer::Messages(vec![message.encode_to_vec()])
}

/// A stream, and what tells it.
pub(crate) fn telling() -> (tokio::sync::mpsc::UnboundedSender<Told>, Answer) {
    let (tell, told) = unbounded_channel();
    (tell, Answer::Told(told))
}

type Piece = Result<Frame<Bytes>, std::io::Error>;
type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

fn framed(bytes: &[u8], length: usize) -> Piece {
    let mut frame = vec![0];
    frame.extend(u32::try_from(length).unwrap().to_be_bytes());
    frame.extend(bytes);
    Ok(Frame::data(Bytes::from(frame)))
}

fn trailers(code: u32, words: &str) -> Piece {
    let mut map = hyper::HeaderMap::new();
    map.insert("grpc-status", code.to_string().parse().unwrap());
    map.insert("grpc-message", words.parse().unwrap());
    Ok(Frame::trailers(map))
}

fn body(answer: Answer) -> Body {
    let frames = match answer {
        Answer::Messages(messages) => {
            let all = messages.iter().map(|bytes| framed(bytes, bytes.len()));
            all.chain([trailers(0, "")]).collect()
        }
        Answer::Status(code, words) => vec![trailers(code, words)],
        Answer::Cut => vec![framed(&[0; 3], 100), Err(std::io::Error::other("cut"))],
        Answer::Silence => Vec::new(),
        Answer::Told(mut told) => {
            let (give, take) = tokio::sync::mpsc::channel(4);
            tokio::spawn(async move {
                while let Some(piece) = told.recv().await {
                    if matches!(piece, Told::Break) {
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                    let (piece, last) = match piece {
                        Told::Message(bytes) => (framed(&bytes, bytes.len()), false),
                        Told::Status(code, words) => (trailers(code, words), true),
                        Told::Break => (Err(std::io::Error::other("broken")), true),
                    };
                    if give.send(piece).await.is_err() || last {
                        return;
                    }
                }
                let _ = give.send(trailers(0, "")).await;
            });
            return StreamBody::new(tokio_stream::wrappers::ReceiverStream::new(take)).boxed();
        }
    };
    StreamBody::new(tokio_stream::iter(frames)).boxed()
}

/// Starts a server on a thread of its own whose answers a function makes of the method's name and the messages of a
/// request; its port.
pub(crate) fn serve<F, R>(answer: F) -> u16
where
    F: Fn(String, Vec<Vec<u8>>) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let answer = Arc::clone(&answer);
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let answer = Arc::clone(&answer);
                    async move {
                        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
                        let asked = request.into_body().collect().await;
                        let asked = asked.map(|body| body.to_bytes()).unwrap_or_default();
                        let answer = answer(method, messages(&asked)).await;
                        if matches!(answer, Answer::Silence) {
                            std::future::pending::<()>().await;
                        }
                        let response =
                            Response::builder().header("content-type", "application/grpc");
                        Ok::<_, Infallible>(response.body(body(answer)).unwrap())
                    }
                });
                let mut serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                serving.max_concurrent_streams(CALLS).initial_stream_window_size(1 << 20);
                tokio::spawn(serving.serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    port
}

/// The messages of a request.
fn messages(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = body.split_at_checked(5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (message, rest) = rest.split_at(length.min(rest.len()));
        messages.push(message.to_vec());
        body = rest;
    }
    messages
}

/// What a server says that can do everything.
pub(crate) fn capabilities() -> ServerCapabilities {
    let version = |minor| Some(SemVer { major: 2, minor, patch: 0 });
    ServerCapabilities {
        cache_capabilities: Some(CacheCapabilities {
            digest_functions: vec![SHA256],
            action_cache_update_capabilities: Some(ActionCacheUpdateCapabilities {
                update_enabled: true,
            }),
            ..CacheCapabilities::default()
        }),
        execution_capabilities: Some(ExecutionCapabilities {
            digest_function: SHA256,
            exec_enabled: true,
            digest_functions: vec![SHA256],
        }),
        low_api_version: version(0),
        high_api_version: version(3),
    }
}
