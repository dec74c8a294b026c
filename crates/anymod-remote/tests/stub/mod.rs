//! A server of the API that does what it is told to: the wire without the meaning.
//!
//! Shared by this crate's tests, the command's and the benchmarks: the only server that they have of their own. What a call
//! is answered with is a function's business; [`farm`] has one that is a server with workers, and the command's tests one
//! that passes calls on to a real server.
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
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How many calls a connection may have open: what most servers allow.
const CALLS: u32 = 100;

/// A call: one request with all its messages.
pub(crate) struct Call {
    /// `/SERVICE/METHOD`.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Its messages, each behind its length.
    pub(crate) body: Bytes,
}

impl Call {
    /// The name of the method, without its service.
    pub(crate) fn method(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The messages.
    pub(crate) fn messages(&self) -> Vec<Bytes> {
        messages(&self.body).collect()
    }
}

/// What a server does with a call.
pub(crate) enum Answer {
    /// These messages, and that all is well.
    Messages(Vec<Vec<u8>>),
    /// Messages, each behind its length already, and how the stream ends.
    Framed(Bytes, Result<HeaderMap, std::io::Error>),
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

/// A message behind its length.
pub(crate) fn framed(message: &[u8]) -> Bytes {
    promised(message, message.len())
}

/// What there is of a message behind the length that it is said to have.
fn promised(message: &[u8], length: usize) -> Bytes {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

/// The messages of a request or an answer.
pub(crate) fn messages(body: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let head = body.get(at..at + 5)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let message = body.slice(at + 5..body.len().min(at + 5 + length));
        at += 5 + length;
        Some(message)
    })
}

fn data(bytes: Bytes) -> Piece {
    Ok(Frame::data(bytes))
}

/// The end of a stream with a status.
fn ended(code: u32, words: &'static str) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", code.into());
    map.insert("grpc-message", words.parse().unwrap());
    map
}

fn trailers(code: u32, words: &'static str) -> Piece {
    Ok(Frame::trailers(ended(code, words)))
}

fn body(answer: Answer) -> Body {
    let frames = match answer {
        Answer::Messages(messages) => {
            let all = messages.iter().map(|bytes| data(framed(bytes)));
            all.chain([trailers(0, "")]).collect()
        }
        Answer::Status(code, words) => vec![trailers(code, words)],
        Answer::Framed(bytes, end) => vec![data(bytes), end.map(Frame::trailers)],
        Answer::Cut => vec![data(promised(&[0; 3], 100)), Err(std::io::Error::other("cut"))],
        Answer::Silence => Vec::new(),
        Answer::Told(mut told) => {
            let (give, take) = tokio::sync::mpsc::channel(4);
            tokio::spawn(async move {
                while let Some(piece) = told.recv().await {
                    if matches!(piece, Told::Break) {
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                    let (piece, last) = match piece {
                        Told::Message(bytes) => (data(framed(&bytes)), false),
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

/// Starts a server on a thread of its own whose answers a function makes of calls; its port.
pub(crate) fn serve<F, R>(answer: F) -> u16
where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    serve_on(async |stream| Some(stream), answer)
}

/// The same on what a function makes of connections.
pub(crate) fn serve_on<S, C, F, R>(
    connected: impl Fn(TcpStream) -> C + Send + Sync + 'static,
    answer: F,
) -> u16
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C: Future<Output = Option<S>> + Send + 'static,
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (stream, answer) = (connected(stream), Arc::clone(&answer));
                tokio::spawn(async move {
                    if let Some(stream) = stream.await {
                        converse(stream, answer).await;
                    }
                });
            }
        });
    });
    port
}

/// Answers the calls of a connection.
async fn converse<F, R>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    answer: Arc<F>,
) where
    F: Fn(Call) -> R + Send + Sync + 'static,
    R: Future<Output = Answer> + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let answer = Arc::clone(&answer);
        async move {
            let (head, asked) = request.into_parts();
            // What is not read is not sent: a stream that the server does not listen to would hang.
            let asked = asked.collect().await.map(|asked| asked.to_bytes()).unwrap_or_default();
            let path = head.uri.path().to_owned();
            let answer = answer(Call { path, headers: head.headers, body: asked }).await;
            if matches!(answer, Answer::Silence) {
                std::future::pending::<()>().await;
            }
            let response = Response::builder().header("content-type", "application/grpc");
            Ok::<_, Infallible>(response.body(body(answer)).unwrap())
        }
    });
    let mut serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    serving.max_concurrent_streams(CALLS).initial_stream_window_size(1 << 20);
    let _ = serving.serve_connection(TokioIo::new(stream), service).await;
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
