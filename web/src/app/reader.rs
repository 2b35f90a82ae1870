//! The files that the visitor gives: their way through the reader to the session.

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, File, FileList, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::file::Notice;
use super::link::Link;
use super::{Cancel, locale, t};
use crate::archive::{Archive, Report};
use crate::batch::GivenFile;
use crate::js::{describe, get};
use crate::labels::bytes;
use crate::protocol::Reason;
use crate::session::{Source, is_bundle};

/// The script that starts the reader's program.
const READER: &str = "./reader/start_reader.js";

/// The most bytes of files that the page keeps in its memory, of which a tab has 4 GiB. The message `files_too_large` names it.
const MOST_BYTES: f64 = (2_u64 << 30) as f64;

/// How far files are read.
#[derive(Clone, PartialEq)]
struct Progress {
    /// The name of the first file.
    name: String,
    read: u64,
    total: u64,
}

/// The reader of the files that the visitor gives.
#[derive(Clone, Copy)]
pub struct Reader {
    link: Link,
    notice: Notice,
    progress: RwSignal<Option<Progress>>,
    running: StoredValue<Option<Running>, LocalStorage>,
    /// How often files were given, or their reading was cancelled.
    turns: StoredValue<u64>,
    /// How many models were given.
    models: StoredValue<u64>,
}

impl Reader {
    /// A reader that has no files yet.
    pub fn new(link: Link, notice: Notice) -> Self {
        Self {
            link,
            notice,
            progress: RwSignal::new(None),
            running: StoredValue::new_local(None),
            turns: StoredValue::new(0),
            models: StoredValue::new(0),
        }
    }

    /// Opens the files that the visitor has chosen or dropped: a model, or files of writers, which are one set.
    pub fn take(self, files: &FileList) {
        let files: Vec<File> = (0..files.length())
            .filter_map(|place| files.get(place))
            .collect();
        let Some(first) = files.first() else {
            return;
        };
        let has_model = files.iter().any(|file| is_bundle(&file.name()));
        if has_model && files.len() > 1 {
            return self.refuse("model_alone");
        }
        self.notice.set(None);
        if has_model {
            return self.use_model(first.clone());
        }
        self.cancel();
        self.progress.set(Some(Progress {
            name: first.name(),
            read: 0,
            total: files.iter().map(|file| file.size() as u64).sum(),
        }));
        match Running::start(self, files.clone()) {
            Ok(running) => self.running.set_value(Some(running)),
            Err(_) => self.read_plainly(&files),
        }
    }

    fn use_model(self, file: File) {
        if file.size() > MOST_BYTES {
            return self.refuse("files_too_large");
        }
        self.models.update_value(|models| *models += 1);
        let number = self.models.get_value();
        spawn_local(async move {
            let given = read(&file).await;
            // A model that was given later counts, although a smaller file is read sooner.
            if self.models.try_get_value() != Some(number) {
                return;
            }
            if let Some(bytes) = given.bytes() {
                let source = Source::File(bytes.into());
                self.link.act(|session| session.use_model(source));
            } else {
                let archive = Archive::of(given);
                self.link.act(|session| session.open_archive(archive));
            }
        });
    }

    /// Says why nothing was opened.
    pub fn refuse(self, why: &'static str) {
        self.notice.set(Some((why, String::new())));
    }

    /// Ends the reading.
    fn cancel(self) {
        self.running.set_value(None);
        self.progress.set(None);
        self.turns.update_value(|turns| *turns += 1);
    }

    /// Takes a message of the reader.
    fn receive(self, message: &JsValue) {
        let Some(json) = message.as_string() else {
            let content = Uint8Array::new(message).to_vec();
            self.with(|running| {
                if let Some(report) = running.awaits_content.take() {
                    running.parts.push(Part::Found(report, content));
                }
            });
            return;
        };
        match serde_json::from_str(&json) {
            Ok(Report::Started) => {
                let sent = self.with(|running| {
                    running.has_started = true;
                    let files: Array = running.files.iter().collect();
                    running.worker.post_message(&files)
                });
                if let Some(Err(error)) = sent {
                    self.crash(describe(error));
                }
            }
            Ok(Report::Progress(read)) => self.progress.update(|progress| {
                if let Some(progress) = progress {
                    progress.read = read;
                }
            }),
            Ok(report @ (Report::Users(_) | Report::Unpacked { .. })) => {
                self.with(|running| running.awaits_content = Some(report));
            }
            Ok(report @ Report::Unreadable { .. }) => {
                self.with(|running| running.parts.push(Part::Found(report, Vec::new())));
            }
            Ok(Report::Plain(place)) => {
                self.with(|running| {
                    let file = running.files.get(place).cloned();
                    running.parts.extend(file.map(Part::Plain));
                });
            }
            Ok(Report::Done) => {
                if let Some(parts) = self.with(|running| std::mem::take(&mut running.parts)) {
                    self.finish(parts);
                }
            }
            Ok(Report::Crashed(what)) => self.crash(what),
            Err(error) => self.crash(error.to_string()),
        }
    }

