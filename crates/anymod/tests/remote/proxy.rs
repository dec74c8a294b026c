//! A proxy before a real server that lets one thing go wrong with the calls of one method, and speaks TLS if it is told to.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anymod_remote::message::{BatchReadBlobsResponse, ReadResponse};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

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
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let wrong: Arc<Mutex<Option<Wrong>>> = Arc::default();
        let told = Arc::clone(&wrong);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let (told, tls) = (Arc::clone(&told), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(stream, server, told).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    serve(stream, server, told).await;
                                }
                            }
                        }
                    });
                }
            });
        });
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

type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    server: u16,
    wrong: Arc<Mutex<Option<Wrong>>>,
) {
    let Ok(upstream) = tokio::net::TcpStream::connect(("127.0.0.1", server)).await else { return };
    let io = TokioIo::new(upstream);
    let Ok((sender, connection)) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await
    else {
        return;
    };
    tokio::spawn(connection);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (sender, wrong) = (sender.clone(), Arc::clone(&wrong));
        async move { Ok::<_, Infallible>(answer(request, server, sender, wrong).await) }
    });
    let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let _ = serving.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    server: u16,
    sender: SendRequest<Full<Bytes>>,
    wrong: Arc<Mutex<Option<Wrong>>>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let wrong = wrong.lock().unwrap().clone();
    let fault = wrong.filter(|wrong| path.ends_with(&format!("/{}", wrong.0))).map(|wrong| {
        wrong.2.fetch_add(1, Ordering::SeqCst);
        wrong.1.clone()
    });
    // What is not read is not sent: a stream that the server does not listen to would hang.
    let headers = request.headers().clone();
    let Ok(asked) = request.into_body().collect().await else { return status(13) };
    match &fault {
        Some(Fault::Silence) => std::future::pending::<()>().await,
        Some(Fault::Status(code)) => return status(*code),
        Some(Fault::Answer(message)) => return response(frame(message), Ok(ok())),
        _ => {}
    }
    let Some((bytes, trailers)) = forward(&path, headers, asked.to_bytes(), server, sender).await
    else {
        return status(14);
    };
    match fault {
        Some(Fault::Cut) => {
            let half = bytes.slice(..bytes.len() / 2);
            response(half, Err(std::io::Error::other("cut")))
        }
        Some(Fault::Truncated) => {
            response(blobs(&path, &bytes, |data| data.truncate(data.len() / 2)), Ok(trailers))
        }
        Some(Fault::Corrupted) => {
            let change = |data: &mut Vec<u8>| data.iter_mut().for_each(|byte| *byte ^= 1);
            response(blobs(&path, &bytes, change), Ok(trailers))
        }
        _ => response(bytes, Ok(trailers)),
    }
}

/// The server's answer.
async fn forward(
    path: &str,
    headers: HeaderMap,
    asked: Bytes,
    server: u16,
    mut sender: SendRequest<Full<Bytes>>,
) -> Option<(Bytes, HeaderMap)> {
    let uri = format!("http://127.0.0.1:{server}{path}");
    let mut request = Request::post(uri).body(Full::new(asked)).unwrap();
    *request.headers_mut() = headers;
    request.headers_mut().remove("host");
    let answer = sender.send_request(request).await.ok()?;
    let first = answer.headers().clone();
    let body = answer.into_body().collect().await.ok()?;
    let trailers = body.trailers().cloned();
    // An answer without a message has its status where others have their headers.
    Some((body.to_bytes(), trailers.unwrap_or(first)))
}

/// An answer with the bytes of its blobs changed.
fn blobs(path: &str, bytes: &[u8], change: impl Fn(&mut Vec<u8>)) -> Bytes {
    let mut changed = Vec::new();
    let mut rest = bytes;
    while let Some((head, after)) = rest.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let (message, after) = after.split_at(length);
        rest = after;
        if path.ends_with("/Read") {
            let mut piece = ReadResponse::decode(message).unwrap();
            change(&mut piece.data);
            changed.extend(frame(&piece.encode_to_vec()));
        } else {
            let mut batch = BatchReadBlobsResponse::decode(message).unwrap();
            batch.responses.iter_mut().for_each(|one| change(&mut one.data));
            changed.extend(frame(&batch.encode_to_vec()));
        }
    }
    changed.into()
}

fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

fn status(code: u32) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    response(Bytes::new(), Ok(trailers))
}

fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", 0.into());
    trailers
}

fn response(bytes: Bytes, end: Result<HeaderMap, std::io::Error>) -> Response<Body> {
    let frames = [Ok(Frame::data(bytes)), end.map(Frame::trailers)];
    let body = StreamBody::new(tokio_stream::iter(frames)).boxed();
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}
