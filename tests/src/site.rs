//! Serves the built page on a free port and records the requests. As a browser's proxy it answers for every host: 404 for
//! all hosts but its own.
//!
//! Tests need a server that misbehaves ([`Delivery`], [`Site::close`]), so this one is written here.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How a file is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Whole, with Content-Length.
    #[default]
    Whole,
    /// In chunks, without Content-Length.
    Chunked,
    /// The first half, with the Content-Length of the whole; then the connection ends.
    Half,
    /// Held back until another delivery is set.
    Held,
}

/// A web server over the folder of the built page; it ends when dropped.
pub struct Site {
    address: SocketAddr,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

/// The state that the server's threads share with the test.
struct Shared {
    dist: PathBuf,
    here: String,
    requests: Mutex<Vec<String>>,
    instead: Mutex<HashMap<String, Vec<u8>>>,
    deliveries: Mutex<HashMap<String, Delivery>>,
    /// Header lines of every response.
    head: Mutex<String>,
    is_closed: AtomicBool,
}

impl Site {
    /// Serves the built page: the folder in `AUXLSTM_DIST`, else `dist`. The bytes in `instead` replace files of these
    /// paths.
    pub fn serve(instead: Vec<(String, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            dist: dist(),
            here: format!("http://{address}/"),
            requests: Mutex::default(),
            instead: Mutex::new(instead.into_iter().collect()),
            deliveries: Mutex::default(),
            head: Mutex::default(),
            is_closed: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                for connection in listener.incoming() {
                    if shared.is_closed.load(Ordering::Relaxed) {
                        break;
                    }
                    let shared = shared.clone();
                    // The browser may close the connection at any time; the test notices failures.
                    std::thread::spawn(move || shared.answer(&connection?));
                }
            }
        });
        Self {
            address,
            thread: Mutex::new(Some(thread)),
            shared,
        }
    }

    /// Serves these bytes for a path from now on.
    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        lock(&self.shared.instead).insert(path.into(), bytes);
    }

    /// Sets the delivery of a path from now on.
    pub fn deliver(&self, path: &str, delivery: Delivery) {
        lock(&self.shared.deliveries).insert(path.into(), delivery);
    }

    /// Adds a header line to every response from now on.
    pub fn add_header(&self, line: &str) {
        *lock(&self.shared.head) += &format!("{line}\r\n");
    }

    /// The page's address.
    pub fn url(&self) -> String {
        self.shared.here.clone()
    }

    /// The paths requested so far. For other hosts: the whole address, or host and port with https.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// Refuses all connections from now on, as if there were no network.
    pub fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        if let Some(thread) = lock(&self.thread).take() {
            // A connection wakes the accept loop. A panic of the thread has been printed already.
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Answers the one request of a connection.
    fn answer(&self, mut connection: &TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(connection).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let Some(asked) = first.split(' ').nth(1) else {
            return Ok(());
        };
        // The rest of the request's head.
        for line in lines {
            if line?.is_empty() {
                break;
            }
        }
        let path = asked.strip_prefix(&self.here).unwrap_or(asked);
        let path = path.trim_start_matches('/');
        lock(&self.requests).push(path.into());
        let path = if path.is_empty() { "index.html" } else { path };
        let put = lock(&self.instead).get(path).cloned();
        let Some(bytes) = put.or_else(|| std::fs::read(self.dist.join(path)).ok()) else {
            let nothing =
                "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return connection.write_all(nothing.as_bytes());
        };
        let delivery = self.delivery(path);
        let kind = kind(path);
        let more = lock(&self.head).clone();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n{more}");
        connection.write_all(head.as_bytes())?;
        let length = bytes.len();
        if delivery == Delivery::Chunked {
            connection.write_all(b"transfer-encoding: chunked\r\n\r\n")?;
            for piece in bytes.chunks(1 << 16) {
                write!(connection, "{:x}\r\n", piece.len())?;
                connection.write_all(piece)?;
                connection.write_all(b"\r\n")?;
            }
            return connection.write_all(b"0\r\n\r\n");
        }
        write!(connection, "content-length: {length}\r\n\r\n")?;
        let half = delivery == Delivery::Half;
        connection.write_all(&bytes[..if half { length / 2 } else { length }])
    }

    /// The delivery of a file, once it is no longer held back.
    fn delivery(&self, path: &str) -> Delivery {
        loop {
            let delivery = (lock(&self.deliveries).get(path).copied()).unwrap_or_default();
            if delivery != Delivery::Held || self.is_closed.load(Ordering::Relaxed) {
                return delivery;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("no thread of the server has panicked")
}

fn kind(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|kind| kind.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

/// The path of a file of the built page.
pub fn file(path: &str) -> PathBuf {
    dist().join(path)
}

/// The content of a file of the built page.
pub fn read(path: &str) -> Vec<u8> {
    let file = file(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn dist() -> PathBuf {
    let dist =
        std::env::var_os("AUXLSTM_DIST").map_or_else(|| crate::root().join("dist"), PathBuf::from);
    assert!(
        dist.join("index.html").exists(),
        "{} holds no built page: run `make page` first, or `make test`",
        dist.display()
    );
    dist
}
