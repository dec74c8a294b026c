//! A proxy before a real server that lets one thing go wrong with the calls of one method, and speaks TLS if it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anymod_remote::message::{BatchReadBlobsResponse, ReadResponse};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsAcceptor;

use crate::stub::{Answer, Call, framed, messages, serve, serve_on};

/// What goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The stream ends in the middle of the answer.
    Cut,
    /// There is no answer.
    Silence,
    /// The server says so.
    Status(u32),
    /// The bytes of blobs are fewer.
    Truncated,
    /// The bytes of blobs are others.
    Corrupted,
    /// This is the answer.
    Answer(Vec<u8>),
}

/// A fault, the method that it is at, and how often that was met.
type Wrong = Arc<(&'static str, Fault, AtomicUsize)>;

/// A proxy; its thread ends with the test program.
pub(crate) struct Proxy {
    port: u16,
    wrong: Arc<Mutex<Option<Wrong>>>,
}

impl Proxy {
    /// Listens for calls to the server on a port, encrypted if there is something to encrypt with.
    pub(crate) fn before(server: u16, tls: Option<TlsAcceptor>) -> Proxy {
        let wrong: Arc<Mutex<Option<Wrong>>> = Arc::default();
        let told = Arc::clone(&wrong);
        let upstream = Arc::new(Upstream { server, sender: OnceCell::new() });
        let answer = move |call| answer(call, Arc::clone(&upstream), Arc::clone(&told));
        let port = match tls {
            None => serve(answer),
            Some(tls) => {
                let connected = move |stream| {
                    let accepted = tls.accept(stream);
                    async { accepted.await.ok() }
                };
                serve_on(connected, answer)
            }
        };
        Proxy { port, wrong }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Lets something go wrong at a method from now on; how often it was met can be asked.
    pub(crate) fn fail(&self, method: &'static str, fault: &Fault) -> impl Fn() -> usize + use<> {
        let wrong = Arc::new((method, fault.clone(), AtomicUsize::new(0)));
        *self.wrong.lock().unwrap() = Some(Arc::clone(&wrong));
        move || wrong.2.load(Ordering::SeqCst)
    }
}

/// The connection to the real server, once there is one.
struct Upstream {
    server: u16,
    sender: OnceCell<SendRequest<Full<Bytes>>>,
}

impl Upstream {
    async fn sender(&self) -> Option<SendRequest<Full<Bytes>>> {
        let connect = || async {
            let stream = TcpStream::connect(("127.0.0.1", self.server)).await.ok().ok_or(())?;
            let handshake = hyper::client::conn::http2::handshake;
            let (sender, connection) =
                handshake(TokioExecutor::new(), TokioIo::new(stream)).await.ok().ok_or(())?;
            tokio::spawn(connection);
            Ok::<_, ()>(sender)
        };
        self.sender.get_or_try_init(connect).await.ok().cloned()
    }

    /// The server's answer.
    async fn forward(&self, call: &Call) -> Option<(Bytes, HeaderMap)> {
        let uri = format!("http://127.0.0.1:{}{}", self.server, call.path);
        let mut request = Request::post(uri).body(Full::new(call.body.clone())).unwrap();
        *request.headers_mut() = call.headers.clone();
        request.headers_mut().remove("host");
        let answer = self.sender().await?.send_request(request).await.ok()?;
        let first = answer.headers().clone();
        let body = answer.into_body().collect().await.ok()?;
        let trailers = body.trailers().cloned();
        // An answer without a message has its status where others have their headers.
        Some((body.to_bytes(), trailers.unwrap_or(first)))
    }
}

async fn answer(call: Call, upstream: Arc<Upstream>, wrong: Arc<Mutex<Option<Wrong>>>) -> Answer {
    let wrong = wrong.lock().unwrap().clone();
    let fault = wrong.filter(|wrong| call.method() == wrong.0).map(|wrong| {
        wrong.2.fetch_add(1, Ordering::SeqCst);
        wrong.1.clone()
    });
    match &fault {
        Some(Fault::Silence) => return Answer::Silence,
        Some(Fault::Status(code)) => return Answer::Status(*code, ""),
        Some(Fault::Answer(message)) => return Answer::Messages(vec![message.clone()]),
        _ => {}
    }
    let Some((bytes, trailers)) = upstream.forward(&call).await else {
        return Answer::Status(14, "");
    };
    match fault {
        Some(Fault::Cut) => {
            let half = bytes.slice(..bytes.len() / 2);
            Answer::Framed(half, Err(std::io::Error::other("cut")))
        }
        Some(Fault::Truncated) => {
            let change = |data: &mut Vec<u8>| data.truncate(data.len() / 2);
            Answer::Framed(blobs(call.method(), &bytes, change), Ok(trailers))
        }
        Some(Fault::Corrupted) => {
            let change = |data: &mut Vec<u8>| data.iter_mut().for_each(|byte| *byte ^= 1);
            Answer::Framed(blobs(call.method(), &bytes, change), Ok(trailers))
        }
        _ => Answer::Framed(bytes, Ok(trailers)),
    }
}

/// An answer with the bytes of its blobs changed.
fn blobs(method: &str, bytes: &Bytes, change: impl Fn(&mut Vec<u8>)) -> Bytes {
    let mut changed = Vec::new();
    for message in messages(bytes) {
        if method == "Read" {
            let mut piece = ReadResponse::decode(message).unwrap();
            change(&mut piece.data);
            changed.extend(framed(&piece.encode_to_vec()));
        } else {
            let mut batch = BatchReadBlobsResponse::decode(message).unwrap();
            batch.responses.iter_mut().for_each(|one| change(&mut one.data));
            changed.extend(framed(&batch.encode_to_vec()));
        }
    }
    changed.into()
}
