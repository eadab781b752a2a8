//! Passes on the column types of simple queries, and removes notices from the stream.
//!
//! The simple protocol returns values as the server's own text, which is what shardq prints. Its
//! row description also carries every column's type, but tokio-postgres 0.7 exposes only the names.
//! This stream sits between the socket and tokio-postgres and writes the type in front of the name
//! (`20:-1:id`), where [`column()`] reads it back.
//!
//! Notices go to the `Wire` and never reach tokio-postgres, which does not say which query they
//! belong to and keeps all that arrive before the first response: 600 MB of them took 3.6 GB.
//! Parameter status messages are removed for the same reason; the `Wire` keeps only
//! `is_superuser`.
//!
//! All other bytes pass unchanged and, except next to such a message, uncopied.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::authentication::AuthRefused;
use super::notice;
use super::read_coalescing::record_bytes;
pub use super::typed_name::column;
use super::typed_name::{ROW_DESCRIPTION, rewrite};
use super::wire::{StreamPosition, Wire};

/// A message's tag (one byte) and length (four bytes, counting themselves).
const HEADER: usize = 5;
const NOTICE: u8 = b'N';
const PARAMETER_STATUS: u8 = b'S';
const AUTHENTICATION: u8 = b'R';
/// Ends every response.
const READY_FOR_QUERY: u8 = b'Z';
const EMPTY_QUERY: u8 = b'I';

/// Limit for a message before the connection is open, in bytes. libpq allows 30,000 for an error
/// and 2,000 for anything else.
const LONGEST_GREETING: usize = 64 << 10;

/// A stream from a server, after TLS negotiation.
pub struct TypedColumns<S> {
    inner: S,
    wire: Wire,
    place: StreamPosition,
    /// Bytes of the current message's body still to pass.
    passing: usize,
    answered: u64,
    /// Bytes received, forwarded or not.
    heard: u64,
    /// The current message, if it is one to remove.
    taking: Option<Taking>,
    /// The length of a message that exceeded [`LONGEST_GREETING`].
    excessive: Option<usize>,
    /// A request for authentication that must not be answered.
    refused: Option<AuthRefused>,
    /// The start of a message that is not complete enough to handle.
    held: Vec<u8>,
    /// Rewritten bytes, waiting for a reader.
    outgoing: Vec<u8>,
}

/// A message being removed from the stream.
struct Taking {
    tag: u8,
    /// Bytes of its body still to come.
    left: usize,
    /// The start of its body.
    body: Vec<u8>,
}

impl Taking {
    /// Consumes the available bytes of the message; returns how many.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let taken = self.left.min(bytes.len());
        let room = notice::LONGEST.saturating_sub(self.body.len());
        self.body.extend_from_slice(&bytes[..taken.min(room)]);
        self.left -= taken;
        taken
    }
}

impl<S> TypedColumns<S> {
    pub fn new(inner: S, wire: Wire) -> Self {
        Self {
            inner,
            wire,
            place: StreamPosition::default(),
            passing: 0,
            answered: 0,
            heard: 0,
            taking: None,
            excessive: None,
            refused: None,
            held: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    /// Number of `ReadyForQuery` headers seen.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// How many of `bytes` can pass unchanged: up to a message to remove or rewrite, or an
    /// incomplete header.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.taking.is_some() {
            return at;
        }
        loop {
            let step = self.passing.min(bytes.len() - at);
            at += step;
            self.passing -= step;
            match header(&bytes[at..]) {
                Some((ROW_DESCRIPTION | NOTICE | PARAMETER_STATUS, _)) | None => return at,
                Some((_, body)) if !self.place.open && body > LONGEST_GREETING => {
                    self.excessive = Some(body);
                    return at;
                }
                Some((AUTHENTICATION, 4..)) if !self.place.open && !self.may_pass(&bytes[at..]) => {
                    return at;
                }
                Some((tag, body)) => {
                    self.count(tag);
                    at += HEADER;
                    self.passing = body;
                    if tag == READY_FOR_QUERY {
                        self.answered += 1;
                    }
                }
            }
        }
    }

