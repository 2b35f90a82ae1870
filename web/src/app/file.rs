//! Files of many writers: choosing them, the run over them, its results and their downloads.

use std::fmt::Display;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use js_sys::{Array, Date};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlInputElement, Url};

use super::consent::Purpose;
use super::link::Link;
use super::population::Population;
use super::reader::{Reader, ReadingFiles};
use super::settling::{Settling, settle};
use super::writers::Writers;
use super::{Announced, Cancel, focus_later, locale, t};
use crate::batch::{BadRecord, BrokenFile, Export, State};
use crate::js::describe;
use crate::session::Session;
use crate::summary;

/// The message beside the button that chooses files: its key, and the error in it if it has one.
pub type Notice = RwSignal<Option<(&'static str, String)>>;

/// The endings of files that can be read.
const ACCEPTED: &str =
    ".jsonl,.ndjson,.json,.csv,.tsv,.tab,.txt,.zip,.tar,.tgz,.gz,.js,.xml,.car,.safetensors";

/// The button that chooses files.
#[component]
pub fn Choose(reader: Reader, notice: Notice) -> impl IntoView {
    let changed = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        if let Some(files) = input.files() {
            reader.take(&files);
        }
        // Otherwise choosing the same file again would be no change.
        input.set_value("");
    };
    let said = move || {
        let (key, error) = notice.get()?;
        Some(locale().format(key, &[("error", &error)]))
    };
    view! {
        <div class="choose">
            <label class="button">
                <input
                    id="files"
                    type="file"
                    multiple=true
                    accept=ACCEPTED
                    aria-describedby="file-help"
                    on:change=changed
                />
                {t("choose_file")}
            </label>
            <p class="note" id="file-help">{t("file_help")}</p>
        </div>
        <p class="note" role="status">{said}</p>
        <ReadingFiles reader=reader />
    }
}

/// The heading of a set of files: the name of the first one, and how many others there are.
pub fn heading(name: &str, files: usize) -> String {
    let file: [(&str, &dyn Display); 1] = [("file", &name)];
    match files {
        0 | 1 => locale().format("file_heading", &file),
        _ => locale().plural("files_heading", files - 1, &file),
    }
}

/// The progress of the run, without its rows.
#[derive(Clone, PartialEq)]
struct Overview {
    /// The name of the first file.
    name: String,
    files: usize,
    state: State,
    broken: Vec<BrokenFile>,
    done: usize,
    read: usize,
    bytes: usize,
    bad: u64,
    reports: Vec<BadRecord>,
    notes: Vec<String>,
}

fn overview(session: &Session) -> Option<Overview> {
    let batch = session.batch()?;
    Some(Overview {
        name: batch.name().into(),
        files: batch.files(),
        state: batch.state().clone(),
        broken: batch.broken().to_vec(),
        done: batch.lines().len(),
        read: batch.bytes_read(),
        bytes: batch.bytes(),
        bad: batch.bad_records(),
        reports: batch.reports().to_vec(),
        notes: batch.notes().to_vec(),
    })
}

/// A screen reader is told how far the run is at most this often, and at its end.
const PACE_MS: f64 = 5_000.0;

