//! Length-prefixed echo on tokio-util, single-threaded: `tokio-echo forwarded|rewritten`.
//!
//! A frame is decoded to a message of its own (`LengthDelimitedCodec` through `FramedRead`) and encoded
//! again (`FramedWrite`). The answers to a read leave in one write: `start_send` without `poll_ready`,
//! because the sink's own `feed` flushes at a fixed 8 KiB (tokio-util 0.7.3).

use std::io;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

const MAX_FRAME_LENGTH: usize = 10_000_000;
const READ_BUFFER: usize = 64 * 1024;
const WRITE_BUFFER: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Mode {
    /// Little-endian u32 prefix in and out.
    Forwarded,
    /// Little-endian u32 prefix in, big-endian u16 prefix out.
    Rewritten,
}

fn main() -> io::Result<()> {
    let mode = match std::env::args().nth(1).as_deref() {
        Some("forwarded") => Mode::Forwarded,
        Some("rewritten") => Mode::Rewritten,
        _ => {
            eprintln!("usage: tokio-echo forwarded|rewritten");
            std::process::exit(2);
        }
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?
        .block_on(serve(mode))
}

async fn serve(mode: Mode) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening {}", listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        // An error is a refused frame or a lost peer: either way the connection ends here.
        tokio::spawn(async move { echo(socket, mode).await.ok() });
    }
}

async fn echo(mut socket: TcpStream, mode: Mode) -> io::Result<()> {
    let (input, output) = socket.split();
    let mut frames = FramedRead::with_capacity(input, decoder(), READ_BUFFER);
    let mut answers = FramedWrite::new(output, encoder(mode));
    answers.write_buffer_mut().reserve(2 * WRITE_BUFFER);
    loop {
        let next = match frames.next().now_or_never() {
            Some(next) => next,
            None => {
                answers.flush().await?;
                frames.next().await
            }
        };
        let sent = match next {
            Some(Ok(frame)) => answers.start_send_unpin(frame.freeze()),
            Some(Err(refused)) => Err(refused),
            None => return answers.close().await,
        };
        if sent.is_err() || answers.write_buffer().len() >= WRITE_BUFFER {
            answers.flush().await?;
        }
        sent?;
    }
}

fn decoder() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .little_endian()
        .length_field_type::<u32>()
        .max_frame_length(MAX_FRAME_LENGTH)
        .new_codec()
}

fn encoder(mode: Mode) -> LengthDelimitedCodec {
    match mode {
        Mode::Forwarded => decoder(),
        Mode::Rewritten => LengthDelimitedCodec::builder()
            .big_endian()
            .length_field_type::<u16>()
            .max_frame_length(usize::from(u16::MAX))
            .new_codec(),
    }
}
