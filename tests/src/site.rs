//! The built page, served on a port of its own, with a record of what was asked for. To a browser that takes it
//! for its proxy it answers for every host, with nothing for all but its own.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use tiny_http::{Header, Request, Response, Server};

/// A web server over the folder of the built page; it ends when dropped.
pub struct Site {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Serves the built page: the folder in `AUXLSTM_DIST`, else `dist`. A path in `instead` gives these bytes
    /// rather than the file's.
    pub fn serve(instead: Vec<(String, Vec<u8>)>) -> Self {
        let dist = dist();
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a free port can be had"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let here = format!("http://{}/", server.server_addr());
        let thread = std::thread::spawn({
            let (server, requests) = (server.clone(), requests.clone());
            move || {
                for request in server.incoming_requests() {
                    let asked = request.url();
                    let path = asked.strip_prefix(&here).unwrap_or(asked);
                    let path = path.trim_start_matches('/').to_owned();
                    if let Ok(mut requests) = requests.lock() {
                        requests.push(path.clone());
                    }
                    let path = if path.is_empty() { "index.html" } else { &path };
                    let bytes = match instead.iter().find(|(instead, _)| instead == path) {
                        Some((_, bytes)) => Some(bytes.clone()),
                        None => std::fs::read(dist.join(path)).ok(),
                    };
                    answer(request, path, bytes);
                }
            }
        });
        Self {
            server,
            thread: Some(thread),
            requests,
        }
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.server.server_addr())
    }

    /// The paths asked for so far; of other hosts the whole addresses, or host and port where it was by https.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .expect("the server's thread has not panicked")
            .clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}

/// Where a file of the built page is.
pub fn file(path: &str) -> PathBuf {
    dist().join(path)
}

/// What is in a file of the built page.
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

fn answer(request: Request, path: &str, bytes: Option<Vec<u8>>) {
    let kind = match Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    let header = Header::from_bytes("content-type", kind).expect("a media type is a header");
    // The browser may have gone away; that is the test's to notice.
    let _ = match bytes {
        Some(bytes) => request.respond(Response::from_data(bytes).with_header(header)),
        None => request.respond(Response::empty(404)),
    };
}