    /// Whether a request for authentication is complete enough to be known, and allowed.
    fn may_pass(&mut self, message: &[u8]) -> bool {
        if self.refused.is_some() {
            return false;
        }
        let Some(request) = message[HEADER..].first_chunk() else {
            return false;
        };
        let checked = self.wire.note_authentication(u32::from_be_bytes(*request));
        self.refused = checked.err();
        self.refused.is_none()
    }

    /// Counts responses. A notice comes before the end of the response that it belongs to.
    fn count(&mut self, tag: u8) {
        match tag {
            READY_FOR_QUERY => {
                self.place.answers += 1;
                self.place.open = true;
            }
            EMPTY_QUERY => {
                self.place.marks += 1;
                self.place.answers = 0;
            }
            _ => {}
        }
    }

    /// Consumes the available bytes of a message to remove; returns how many.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let Some(taking) = &mut self.taking else {
            return 0;
        };
        let taken = taking.take(bytes);
        if taking.left == 0 {
            if taking.tag == PARAMETER_STATUS {
                self.wire.note_parameter(&taking.body);
            } else {
                self.wire.hear(&taking.body, self.place);
            }
            self.taking = None;
        }
        taken
    }

    /// Moves what can be forwarded from `held` to `outgoing`.
    fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        loop {
            at += self.take(&held[at..]);
            let passed = self.pass(&held[at..]);
            self.outgoing.extend_from_slice(&held[at..at + passed]);
            at += passed;
            if self.taking.is_some() || self.excessive.is_some() || self.refused.is_some() {
                break;
            }
            match header(&held[at..]) {
                Some((tag @ (NOTICE | PARAMETER_STATUS), body)) => {
                    at += HEADER;
                    self.taking = Some(Taking {
                        tag,
                        left: body,
                        body: Vec::new(),
                    });
                }
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

/// Tag and body length of the message that starts here, if its header is complete.
fn header(bytes: &[u8]) -> Option<(u8, usize)> {
    let (&tag, rest) = bytes.split_first()?;
    let length = u32::from_be_bytes(*rest.first_chunk()?);
    // The length counts its own four bytes. A smaller one is not from Postgres; tokio-postgres
    // reports it when it gets there.
    Some((tag, (length as usize).saturating_sub(4)))
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
            record_bytes(new.len());
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
            if let Some(refused) = this.refused.clone() {
                return Poll::Ready(Err(io::Error::other(refused)));
            }
            if let Some(length) = this.excessive {
                return Poll::Ready(Err(io::Error::other(format!(
                    "a message of {length} bytes before the connection is open"
                ))));
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
    use crate::client::Expected;
    use crate::client::typed_name::FIELD_TAIL;
    use crate::sharding::shard::Shard;
    use crate::sharding::statement::Statement;
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

    /// What a reader gets if the bytes arrive in chunks of these sizes.
    fn through(bytes: &[u8], pieces: &[usize], reads: usize, wire: &Wire) -> io::Result<Vec<u8>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut far, near) = tokio::io::duplex(16);
            let send = async {
                let mut rest = bytes;
                for piece in pieces.iter().cycle() {
                    let (now, later) = rest.split_at(rest.len().min(*piece));
                    if far.write_all(now).await.is_err() {
                        break;
                    }
                    rest = later;
                    if rest.is_empty() {
                        break;
                    }
                }
                drop(far);
            };
            let receive = async {
                let mut stream = TypedColumns::new(near, wire.clone());
                let (mut all, mut buf) = (Vec::new(), vec![0; reads]);
                loop {
                    match stream.read(&mut buf).await? {
                        0 => return Ok(all),
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

    /// The response to the first empty query, after the client's side noted the shards.
    fn marked(shards: u32) -> (Wire, Vec<u8>) {
        let wire = Wire::default();
        for shard in 0..shards {
            let shard = Shard::new(shard);
            assert_eq!(
                wire.expect(Expected { shard, offset: 0 }),
                shard == Shard::new(0)
            );
        }
        (wire, [message(EMPTY_QUERY, b""), ready()].concat())
    }

    fn ready() -> Vec<u8> {
        message(READY_FOR_QUERY, b"T")
    }

    fn notice(text: &str) -> Vec<u8> {
        message(NOTICE, format!("SNOTICE\0VNOTICE\0M{text}\0\0").as_bytes())
    }

    fn told(wire: &Wire) -> String {
        let statement = Statement::new("SELECT 1").unwrap();
        wire.take_notices().describe(128, &statement)
    }

    #[test]
    fn a_description_with_more_than_its_fields_stays_as_it_is() {
        let fields = [0, 1, b'a', 0].into_iter().chain([0; FIELD_TAIL]);
        let mut body: Vec<u8> = fields.collect();
        assert!(rewrite(&body).is_some());
        body.push(7);
        assert_eq!(rewrite(&body), None);
    }

    #[test]
    fn a_notice_is_of_the_shard_whose_answer_it_comes_in() {
        let (wire, mark) = marked(3);
        let mut sent = [ready(), notice("not of a turn"), ready(), mark].concat();
        for shard in 0..3 {
            sent.extend(notice(&format!("of {shard}")));
            sent.extend(ready());
        }
        sent.extend(notice("behind them"));
        through(&sent, &[7], 9, &wire).unwrap();
        assert_eq!(
            told(&wire),
            "shard_0: NOTICE:  of 0\nshard_1: NOTICE:  of 1\nshard_2: NOTICE:  of 2\n"
        );
    }

    #[test]
    fn what_is_said_at_the_door_is_of_no_shard() {
        let wire = Wire::default();
        let sent = [notice("welcome"), ready(), notice("of ours"), ready()].concat();
        assert_eq!(
            through(&sent, &[100], 100, &wire).unwrap(),
            [ready(), ready()].concat()
        );
        assert_eq!(told(&wire), "NOTICE:  welcome\n");
    }

    #[test]
    fn counting_begins_anew_with_another_empty_query() {
        let (wire, mark) = marked(1);
        through(&[ready(), mark, ready()].concat(), &[100], 100, &wire).unwrap();
        wire.stop_counting();
        let shard = Shard::new(7);
        assert!(wire.expect(Expected { shard, offset: 0 }));
        let mark = [message(EMPTY_QUERY, b""), ready()].concat();
        let sent = [mark.clone(), ready(), mark, notice("late"), ready()].concat();
        through(&[ready(), sent].concat(), &[100], 100, &wire).unwrap();
        assert_eq!(told(&wire), "shard_7: NOTICE:  late\n");
    }

    #[test]
    fn a_server_that_talks_without_end_fills_no_memory() {
        let wire = Wire::default();
        let long = message(
            NOTICE,
            &[b"SNOTICE\0M".as_slice(), &vec![b'x'; 1 << 20]].concat(),
        );
        let parameter = message(PARAMETER_STATUS, &vec![b'x'; 1 << 20]);
        let sent = [long, parameter, ready()].concat();
        assert_eq!(through(&sent, &[4096], 4096, &wire).unwrap(), ready());
        assert!(told(&wire).len() < notice::LONGEST + 100);
        let greeting = message(b'R', &vec![0; LONGEST_GREETING + 1]);
        let error = through(&greeting, &[4096], 4096, &wire).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a message of 65537 bytes before the connection is open"
        );
    }

    proptest! {
        #[test]
        fn only_row_descriptions_change_and_notices_go_however_the_bytes_arrive(
            bodies in prop::collection::vec((0u8..6, prop::collection::vec(any::<u8>(), 0..40)), 1..8),
            pieces in prop::collection::vec(1usize..50, 1..6),
            reads in 1usize..64,
        ) {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for (kind, body) in &bodies {
                match b"TNSDCZ"[usize::from(*kind)] {
                    ROW_DESCRIPTION => {
                        let one = description(&["id", "na:me", ""]);
                        expected.extend(rewrite(&one[HEADER..]).unwrap());
                        sent.extend(one);
                    }
                    tag @ (NOTICE | PARAMETER_STATUS) => sent.extend(message(tag, body)),
                    tag => {
                        let one = message(tag, body);
                        expected.extend(&one);
                        sent.extend(one);
                    }
                }
            }
            prop_assert_eq!(through(&sent, &pieces, reads, &Wire::default()).unwrap(), expected);
        }
    }
}
