//! The writers of an archive, of whom one or all are chosen.

use leptos::prelude::*;

use super::link::Link;
use super::{Announced, file, focus_later, locale, t};
use crate::archive::Writer;

/// The most writers that are listed. More would make the page slow.
const LISTED: usize = 100;

/// What is shown of an archive.
#[derive(Clone, PartialEq)]
struct Overview {
    /// The name of the first file.
    name: String,
    files: usize,
    /// The number of writers, unless other files have more of them.
    count: usize,
    has_others: bool,
    listed: Vec<Writer>,
}

/// The list of the writers with the most words.
#[component]
pub fn Writers(link: Link) -> impl IntoView {
    let archive = link.watch(|session| {
        let archive = session.archive()?;
        let writers = archive.writers();
        Some(Overview {
            name: archive.name().to_owned(),
            files: archive.files(),
            count: writers.len(),
            has_others: archive.has_others(),
            listed: writers.take(LISTED).cloned().collect(),
        })
    });
    let heading = move || {
        archive.with(|archive| {
            let archive = archive.as_ref()?;
            Some(file::heading(&archive.name, archive.files))
        })
    };
    let all = move || {
        archive.with(|archive| {
            let archive = archive.as_ref()?;
            Some(match archive.has_others {
                true => locale().t("all_of_all_files").to_owned(),
                false => locale().plural("all_of_them", archive.count, &[]),
            })
        })
    };
    let choose = move |place| {
        link.act(|session| session.choose_writer(place));
        focus_later("file");
    };
    let close = move |_| {
        link.act(|session| {
            session.close_files();
            Vec::new()
        });
        focus_later("posts");
    };
    let row = move |(place, writer): (usize, Writer)| {
        let Writer {
            id, posts, words, ..
        } = writer;
        view! {
            <tr>
                <th scope="row">
                    <button type="button" class="plain" on:click=move |_| choose(Some(place))><bdi>{id}</bdi></button>
                </th>
                <td>{posts}</td>
                <td>{words}</td>
            </tr>
        }
    };
    let rows = move || {
        let listed = archive.with(|archive| archive.as_ref().map(|archive| archive.listed.clone()));
        let listed = listed.unwrap_or_default().into_iter().enumerate();
        listed.map(row).collect_view()
    };
    let choose_writer = t("choose_writer");
    let partly = move || {
        let count = archive.with(|archive| archive.as_ref().map_or(0, |archive| archive.count));
        let arguments: [(&str, &dyn std::fmt::Display); 2] =
            [("shown", &LISTED), ("count", &count)];
        (LISTED < count).then(|| locale().format("most_words_shown", &arguments))
    };
    view! {
        <section class="panel result" aria-labelledby="archive">
            <h2 id="archive" tabindex="-1">{heading}</h2>
            <p class="note">{t("choose_writer")} " " {t("choose_writer_help")}</p>
            <Announced text=move || choose_writer().to_owned() />
            <div class="actions">
                <button type="button" on:click=move |_| choose(None)>{all}</button>
                <button type="button" on:click=close>{t("close_files")}</button>
            </div>
            <div class="table" tabindex="0" role="group" aria-labelledby="archive">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">{t("writer")}</th>
                            <th scope="col">{t("posts")}</th>
                            <th scope="col">{t("words")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="note">{partly}</p>
        </section>
    }
}
