//! One writer of a file: the estimate, how it settles as more posts are read, and the posts that spoke most for it.

use std::fmt::Display;
use std::ops::ControlFlow;

use leptos::prelude::*;
use leptos::task::spawn_local;
use model_core::attribute::Attribute;
use model_core::explanation::Explanation;
use model_core::prediction::{Named, UserPrediction};

use super::file::pause;
use super::link::Link;
use super::reliability::{Axis, axes, polyline};
use super::result::AttributeBars;
use super::{focus_later, locale, t};
use crate::evidence::{Target, factor, strongest_posts, weights};
use crate::labels::percent;
use crate::locale::Locale;
use crate::session::Session;
use crate::summary::{self, coarse};

/// The most posts that are listed for a class.
const LISTED: usize = 3;
/// The most letters of a post that are shown.
const LETTERS: usize = 280;

/// The id of the heading.
const HEADING: &str = "one-writer";

/// A number of posts and the prediction from them.
type Point = (usize, UserPrediction);

/// Looks for the posts of the writer of a line of the results, and shows how the estimate settles. `is_asked` moves the focus
/// there.
pub fn settle(link: Link, place: usize, is_asked: bool) {
    let found = link.look(|session| {
        let batch = session.batch()?;
        let id = batch.lines().get(place)?.id.clone();
        Some((id, batch.search(place)))
    });
    let Some((id, mut search)) = found else {
        return;
    };
    let mut number = 0;
    link.act(|session| {
        number = session.begin_search();
        Vec::new()
    });
    spawn_local(async move {
        let posts = loop {
            match search.step() {
                ControlFlow::Break(posts) => break posts,
                ControlFlow::Continue(()) => pause().await,
            }
            if link.look(|session| session.search_number()) != number {
                return;
            }
        };
        let Some(posts) = posts else {
            return;
        };
        link.act(|session| session.settle(id, posts));
        if is_asked {
            focus_later(HEADING);
        }
    });
}

