//! Lets the types of a simple query's columns through.
//!
//! The simple protocol gives values as the server's own text, which is what we
//! print; its row description also carries every column's type, but
//! tokio-postgres 0.7 hands out the names alone. This stream sits between the
//! socket and tokio-postgres and writes the type in front of the name
//! (`20:-1:id`), where [`column`] reads it back. All other bytes pass unchanged
//! and, but for those beside a row description, uncopied.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::arrived;
use crate::row::Column;

/// A message's tag (one byte) and length (four, counting themselves).
const HEADER: usize = 5;
const ROW_DESCRIPTION: u8 = b'T';
/// What every answer ends with.
const READY_FOR_QUERY: u8 = b'Z';
/// What follows a field's name: table, attribute, type, its length, its
/// modifier, and the format.
const FIELD_TAIL: usize = 4 + 2 + 4 + 2 + 4 + 2;

/// The column that a rewritten name describes.
pub fn column(rewritten: &str) -> Option<Column> {
    let mut parts = rewritten.splitn(3, ':');
    let type_oid = parts.next()?.parse().ok()?;
    let modifier = parts.next()?.parse().ok()?;
    let name = parts.next()?.to_owned();
    Some(Column {
        name,
        type_oid,
        modifier,
    })
}

/// A stream from a server, past its TLS negotiation.
pub struct TypedColumns<S> {
    inner: S,
    /// Bytes of the current message's body that are yet to pass.
    passing: usize,
    answered: u64,
    /// Bytes that came, passed on or not.
    heard: u64,
    /// The start of a message that cannot be judged or rewritten yet.
    held: Vec<u8>,
    /// Rewritten, waiting for a reader.
    outgoing: Vec<u8>,
}

impl<S> TypedColumns<S> {
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            passing: 0,
            answered: 0,
            heard: 0,
            held: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    /// How many answers have begun to end.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// How many of `bytes` may pass as they are, up to a row description or a
    /// header that is cut off.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let step = self.passing.min(bytes.len() - at);
            at += step;
            self.passing -= step;
            match header(&bytes[at..]) {
                Some((tag, body)) if tag != ROW_DESCRIPTION => {
                    at += HEADER;
                    self.passing = body;
                    if tag == READY_FOR_QUERY {
                        self.answered += 1;
                    }
                }
                _ => return at,
            }
        }
    }

    /// Moves what can go on from `held` to `outgoing`.
    fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            let passed = self.pass(&held[at..]);
            self.outgoing.extend_from_slice(&held[at..at + passed]);
            at += passed;
            match header(&held[at..]) {
                Some((ROW_DESCRIPTION, body)) if held.len() - at >= HEADER + body => {
                    let message = &held[at..at + HEADER + body];
                    match rewrite(&message[HEADER..]) {
                        Some(rewritten) => self.outgoing.extend_from_slice(&rewritten),
                        None => self.outgoing.extend_from_slice(message),
                    }
                    at += HEADER + body;
                }
                _ => break,
            }
        }
        self.held = held[at..].to_vec();
    }
}

/// Tag and body length of the message that starts here, if its header is whole.
fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let (&tag, rest) = bytes.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk()?);
    // The length counts its own four bytes. A smaller one is no Postgres
    // speaking; tokio-postgres will say so when it gets there.
    Some((tag, (length as usize).saturating_sub(4)))
}

/// The whole message for the body of a row description, types in the names.
fn rewrite(mut body: &[u8]) -> Option<Vec<u8>> {
    let fields = u16::from_be_bytes(*body.split_off(..2)?.first_chunk()?);
    let mut new = fields.to_be_bytes().to_vec();
    for _ in 0..fields {
        let end = body.iter().position(|&byte| byte == 0)?;
        let name = body.split_off(..=end)?;
        let tail = body.split_off(..FIELD_TAIL)?;
        let type_oid = u32::from_be_bytes(*tail[6..].first_chunk()?);
        let modifier = i32::from_be_bytes(*tail[12..].first_chunk()?);
        new.extend_from_slice(format!("{type_oid}:{modifier}:").as_bytes());
        new.extend_from_slice(name);
        new.extend_from_slice(tail);
    }
    let length = u32::try_from(new.len() + 4).ok()?;
    let mut message = vec![ROW_DESCRIPTION];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(&new);
    Some(message)
}

impl<S: AsyncRead + Unpin> AsyncRead for TypedColumns<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.outgoing.is_empty() {
                let fits = this.outgoing.len().min(buf.remaining());
                buf.put_slice(&this.outgoing[..fits]);
                this.outgoing.drain(..fits);
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
            let new = &buf.filled()[before..];
            arrived(new.len());
            this.heard += new.len() as u64;
            if new.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let passed = if this.held.is_empty() {
                this.pass(new)
            } else {
                0
            };
            if passed < new.len() {
                this.held.extend_from_slice(&new[passed..]);
                buf.set_filled(before + passed);
                this.release();
            }
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TypedColumns<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    fn description(names: &[&str]) -> Vec<u8> {
        let mut body = u16::try_from(names.len()).unwrap().to_be_bytes().to_vec();
        for (oid, name) in (20u32..).zip(names) {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(&[0; 6]);
            body.extend_from_slice(&oid.to_be_bytes());
            body.extend_from_slice(&8i16.to_be_bytes());
            body.extend_from_slice(&(-1i32).to_be_bytes());
            body.extend_from_slice(&[0; 2]);
        }
        message(ROW_DESCRIPTION, &body)
    }

    /// What a reader gets when the bytes arrive in pieces of these sizes.
    fn through(bytes: &[u8], pieces: &[usize], reads: usize) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut far, near) = tokio::io::duplex(16);
            let send = async {
                let mut rest = bytes;
                for piece in pieces.iter().cycle() {
                    let (now, later) = rest.split_at(rest.len().min(*piece));
                    far.write_all(now).await.unwrap();
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
                drop(far);
            };
            let receive = async {
                let mut stream = TypedColumns::new(near);
                let (mut all, mut buf) = (Vec::new(), vec![0; reads]);
                loop {
                    match stream.read(&mut buf).await.unwrap() {
                        0 => return all,
                        n => all.extend_from_slice(&buf[..n]),
                    }
                }
            };
            futures::join!(send, receive).1
        })
    }

    #[test]
    fn a_name_carries_its_type_and_comes_back_whole() {
        let column = column("1700:655366:a:b").unwrap();
        assert_eq!(
            (column.name.as_str(), column.type_oid, column.modifier),
            ("a:b", 1700, 655_366)
        );
        assert_eq!(super::column("plain"), None);
    }

    proptest! {
        #[test]
        fn only_row_descriptions_change_however_the_bytes_arrive(
            bodies in prop::collection::vec((0u8..4, prop::collection::vec(any::<u8>(), 0..40)), 1..8),
            pieces in prop::collection::vec(1usize..50, 1..6),
            reads in 1usize..64,
        ) {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for (kind, body) in &bodies {
                if *kind == 0 {
                    let one = description(&["id", "na:me", ""]);
                    expected.extend(rewrite(&one[HEADER..]).unwrap());
                    sent.extend(one);
                } else {
                    let one = message(b"DCZS"[usize::from(*kind)], body);
                    expected.extend(&one);
                    sent.extend(one);
                }
            }
            prop_assert_eq!(through(&sent, &pieces, reads), expected);
        }
    }
}