    fn with<T>(self, act: impl FnOnce(&mut Running) -> T) -> Option<T> {
        let mut result = None;
        self.running.update_value(|running| {
            result = running.as_mut().map(act);
        });
        result
    }

    /// The reader has failed. Files can be read without it if its program could not be fetched.
    fn crash(self, what: String) {
        let files = self.with(|running| (!running.has_started).then(|| running.files.clone()));
        match files.flatten() {
            Some(files) => self.read_plainly(&files),
            None => {
                self.cancel();
                self.notice.set(Some(("reader_failed", what)));
            }
        }
    }

    fn read_plainly(self, files: &[File]) {
        self.finish(files.iter().cloned().map(Part::Plain).collect());
    }

    /// Hands everything that was found to the session.
    fn finish(self, parts: Vec<Part>) {
        let size = |part: &Part| match part {
            Part::Plain(file) => file.size(),
            Part::Found(_, content) => content.len() as f64,
        };
        if parts.iter().map(size).sum::<f64>() > MOST_BYTES {
            self.cancel();
            return self.refuse("files_too_large");
        }
        self.running.set_value(None);
        let turn = self.turns.get_value();
        spawn_local(async move {
            let mut archive = Archive::default();
            for part in parts {
                match part {
                    Part::Plain(file) => archive.add(read(&file).await),
                    Part::Found(report, content) => archive.add_found(report, content),
                }
            }
            if self.turns.try_get_value() == Some(turn) {
                self.progress.set(None);
                self.link.act(|session| session.open_archive(archive));
            }
        });
    }
}

/// A file, or what the reader has found.
enum Part {
    /// The page reads it.
    Plain(File),
    Found(Report, Vec<u8>),
}

async fn read(file: &File) -> GivenFile {
    match JsFuture::from(file.array_buffer()).await {
        Ok(buffer) => GivenFile::new(file.name(), Uint8Array::new(&buffer).to_vec()),
        Err(error) => GivenFile::unreadable(file.name(), Reason::UnreadableFile(describe(error))),
    }
}

/// The reader's worker, and what it has found so far.
struct Running {
    worker: Worker,
    files: Vec<File>,
    has_started: bool,
    parts: Vec<Part>,
    /// The report whose content is the next message.
    awaits_content: Option<Report>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Running {
    fn start(reader: Reader, files: Vec<File>) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(READER, &options)?;
        let on_message = Closure::new(move |event: MessageEvent| reader.receive(&event.data()));
        // Called without a message when the scripts cannot be fetched.
        let on_error = Closure::new(move |event: ErrorEvent| {
            let message = get(&event, "message").as_string();
            reader.crash(message.unwrap_or_default());
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            files,
            has_started: false,
            parts: Vec::new(),
            awaits_content: None,
            _on_message: on_message,
            _on_error: on_error,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// How far the files are read, and the button that ends it.
#[component]
pub fn ReadingFiles(reader: Reader) -> impl IntoView {
    let progress = reader.progress;
    let is_reading = Memo::new(move |_| progress.with(Option::is_some));
    let part = move |of: fn(&Progress) -> u64| {
        progress.with(|progress| progress.as_ref().map_or(0, of).to_string())
    };
    let name = move || {
        progress.with(|progress| {
            let name = &progress.as_ref()?.name;
            Some(locale().format("reading_files", &[("file", name)]))
        })
    };
    let read = move || {
        progress.with(|progress| {
            let read = bytes(progress.as_ref()?.read);
            Some(locale().format("reading_progress", &[("read", &read)]))
        })
    };
    view! {
        <Show when=move || is_reading.get()>
            <div class="reading">
                <p class="note">{name}</p>
                <progress
                    aria-label=t("loading")
                    max=move || part(|progress| progress.total.max(1))
                    value=move || part(|progress| progress.read.min(progress.total))
                ></progress>
                <p class="note">{read}</p>
                <Cancel id="cancel-reading" next="files" cancel=move || reader.cancel() />
            </div>
        </Show>
    }
}
