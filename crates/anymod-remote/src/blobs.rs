//! Blobs: which a server lacks, and in both directions, small ones several at a time and large ones in pieces.
//!
//! Nothing that a server sends is believed: what does not have its digest was not sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tonic::Status;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use crate::fault::Fault;
use crate::message::{
    BatchReadBlobsRequest, BatchReadBlobsResponse, BatchUpdateBlobsRequest,
    BatchUpdateBlobsResponse, BlobRead, BlobUpdate, Digest, FindMissingBlobsRequest,
    FindMissingBlobsResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use crate::wire::{Wire, random};

const FIND_MISSING: &str =
    "/build.bazel.remote.execution.v2.ContentAddressableStorage/FindMissingBlobs";
const BATCH_READ: &str =
    "/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchReadBlobs";
const BATCH_UPDATE: &str =
    "/build.bazel.remote.execution.v2.ContentAddressableStorage/BatchUpdateBlobs";
const READ: &str = "/google.bytestream.ByteStream/Read";
const WRITE: &str = "/google.bytestream.ByteStream/Write";

/// Larger blobs are not taken: a server may say anything.
const MAX_BLOB: u64 = 2 << 30;
/// What one blob of a batch costs besides its bytes.
const OVERHEAD: u64 = 256;
/// How many digests are asked about at once: about 1 MiB.
const DIGESTS: usize = 10_000;
/// How large the pieces of large blobs are.
const PIECE: usize = 256 << 10;

/// Where the bytes of blobs come from; none if they are no longer there.
pub type Load = dyn Fn(&Digest) -> Option<Vec<u8>> + Send + Sync;

/// The same for one call.
pub(crate) type Bytes<'a> = dyn Fn(&Digest) -> Option<Vec<u8>> + Send + Sync + 'a;

/// By blob that was given: why it was not taken, if it was not.
pub(crate) type Given = BTreeMap<Digest, Option<Fault>>;
/// By blob that was taken: its bytes, or why they did not come.
pub(crate) type Read = BTreeMap<Digest, Result<Vec<u8>, Fault>>;

impl Wire {
    /// Those blobs that the server lacks.
    pub(crate) async fn missing(&self, digests: Vec<Digest>) -> Result<Vec<Digest>, Fault> {
        let mut missing = Vec::new();
        for some in digests.chunks(DIGESTS) {
            let request = FindMissingBlobsRequest {
                instance_name: self.config.instance.clone(),
                blob_digests: some.to_vec(),
            };
            let answer: FindMissingBlobsResponse = self.unary(FIND_MISSING, &request).await?;
            missing.extend(answer.missing_blob_digests);
        }
        Ok(missing)
    }

    /// Gives the server the blobs that it lacks; how many bytes that were.
    pub(crate) async fn give(
        &self,
        digests: BTreeSet<Digest>,
        load: &Bytes<'_>,
    ) -> Result<u64, Fault> {
        let limit = self.capabilities().await?.batch;
        let asked: Vec<Digest> =
            digests.iter().filter(|digest| !self.present.has(digest)).cloned().collect();
        if asked.is_empty() {
            return Ok(0);
        }
        // It may have answered with anything; only what was asked about is given.
        let missing = self.missing_of_all(asked).await?;
        let (mut batches, mut held, mut given) = (vec![Vec::new()], 0, 0);
        for digest in digests.intersection(&missing) {
            let size = digest.size().unwrap_or(u64::MAX);
            given += size;
            if size + OVERHEAD > limit {
                self.write(digest, loaded(digest, load)?).await?;
                continue;
            }
            if held + size + OVERHEAD > limit {
                batches.push(Vec::new());
                held = 0;
            }
            held += size + OVERHEAD;
            if let Some(batch) = batches.last_mut() {
                batch.push(digest);
            }
        }
        for batch in batches.iter().filter(|batch| !batch.is_empty()) {
            self.give_batch(batch, limit, load).await?;
        }
        self.present.note(digests.iter());
        Ok(given)
    }

    /// Those blobs that the server lacks, asked about with those of others.
    async fn missing_of_all(&self, digests: Vec<Digest>) -> Result<Arc<BTreeSet<Digest>>, Fault> {
        let ask = async |all: Vec<Vec<Digest>>| {
            let all: BTreeSet<Digest> = all.into_iter().flatten().collect();
            let missing = self.missing(all.into_iter().collect()).await?;
            Ok(Arc::new(missing.into_iter().collect()))
        };
        loop {
            let count = digests.len() as u64;
            if let Some(answer) =
                self.questions.ask(digests.clone(), count, DIGESTS as u64, ask).await
            {
                return answer;
            }
        }
    }

    /// Gives small blobs, with those of others.
    async fn give_batch(
        &self,
        digests: &[&Digest],
        limit: u64,
        load: &Bytes<'_>,
    ) -> Result<(), Fault> {
        let answers = loop {
            let mut batch = Vec::new();
            for digest in digests {
                let data = loaded(digest, load)?;
                batch.push(BlobUpdate { digest: Some((*digest).clone()), data });
            }
            let size = batch.iter().map(|one| one.data.len() as u64 + OVERHEAD).sum();
            let give = async |all: Vec<Vec<BlobUpdate>>| {
                self.update(all.into_iter().flatten().collect()).await.map(Arc::new)
            };
            if let Some(answers) = self.updates.ask(batch, size, limit, give).await {
                break answers?;
            }
        };
        for digest in digests {
            match answers.get(*digest) {
                Some(None) => {}
                Some(Some(fault)) => return Err(fault.clone()),
                None => {
                    let why = "it did not say of every blob that it has it";
                    return Err(Fault::Wrong(why.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Gives blobs in one call; what came of each.
    async fn update(&self, mut requests: Vec<BlobUpdate>) -> Result<Given, Fault> {
        // Many actions make the same.
        requests.sort_by(|a, b| a.digest.cmp(&b.digest));
        requests.dedup_by(|a, b| a.digest == b.digest);
        let request =
            BatchUpdateBlobsRequest { instance_name: self.config.instance.clone(), requests };
        let answer: BatchUpdateBlobsResponse = self.unary(BATCH_UPDATE, &request).await?;
        let each = answer.responses.into_iter().filter_map(|one| {
            let refused = one.status.filter(|status| status.code != 0);
            let fault =
                refused.map(|status| Fault::of(&Status::new(status.code.into(), status.message)));
            Some((one.digest?, fault))
        });
        Ok(each.collect())
    }

    async fn write(&self, digest: &Digest, data: Vec<u8>) -> Result<(), Fault> {
        let size = data.len() as u64;
        let data = Arc::new(data);
        let committed = self
            .attempt(self.deadline(size), || async {
                let pieces = pieces(self.upload_name(digest), Arc::clone(&data));
                let mut client = self.ready().await?;
                let codec: ProstCodec<WriteRequest, WriteResponse> = ProstCodec::default();
                let request = self.request(tokio_stream::iter(pieces));
                let path = PathAndQuery::from_static(WRITE);
                Ok(client.client_streaming(request, path, codec).await?.into_inner())
            })
            .await?;
        self.counters.up.fetch_add(size, Ordering::Relaxed);
        // Less than all of it was committed only if it was there already; then some servers say -1.
        if committed.committed_size == digest.size_bytes || committed.committed_size == -1 {
            return Ok(());
        }
        Err(Fault::Wrong("it did not take all of a blob".to_owned()))
    }

    fn upload_name(&self, digest: &Digest) -> String {
        let (high, low) = (random(), random());
        // A random UUID: version 4, variant 1.
        let uuid = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        );
        self.resource(&format!("uploads/{uuid}/blobs/{}/{}", digest.hash, digest.size_bytes))
    }

    fn resource(&self, name: &str) -> String {
        match self.config.instance.as_str() {
            "" => name.to_owned(),
            instance => format!("{instance}/{name}"),
        }
    }

    /// Takes blobs from the server; [`Fault::Missing`] if it lacks one.
    pub(crate) async fn take(
        &self,
        digests: BTreeSet<Digest>,
    ) -> Result<BTreeMap<Digest, Vec<u8>>, Fault> {
        let limit = self.capabilities().await?.batch;
        let mut taken = BTreeMap::new();
        let (mut batch, mut held) = (Vec::new(), 0);
        for digest in digests {
            let size = digest.size().filter(|size| *size <= MAX_BLOB);
            let (Some(size), Some(_)) = (size, digest.sha256()) else {
                return Err(Fault::Wrong("it names a blob that cannot be".to_owned()));
            };
            if size + OVERHEAD > limit {
                let bytes = self.read(&digest, size).await?;
                taken.insert(digest, bytes);
                continue;
            }
            if held + size + OVERHEAD > limit {
                self.read_batch(std::mem::take(&mut batch), held, limit, &mut taken).await?;
                held = 0;
            }
            held += size + OVERHEAD;
            batch.push(digest);
        }
        if !batch.is_empty() {
            self.read_batch(batch, held, limit, &mut taken).await?;
        }
        Ok(taken)
    }

    /// Takes small blobs, with those of others.
    async fn read_batch(
        &self,
        digests: Vec<Digest>,
        size: u64,
        limit: u64,
        taken: &mut BTreeMap<Digest, Vec<u8>>,
    ) -> Result<(), Fault> {
        let read = async |all: Vec<Vec<Digest>>| {
            self.read_each(all.into_iter().flatten().collect()).await.map(Arc::new)
        };
        let sent = loop {
            if let Some(sent) = self.reads.ask(digests.clone(), size, limit, read).await {
                break sent?;
            }
        };
        for digest in digests {
            let bytes = sent.get(&digest).cloned().unwrap_or(Err(Fault::Missing))?;
            taken.insert(digest, bytes);
        }
        Ok(())
    }

    /// Takes small blobs in one call; what came of each.
    async fn read_each(&self, digests: BTreeSet<Digest>) -> Result<Read, Fault> {
        let request = BatchReadBlobsRequest {
            instance_name: self.config.instance.clone(),
            digests: digests.iter().cloned().collect(),
        };
        let answer: BatchReadBlobsResponse = self.unary(BATCH_READ, &request).await?;
        let (mut each, mut damaged) = (Read::new(), None);
        for BlobRead { digest, data, status } in answer.responses {
            // It may have answered with anything.
            let Some(digest) = digest.filter(|digest| digests.contains(digest)) else { continue };
            let status = status.unwrap_or_default();
            let bytes = match status.code {
                0 if digest.fits(&data) => Ok(data),
                // However many of a call they are, they are one answer that is wrong.
                0 => Err(damaged.get_or_insert_with(|| self.damaged()).clone()),
                code => Err(Fault::of(&Status::new(code.into(), status.message))),
            };
            each.insert(digest, bytes);
        }
        Ok(each)
    }

    async fn read(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, Fault> {
        let name = self.resource(&format!("blobs/{}/{}", digest.hash, digest.size_bytes));
        let bytes = self
            .attempt(self.deadline(size), || async {
                let mut client = self.ready().await?;
                let codec: ProstCodec<ReadRequest, ReadResponse> = ProstCodec::default();
                let request = ReadRequest { resource_name: name.clone(), ..ReadRequest::default() };
                let path = PathAndQuery::from_static(READ);
                let answer = client.server_streaming(self.request(request), path, codec).await?;
                let mut pieces = answer.into_inner();
                let mut bytes = Vec::new();
                while let Some(piece) = pieces.message().await? {
                    bytes.extend(piece.data);
                    if bytes.len() as u64 > size {
                        break;
                    }
                }
                Ok(bytes)
            })
            .await?;
        self.counters.down.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if digest.fits(&bytes) { Ok(bytes) } else { Err(self.damaged()) }
    }

    /// A server that sends other bytes than it was asked for is as sick as one that sends none.
    fn damaged(&self) -> Fault {
        let why = "it sent a blob that does not have its digest";
        self.breaker.wrong(why);
        Fault::Wrong(why.to_owned())
    }
}

/// The bytes of a blob to be given, if they are still what they were.
fn loaded(digest: &Digest, load: &Bytes<'_>) -> Result<Vec<u8>, Fault> {
    load(digest).filter(|bytes| digest.fits(bytes)).ok_or(Fault::Changed)
}

/// A blob as the requests that give it, made one after the other: a compiler is a blob of hundreds of megabytes.
fn pieces(name: String, data: Arc<Vec<u8>>) -> impl Iterator<Item = WriteRequest> + Send {
    (0..data.len()).step_by(PIECE).map(move |start| {
        let end = data.len().min(start + PIECE);
        WriteRequest {
            resource_name: if start == 0 { name.clone() } else { String::new() },
            write_offset: i64::try_from(start).unwrap_or(i64::MAX),
            finish_write: end == data.len(),
            data: data.get(start..end).unwrap_or_default().to_vec(),
        }
    })
}