/// The results of the files.
#[component]
pub fn Results(link: Link, notice: Notice) -> impl IntoView {
    let overview = link.watch(overview);
    let running = Memo::new(move |_| {
        overview.with(|all| all.as_ref().is_some_and(|all| all.state == State::Running))
    });
    let heading = move || {
        overview.with(|all| {
            let all = all.as_ref()?;
            Some(heading(&all.name, all.files))
        })
    };
    let count = move || overview.with(|all| all.as_ref().map_or(0, |all| all.done));
    let done = move || locale().plural("file_done", count(), &[]);
    let outcome = move || {
        overview.with(|all| {
            let Overview {
                state,
                done,
                broken,
                ..
            } = all.as_ref()?;
            Some(summary::outcome(state, *done, broken, locale()))
        })
    };
    let announced = RwSignal::new(String::new());
    let last = StoredValue::new(Date::now());
    Effect::new(move |_| {
        let news = format!("{} {}", done(), outcome().unwrap_or_default());
        if !running.get() || Date::now() - last.get_value() >= PACE_MS {
            last.set_value(Date::now());
            announced.set(news);
        }
    });
    let base_rates = link.watch(|session| session.batch().map(|batch| batch.base_rates().clone()));
    let assumed = move || {
        let base_rates = base_rates.get().filter(|_| count() > 0)?;
        Some(summary::base_rates(&base_rates, locale()))
    };
    // The estimate of a single writer is looked at without being asked for.
    let single = link.watch(|session| {
        let batch = session.batch()?;
        let is_single = !batch.is_running() && batch.lines().len() == 1;
        is_single.then(|| session.run_number())
    });
    Effect::new(move |_| {
        if single.get().is_some() {
            settle(link, 0, false);
        }
    });
    view! {
        <section class="panel result" aria-labelledby="file">
            <h2 id="file" tabindex="-1">{heading}</h2>
            <p class="note">{done} " " {outcome}</p>
            <Announced text=move || announced.get() />
            <Show when=move || running.get()>
                <progress
                    aria-label=t("loading")
                    max=move || overview.with(|all| all.as_ref().map_or(1, |all| all.bytes.max(1)).to_string())
                    value=move || overview.with(|all| all.as_ref().map_or(0, |all| all.read).to_string())
                ></progress>
            </Show>
            <Actions link=link running=running notice=notice />
            <Notes overview=overview />
            <BadRecords overview=overview />
            <Purpose />
            <Settling link=link />
            <Population link=link />
            <section class="writers" aria-labelledby="writers">
                <h3 id="writers" tabindex="-1">{t("each_writer")}</h3>
                <p class="note">{move || (count() > 1).then(t("each_writer_help"))}</p>
                <Writers link=link running=running />
                <p class="note assumed">{assumed}</p>
            </section>
        </section>
    }
}

/// The buttons that end the run, save its results and close the files.
#[component]
fn Actions(link: Link, running: Memo<bool>, notice: Notice) -> impl IntoView {
    let saving = StoredValue::new(false);
    let save_as = move |format: Export| {
        if saving.get_value() {
            return;
        }
        saving.set_value(true);
        spawn_local(async move {
            notice.set(match save(link, format).await {
                Ok(true) => None,
                Ok(false) => Some(("download_ended", String::new())),
                Err(error) => Some(("download_failed", error)),
            });
            // The view may be gone.
            let _ = saving.try_update_value(|saving| *saving = false);
        });
    };
    let download = move |format: Export| {
        let label = move || locale().format("download", &[("format", &format.name())]);
        view! { <button type="button" on:click=move |_| save_as(format)>{label}</button> }
    };
    let has_shares = link.watch(|session| {
        let population = session.batch().and_then(|batch| batch.population());
        matches!(population, Some(Ok(_)))
    });
    let has_archive = link.watch(|session| session.archive().is_some());
    let save_shares = move |_| {
        let failed = save_shares(link).err();
        notice.set(failed.map(|error| ("download_failed", error)));
    };
    let act = move |act: fn(&mut Session)| {
        link.act(|session| {
            act(session);
            Vec::new()
        });
    };
    let act_and_focus = move |todo: fn(&mut Session), focused: &'static str| {
        act(todo);
        focus_later(focused);
    };
    view! {
        <div class="actions">
            <Show when=move || running.get()>
                <Cancel id="cancel-run" next="file" cancel=move || act(Session::cancel_file) />
            </Show>
            {[Export::Csv, Export::Jsonl].map(download).into_iter().collect_view()}
            <Show when=move || has_shares.get()>
                <button type="button" on:click=save_shares>{t("download_shares")}</button>
            </Show>
            <Show when=move || has_archive.get()>
                <button type="button" on:click=move |_| act_and_focus(Session::close_file, "archive")>{t("other_writers")}</button>
            </Show>
            <button type="button" on:click=move |_| act_and_focus(Session::close_files, "posts")>{t("close")}</button>
        </div>
    }
}

