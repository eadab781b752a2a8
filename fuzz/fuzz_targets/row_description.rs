//! The stream from a server, in arbitrary pieces, gives what a simple filter of all its bytes
//! gives, and the same notices as in one piece.

#![no_main]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use shardq::client::row_description::TypedColumns;
use shardq::sharding::statement::Statement;
use tokio::io::{AsyncRead, ReadBuf};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    messages: Vec<Message<'a>>,
    pieces: Vec<u8>,
    reads: u8,
    cut: u16,
}

#[derive(Debug, Arbitrary)]
enum Message<'a> {
    Ready,
    EmptyQuery,
    Description(Vec<(&'a [u8], [u8; 18])>, &'a [u8]),
    Notice(Vec<(u8, &'a str)>),
    Other(u8, &'a [u8]),
    /// Whose length need not be right.
    Announced(u8, u32, &'a [u8]),
    Long(u8, u8),
}

/// The longest message before the connection is open.
const LONGEST_GREETING: usize = 64 << 10;

fuzz_target!(|input: Input<'_>| {
    let mut bytes: Vec<u8> = input.messages.iter().flat_map(written).collect();
    bytes.truncate(bytes.len().saturating_sub(usize::from(input.cut)));
    let (expected, is_refused) = filtered(&bytes);
    let whole = read(&bytes, &[], usize::MAX);
    let pieces = read(&bytes, &input.pieces, usize::from(input.reads).max(1));
    assert_eq!(whole.notices, pieces.notices);
    for run in [whole, pieces] {
        assert_eq!(run.refused, is_refused);
        if is_refused {
            assert!(expected.starts_with(&run.bytes));
        } else {
            assert!(run.bytes == expected, "{:?} {expected:?}", run.bytes);
        }
    }
});

fn written(message: &Message<'_>) -> Vec<u8> {
    let framed = |tag: u8, body: &[u8]| {
        let length = u32::try_from(body.len() + 4).expect("short");
        [&[tag][..], &length.to_be_bytes(), body].concat()
    };
    match message {
        Message::Ready => framed(b'Z', b"I"),
        Message::EmptyQuery => framed(b'I', b""),
        Message::Description(fields, trailing) => {
            let mut body = u16::try_from(fields.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
            for (name, tail) in fields {
                body.extend(name.iter().filter(|&&byte| byte != 0));
                body.push(0);
                body.extend(tail);
            }
            body.extend(*trailing);
            framed(b'T', &body)
        }
        Message::Notice(fields) => {
            let mut body = Vec::new();
            for (field, value) in fields {
                body.extend([&[*field], value.as_bytes(), b"\0"].concat());
            }
            body.push(0);
            framed(b'N', &body)
        }
        Message::Other(tag, body) => framed(*tag, body),
        Message::Announced(tag, length, body) => {
            [&[*tag][..], &length.to_be_bytes(), body].concat()
        }
        Message::Long(tag, more) => framed(*tag, &vec![1; LONGEST_GREETING - 100 + usize::from(*more)]),
    }
}

/// What passes, and whether the rest is refused.
fn filtered(mut bytes: &[u8]) -> (Vec<u8>, bool) {
    let (mut passed, mut is_open) = (Vec::new(), false);
    while let (Some(&tag), Some(length)) = (bytes.first(), bytes.get(1..5)) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
        let end = 1 + (length as usize).max(4);
        let is_removed = b"NS".contains(&tag);
        if !is_removed && !is_open && end - 5 > LONGEST_GREETING {
            return (passed, true);
        }
        is_open |= tag == b'Z';
        let message = &bytes[..end.min(bytes.len())];
        // An incomplete one is held back.
        if tag == b'T' && message.len() == end {
            passed.extend(described(&message[5..]).unwrap_or_else(|| message.to_vec()));
        } else if tag != b'T' && !is_removed {
            passed.extend(&message[..message.len().max(5)]);
        }
        bytes = &bytes[message.len().max(5)..];
    }
    (passed, false)
}

/// A row description with types in its names; `None` if it is none.
fn described(body: &[u8]) -> Option<Vec<u8>> {
    let fields = u16::from_be_bytes(body.get(..2)?.try_into().ok()?);
    let (mut new, mut at) = (body[..2].to_vec(), 2);
    for _ in 0..fields {
        let end = at + body[at..].iter().position(|&byte| byte == 0)?;
        let tail = body.get(end + 1..end + 19)?;
        let type_oid = u32::from_be_bytes(tail[6..10].try_into().ok()?);
        let modifier = i32::from_be_bytes(tail[12..16].try_into().ok()?);
        new.extend(format!("{type_oid}:{modifier}:").as_bytes());
        new.extend(&body[at..end + 19]);
        at = end + 19;
    }
    let length = u32::try_from(new.len() + 4).ok()?;
    (at == body.len()).then(|| [b"T", &length.to_be_bytes()[..], &new].concat())
}

struct Run {
    bytes: Vec<u8>,
    refused: bool,
    notices: (u64, String),
}

fn read(bytes: &[u8], pieces: &[u8], reads: usize) -> Run {
    // The client's own type; nothing was asked on it.
    let wire = Default::default();
    let source = Pieces {
        rest: bytes,
        pieces: pieces.iter(),
    };
    let mut stream = TypedColumns::new(source, Clone::clone(&wire));
    let mut buffer = vec![0; reads.min(bytes.len() * 2 + 64)];
    let mut run = Run {
        bytes: Vec::new(),
        refused: false,
        notices: Default::default(),
    };
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        let mut into = ReadBuf::new(&mut buffer);
        match Pin::new(&mut stream).poll_read(&mut cx, &mut into) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) if into.filled().is_empty() => break,
            Poll::Ready(Ok(())) => run.bytes.extend(into.filled()),
            Poll::Ready(Err(_)) => {
                run.refused = true;
                break;
            }
        }
    }
    let statement = Statement::new("SELECT 1").expect("a statement");
    let notices = wire.take_notices();
    run.notices = (notices.warnings(), notices.describe(1, &statement));
    run
}

/// A socket. A piece of no bytes is one for which the reader has to wait.
struct Pieces<'a> {
    rest: &'a [u8],
    pieces: std::slice::Iter<'a, u8>,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = match self.pieces.next() {
            Some(0) => return Poll::Pending,
            Some(piece) => usize::from(*piece),
            None => usize::MAX,
        };
        let (now, later) = self.rest.split_at(piece.min(self.rest.len()).min(buf.remaining()));
        buf.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}