/// The writer whose estimate is looked at; nothing without one.
#[component]
pub fn Settling(link: Link) -> impl IntoView {
    let id = link.watch(|session| session.settling().map(|writer| writer.id().clone()));
    view! {
        {move || id.get().map(|id| {
            let id = match id {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            view! { <OneWriter link=link id=id /> }
        })}
    }
}

#[component]
fn OneWriter(link: Link, id: String) -> impl IntoView {
    let attributes = link.watch(|session| {
        let attributes = session.model().map(|model| model.attributes.clone());
        attributes.unwrap_or_default()
    });
    let points = link.watch(|session| -> Vec<Point> {
        let points = session.settling().map(|writer| {
            let points = writer.points();
            points
                .map(|(posts, prediction)| (posts, prediction.clone()))
                .collect()
        });
        points.unwrap_or_default()
    });
    let whole = link.watch(|session| session.settling()?.whole().cloned());
    let known = Memo::new(move |_| whole.get().filter(|whole| whole.known_words > 0));
    let failed = link.watch(|session| session.settling_failed().cloned());
    let is_alone =
        link.watch(|session| session.batch().is_none_or(|batch| batch.lines().len() == 1));
    let state = move || match (whole.get(), failed.get()) {
        (_, Some(reason)) => {
            let error = locale().reason(&reason);
            locale().format("settling_failed", &[("error", &error)])
        }
        (Some(whole), None) => {
            let max_words = link.look(Session::max_words);
            summary::words_used(&whole, max_words, locale())
        }
        (None, None) => locale().t("computing").to_owned(),
    };
    let heading = move || locale().format("one_writer", &[("writer", &id)]);
    let close = move |_| {
        link.act(|session| {
            session.close_settling();
            Vec::new()
        });
        focus_later("writers");
    };
    let charts = move || {
        let (points, locale) = (points.get(), locale());
        (points.len() > 1).then(|| {
            let charts = attributes.get().into_iter();
            charts
                .map(|attribute| chart(&attribute, &points, locale))
                .collect_view()
        })
    };
    view! {
        <section class="settling" aria-labelledby=HEADING aria-busy=move || (whole.get().is_none() && failed.get().is_none()).to_string()>
            <h3 id=HEADING tabindex="-1">{heading}</h3>
            <p class="note" role="status">{state}</p>
            <Show when=move || !is_alone.get()>
                <button type="button" on:click=close>{t("close_writer")}</button>
            </Show>
            <Show when=move || known.with(Option::is_some)>
                <For each=move || attributes.get() key=|attribute| attribute.name.clone() let:attribute>
                    <AttributeBars attribute=attribute prediction=known is_deeper=true />
                </For>
            </Show>
            <Show when=move || points.with(|points| points.len() > 1)>
                <h4 class="over">{t("settling")}</h4>
                <p class="note">{t("settling_help")}</p>
            </Show>
            {charts}
            <Show when=move || known.with(Option::is_some)>
                <StrongestPosts link=link attributes=attributes prediction=known />
            </Show>
        </section>
    }
}

/// The probabilities of an attribute's classes, from few posts to all of them.
fn chart(attribute: &Attribute, points: &[Point], locale: Locale) -> Option<AnyView> {
    let distributions: Vec<(usize, usize, Named<f32>)> = (points.iter())
        .filter_map(|(posts, prediction)| {
            let shown = coarse(prediction.predictions.get(&attribute.name)?);
            Some((*posts, prediction.words, shown.probabilities))
        })
        .collect();
    let (most, _, last) = distributions.last()?;
    let mut ranked: Vec<&(String, f32)> = last.0.iter().collect();
    ranked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let name = locale.name(&attribute.name);
    // Few posts change much and many little, so the axis is logarithmic.
    let place = |posts: usize| (posts as f64).ln() / (*most as f64).ln();
    let lines = ranked.iter().enumerate().rev().map(|(rank, (class, _))| {
        let corners = distributions.iter().map(|(posts, _, probabilities)| {
            let probability = probabilities.get(class).copied().unwrap_or_default();
            (place(*posts), f64::from(probability))
        });
        let kind = match rank {
            0 => "right",
            1 => "answered",
            _ => "other",
        };
        view! { <polyline class=kind points=polyline(corners) /> }.into_any()
    });
    let lines: Vec<AnyView> = lines.collect();
    let label = locale.format("settling_label", &[("attribute", &name)]);
    let across = Axis {
        label: locale.t("number_of_posts"),
        ticks: vec![(0.0, "1".to_owned()), (1.0, most.to_string())],
    };
    let plot = axes(label, across, locale.t("probability"), lines.into_any());
    let classes = ranked.iter().map(|(class, _)| locale.name(class));
    let classes: Vec<String> = classes.collect();
    let legend = (classes.get(1)).map(|second| {
        let arguments: [(&str, &dyn Display); 2] = [("top", &classes[0]), ("second", second)];
        locale.format("settling_lines", &arguments)
    });
    let heads = classes.iter().cloned();
    let heads = heads.map(|class| view! { <th scope="col">{class}</th> }.into_any());
    let heads: Vec<AnyView> = heads.collect();
    let rows = distributions.iter().map(|(posts, words, probabilities)| {
        let cells = ranked.iter().map(|(class, _)| {
            let probability = probabilities.get(class).copied().map(percent);
            view! { <td>{probability}</td> }.into_any()
        });
        let cells: Vec<AnyView> = cells.collect();
        view! { <tr><th scope="row">{*posts}</th><td>{*words}</td>{cells}</tr> }.into_any()
    });
    let rows: Vec<AnyView> = rows.collect();
    let numbers = locale.format("in_numbers", &[("attribute", &name)]);
    let view = view! {
        <div class="settles">
            <h4>{name.clone()}</h4>
            {plot}
            <p class="note">{legend}</p>
            <details>
                <summary>{numbers.clone()}</summary>
                <div class="table" tabindex="0" role="group" aria-label=numbers>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{locale.t("posts")}</th>
                                <th scope="col">{locale.t("words")}</th>
                                {heads}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </div>
    };
    Some(view.into_any())
}

/// The posts whose words speak most for the most probable class of each attribute, behind a disclosure. They are computed only
/// while it is open.
#[component]
fn StrongestPosts(
    link: Link,
    attributes: Memo<Vec<Attribute>>,
    prediction: Memo<Option<UserPrediction>>,
) -> impl IntoView {
    let evidence = link.watch(|session| {
        let evidence = session.settling()?.evidence().cloned();
        evidence.or_else(|| Some(Err(session.failure()?.clone())))
    });
    let toggled = move |event: web_sys::Event| {
        let details: web_sys::HtmlDetailsElement = event_target(&event);
        link.act(|session| session.weigh_posts(details.open()));
    };
    let lists = move || match evidence.get() {
        None => view! { <p class="note">{t("computing")}</p> }.into_any(),
        Some(Err(reason)) => {
            let error = locale().reason(&reason);
            let note = locale().format("why_failed", &[("error", &error)]);
            view! { <p class="note">{note}</p> }.into_any()
        }
        Some(Ok(explanation)) => {
            let locale = locale();
            let all = attributes.get().into_iter();
            let lists = all.filter_map(|attribute| {
                let shown = prediction.with(|prediction| {
                    Some(coarse(
                        prediction.as_ref()?.predictions.get(&attribute.name)?,
                    ))
                });
                let target = Target {
                    is_coarse: !attribute.coarse_classes.is_empty(),
                    attribute: attribute.name,
                    class: shown?.label?,
                };
                Some(list(link, &explanation, &target, locale))
            });
            let (explained, read) = (explanation.words.len(), explanation.prediction.words);
            let partly = (explained < read).then(|| {
                let arguments: [(&str, &dyn Display); 2] =
                    [("explained", &explained), ("read", &read)];
                locale.format("explained", &arguments)
            });
            view! { <p class="note">{partly}</p> {lists.collect_view()} }.into_any()
        }
    };
    view! {
        <details class="strongest" on:toggle=toggled>
            <summary>{t("strongest_posts")}</summary>
            {lists}
            <p class="note">{t("strongest_posts_help")}</p>
        </details>
    }
}

/// The posts that speak most for a class.
fn list(link: Link, explanation: &Explanation, target: &Target, locale: Locale) -> AnyView {
    let weights = weights(explanation, target).unwrap_or_default();
    let strongest = strongest_posts(&explanation.words, weights, LISTED);
    let items = strongest.iter().map(|(place, weight)| {
        let text = link.look(|session| {
            let post = session.settling()?.posts().get(*place)?;
            let mut letters = post.chars();
            let mut text: String = letters.by_ref().take(LETTERS).collect();
            if letters.next().is_some() {
                text.push('…');
            }
            Some(text)
        });
        view! { <li><span dir="auto">{text}</span> " " <span class="share">{factor(*weight)}</span></li> }
            .into_any()
    });
    let items: Vec<AnyView> = items.collect();
    let class = locale.name(&target.class);
    let heading = locale.format("speaks_for", &[("class", &class)]);
    let content = match items.is_empty() {
        true => view! { <p class="note">{locale.t("no_strong_posts")}</p> }.into_any(),
        false => view! { <ul>{items}</ul> }.into_any(),
    };
    view! { <div class="lists"><div><h4>{heading}</h4>{content}</div></div> }.into_any()
}