/// How the file is read, where another way was possible.
#[component]
fn Notes(overview: Memo<Option<Overview>>) -> impl IntoView {
    move || {
        let notes = overview.with(|all| all.as_ref().map(|all| all.notes.clone()))?;
        let notes = notes.into_iter();
        Some(
            notes
                .map(|note| view! { <p class="note" lang="en">{note}</p> })
                .collect_view(),
        )
    }
}

/// The records that could not be read, behind a disclosure.
#[component]
fn BadRecords(overview: Memo<Option<Overview>>) -> impl IntoView {
    move || {
        let (count, reports) =
            overview.with(|all| all.as_ref().map(|all| (all.bad, all.reports.clone())))?;
        let items = reports
            .into_iter()
            .map(|report| view! { <li>{report.message(locale())}</li> });
        (count > 0).then(|| {
            let summary = locale().plural("file_bad", count as usize, &[]);
            view! {
                <details class="bad">
                    <summary>{summary}</summary>
                    <ul>{items.collect_view()}</ul>
                </details>
            }
        })
    }
}

/// How many rows of a download are written at a time. More would be felt while typing.
const SLICE: usize = 1_000;

/// Downloads the results so far. The page stays responsive meanwhile. Returns whether there is a download: not if the run
/// ends before, because its files are closed or other base rates begin a new run.
async fn save(link: Link, format: Export) -> Result<bool, String> {
    let run = link.look(|session| session.run_number());
    let (name, rows) = link.look(|session| {
        let batch = session.batch();
        let name = batch.map(|batch| batch.name().to_owned());
        (
            name.unwrap_or_default(),
            batch.map_or(0, |batch| batch.lines().len()),
        )
    });
    let parts = Array::new();
    for start in (0..rows.max(1)).step_by(SLICE) {
        if start > 0 {
            pause().await;
        }
        let part = link.look(|session| {
            let batch = session.batch().filter(|_| session.run_number() == run)?;
            Some(batch.export(format, start..rows.min(start + SLICE)))
        });
        let Some(part) = part else {
            return Ok(false);
        };
        let part = part.map_err(|error| error.to_string())?;
        parts.push(&blob(part)?);
    }
    let name = format!("{}-attributes.{}", stem(&name), format.extension());
    download(&name, &parts).map_err(describe)?;
    Ok(true)
}

/// Downloads the newest estimate of the shares.
fn save_shares(link: Link) -> Result<(), String> {
    let shares = link.look(|session| {
        let batch = session.batch()?;
        Some((batch.name().to_owned(), batch.shares_json()?))
    });
    let Some((name, json)) = shares else {
        return Ok(());
    };
    let name = format!("{}-shares.json", stem(&name));
    download(&name, &Array::of1(&blob(json)?)).map_err(describe)
}

/// A part of a download. The browser may keep a blob outside of the memory of the page.
fn blob(text: String) -> Result<JsValue, String> {
    let blob = Blob::new_with_str_sequence(&Array::of1(&text.into())).map_err(describe)?;
    Ok(blob.into())
}

/// The name of a file without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Lets the browser do other work.
pub async fn pause() {
    let mut has_paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_paused, true) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), Duration::ZERO);
        Poll::Pending
    })
    .await;
}

/// How long a browser may take to start a download. Some save nothing if the address is revoked before.
const DOWNLOAD_STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Makes the browser save blobs as one file.
fn download(name: &str, parts: &Array) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("text/plain;charset=utf-8");
    let blob = Blob::new_with_blob_sequence_and_options(parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    set_timeout(
        // It only fails for an address that was never made.
        move || drop(Url::revoke_object_url(&address)),
        DOWNLOAD_STARTS_WITHIN,
    );
    Ok(())
}
